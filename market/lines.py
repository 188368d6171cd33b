"""Connections to streams of prices: one a provider, opened again when they break.

They live on an event loop in a thread of their own; whoever holds them takes what they told, as
often as he likes. Of several prices between two looks only the last is kept, so that a busy symbol
costs no more than a quiet one.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import structlog

from core.errors import ApplicationError, Transient
from market.providers.base import LastTrade
from market.providers.kinds import stream_get
from market.providers.listening import Wanted
from market.quote_sources import QuoteSource

log = structlog.get_logger(__name__)

# Seconds before a broken connection is opened again: doubled each time, give or take half.
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
# After a refusal that another try cannot change.
REFUSED_PAUSE_S: Final = 300.0
STOP_WITHIN_S: Final = 5.0

Heard = tuple[str, str, LastTrade]
Result = TypeVar("Result")


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
        self._pause = pause or _pause
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="streams", daemon=True)
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[str, LastTrade]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.want([])
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_WITHIN_S)
        if not self._thread.is_alive():
            self._loop.close()

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
                self._run(_close(line.task))
        for name, source in wanted.items():
            symbols = frozenset(source.symbols)
            if name in self._lines:
                self._loop.call_soon_threadsafe(self._lines[name].wanted.change, symbols)
            else:
                self._lines[name] = self._run(self._open(source, symbols))

    def take(self) -> list[Heard]:
        """Return (symbol, provider, price) of all that was told since the last time."""
        with self._lock:
            heard, self._heard = self._heard, {}
        return [(symbol, *told) for symbol, told in heard.items()]

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * STOP_WITHIN_S)

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


async def _close(task: asyncio.Task[None]) -> None:
    """End a connection and wait until it is closed: some providers allow one at a time."""
    task.cancel()
    await asyncio.wait({task}, timeout=STOP_WITHIN_S)


def _pause(failures: int) -> float:
    """Return the seconds before the next try after so many failures in a row."""
    doubled = FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10)
    return min(doubled, LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
