"""How far a command is: a bar on a terminal, a line every while elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY_S: Final = 10.0


class Told(Protocol):
    """Takes how far something is."""

    def __call__(self, text: str, share: float | None) -> None:
        """Take what is done, in words, and its share; None where that is not known."""


@contextmanager
def progress_shown(stream: Any) -> Iterator[Told]:
    """Give a function that shows how far a command is.

    Parameters
    ----------
    stream : text file
        The command's standard error.
    """
    if not stream.isatty():
        yield _lines(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=_console(stream), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(text: str, share: float | None) -> None:
            total = None if share is None else 1.0
            bar.update(task, description=text, completed=share or 0.0, total=total)

        yield show


def _console(stream: TextIO) -> Console:
    return Console(file=stream, force_terminal=True)


def _lines(stream: TextIO) -> Told:
    told = time.monotonic()

    def show(text: str, share: float | None) -> None:
        nonlocal told
        if time.monotonic() - told >= LINE_EVERY_S:
            told = time.monotonic()
            stream.write(text if share is None else f"{text} {share:4.0%}")

    return show
