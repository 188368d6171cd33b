"""A peer that runs in another process, asked for one run at a time so that all take turns."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.peers.case import CASH
from benchmarks.peers.install import PYTHON

if TYPE_CHECKING:
    from types import TracebackType

    from core.engine.bars import Bars


class Peer:
    """A script beside this file; it times itself, so that the way to it does not count.

    Parameters
    ----------
    script : str
        Its name, such as ``"vectorbt_cross.py"``.
    """

    def __init__(self, script: str) -> None:
        self._process = subprocess.Popen(
            [PYTHON, Path(__file__).with_name(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    @staticmethod
    def installed() -> bool:
        """Whether the environment of the peers is there."""
        return PYTHON.exists()

    def bars_send(self, bars: Bars) -> None:
        """Hand over the bars of the runs to come."""
        columns = b"".join(column.tobytes() for column in (bars.ts, bars.open, bars.close))
        self._ask({"bars": len(bars), "cash": CASH}, columns)

    def seconds(self, what: str) -> float:
        """Run it once and return how long that took."""
        return float(self._ask({"do": what}))

    def trades(self) -> dict[str, list[float]]:
        """Return its trades, a list a column."""
        return dict(self._ask({"do": "trades"}))

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> Any:
        pipes = self._process
        if pipes.stdin is None or pipes.stdout is None:
            raise RuntimeError("The peer has no pipes.")
        pipes.stdin.write(json.dumps(request).encode() + b"\n" + data)
        pipes.stdin.flush()
        line = pipes.stdout.readline()
        if not line:
            raise RuntimeError("The peer has ended; its message is above.")
        return json.loads(line)
