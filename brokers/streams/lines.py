"""Connections to brokers' streams: one an account, opened again when they break.

They live on an event loop in a thread of their own; whoever holds them takes what they told. No
update is left out, and none is held up by an account that does not answer.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import structlog

from brokers.adapters.base import Access, OutcomeUnknown, Refused
from brokers.streams.base import Update
from brokers.streams.kinds import STREAMS

log = structlog.get_logger(__name__)

# Seconds before a broken connection is opened again: doubled each time, give or take half.
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
# After a refusal that another try cannot change.
REFUSED_PAUSE_S: Final = 300.0
# One that lasted so long did not fail.
LASTED_S: Final = 30.0
STOP_WITHIN_S: Final = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Source:
    """An account whose stream is wanted."""

    kind: str
    access: Access


@dataclass(frozen=True, slots=True)
class Heard:
    """What came since the last look.

    Attributes
    ----------
    updates : list of (account id, Update)
        In the order in which they came.
    connected : set of account ids
        To whose streams a connection was opened: what happened before has to be asked for.
    """

    updates: list[tuple[UUID, Update]]
    connected: set[UUID]


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
        self._thread = threading.Thread(target=self._loop.run_forever, name="orders", daemon=True)
        self._lines: dict[UUID, tuple[Source, asyncio.Task[None]]] = {}
        self._lock = threading.Lock()
        self._updates: list[tuple[UUID, Update]] = []
        self._connected: set[UUID] = set()
        self._news = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.want([])
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_WITHIN_S)
        if not self._thread.is_alive():
            self._loop.close()

    def want(self, sources: Iterable[Source]) -> None:
        """Listen to these accounts and to no other; connections that go on stay open.

        Raises
        ------
        Exception
            What a connection ended with, if that was not an expected failure.
        """
        wanted = {source.access.account_id: source for source in sources}
        ended = []
        for account_id, (source, task) in list(self._lines.items()):
            if task.done():
                task.result()
            if wanted.get(account_id) != source:
                ended.append(task)
                del self._lines[account_id]
        if ended:
            self._run(_close(ended))
        for account_id, source in wanted.items():
            if account_id not in self._lines:
                self._lines[account_id] = source, self._run(self._open(source))

    def take(self, *, within_s: float = 0.0) -> Heard:
        """Return what came since the last time; wait so long for it where there is nothing."""
        self._news.wait(within_s)
        with self._lock:
            self._news.clear()
            heard = Heard(self._updates, self._connected)
            self._updates, self._connected = [], set()
        return heard

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * STOP_WITHIN_S)

    async def _open(self, source: Source) -> asyncio.Task[None]:
        return asyncio.create_task(self._hold(source))

    async def _hold(self, source: Source) -> None:
        account_id = source.access.account_id

        def told(update: Update) -> None:
            with self._lock:
                self._updates.append((account_id, update))
                self._news.set()

        def ready() -> None:
            with self._lock:
                self._connected.add(account_id)
                self._news.set()

        stream, failures = STREAMS.get(source.kind), 0
        while True:
            began = time.monotonic()
            pause_s, reason = REFUSED_PAUSE_S, ""
            try:
                await stream.listen(source.access, told, ready)
            except Refused as error:
                reason = str(error)
            except OutcomeUnknown as error:
                failures = 1 if time.monotonic() - began > LASTED_S else failures + 1
                pause_s, reason = self._pause(failures), str(error)
            log.warning(
                "orders.stream_broken",
                account_id=str(account_id),
                kind=source.kind,
                error=reason,
                next_try_s=round(pause_s, 1),
            )
            await asyncio.sleep(pause_s)


async def _close(tasks: list[asyncio.Task[None]]) -> None:
    """End connections and wait until they are closed: some brokers allow one at a time."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=STOP_WITHIN_S)


def _pause(failures: int) -> float:
    """Return the seconds before the next try after so many failures in a row."""
    doubled = FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10)
    return min(doubled, LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
