"""Connections that live on an event loop in a thread of their own, and are opened again."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

# Seconds before a broken connection is opened again: doubled each time, give or take half.
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
# After a refusal that another try cannot change.
REFUSED_PAUSE_S: Final = 300.0
STOP_WITHIN_S: Final = 5.0

Result = TypeVar("Result")


class LoopThread:
    """An event loop that runs beside the work of a thread.

    Parameters
    ----------
    name : str
        Of its thread.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_WITHIN_S)
        if not self._thread.is_alive():
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * STOP_WITHIN_S)

    def soon(self, call: Callable[..., object], *arguments: Any) -> None:
        """Call something on the loop, and do not wait."""
        self._loop.call_soon_threadsafe(call, *arguments)

    def end(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """End connections and wait until they are closed: some servers allow one at a time."""
        if ended := list(tasks):
            self.run(_close(ended))


async def _close(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=STOP_WITHIN_S)


def pause_after(failures: int) -> float:
    """Return the seconds before the next try after so many failures in a row."""
    doubled = FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10)
    return min(doubled, LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
