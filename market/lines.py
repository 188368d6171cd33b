"""Connections to streams of prices: one a provider, opened again when they break.

They live on an event loop in a thread of their own; whoever holds them takes what they told, as
often as he likes. Of several prices between two looks only the last is kept, so that a busy symbol
costs no more than a quiet one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import structlog

from core.errors import ApplicationError, Transient
from core.loop_thread import REFUSED_PAUSE_S, LoopThread, pause_after
from market.providers.base import LastTrade
from market.providers.kinds import stream_get
from market.providers.listening import Wanted
from market.quote_sources import QuoteSource

log = structlog.get_logger(__name__)


Heard = tuple[str, str, LastTrade]


@dataclass(frozen=True, slots=True)
class _Line:
    source: QuoteSource
    wanted: Wanted
    task: asyncio.Task[None]


class Lines:
    """The connections of one worker; use it in a `with` block.

    Parameters
    ----------
    pause : callable
        From the number of failures in a row to seconds; for tests.
    """

    def __init__(self, *, pause: Callable[[int], float] | None = None) -> None:
        self._pause = pause or pause_after
        self._loop = LoopThread("streams")
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[str, LastTrade]] = {}

    def __enter__(self) -> Self:
        self._loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.want([])
        self._loop.stop()

    def want(self, sources: Iterable[QuoteSource]) -> None:
        """Listen to these and to nothing else; connections that go on stay open.

        Raises
        ------
        Exception
            What a connection ended with, if that was not an expected failure.
        """
        wanted = {source.provider: source for source in sources}
        for name, line in list(self._lines.items()):
            if line.task.done():
                line.task.result()
            if name not in wanted or wanted[name].credentials != line.source.credentials:
                del self._lines[name]
                self._loop.end([line.task])
        for name, source in wanted.items():
            symbols = frozenset(source.symbols)
            if name in self._lines:
                self._loop.soon(self._lines[name].wanted.change, symbols)
            else:
                self._lines[name] = self._loop.run(self._open(source, symbols))

    def take(self) -> list[Heard]:
        """Return (symbol, provider, price) of all that was told since the last time."""
        with self._lock:
            heard, self._heard = self._heard, {}
        return [(symbol, *told) for symbol, told in heard.items()]

    async def _open(self, source: QuoteSource, symbols: frozenset[str]) -> _Line:
        wanted = Wanted(symbols)
        return _Line(source, wanted, asyncio.create_task(self._hold(source, wanted)))

    async def _hold(self, source: QuoteSource, wanted: Wanted) -> None:
        failures = 0

        def told(symbol: str, trade: LastTrade) -> None:
            nonlocal failures
            failures = 0
            with self._lock:
                self._heard[symbol] = source.provider, trade

        stream = stream_get(source.provider)
        while True:
            try:
                await stream.listen(wanted, told, credentials=source.credentials)
                pause_s = 0.0
            except ApplicationError as error:
                failures += 1
                again = isinstance(error, Transient)
                pause_s = self._pause(failures) if again else REFUSED_PAUSE_S
                log.warning(
                    "market.stream_broken",
                    provider=source.provider,
                    error=error.message,
                    next_try_s=round(pause_s, 1),
                )
            await asyncio.sleep(pause_s)
