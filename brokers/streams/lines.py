"""Connections to brokers' streams: one an account, opened again when they break.

They live on an event loop in a thread of their own; whoever holds them takes what they told. No
update is left out, and none is held up by an account that does not answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import structlog

from brokers.adapters.base import Access, OutcomeUnknown, Refused
from brokers.streams.base import Update
from brokers.streams.kinds import STREAMS
from core.loop_thread import REFUSED_PAUSE_S, LoopThread, pause_after

log = structlog.get_logger(__name__)

# One that lasted so long did not fail.
LASTED_S: Final = 30.0


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
        self._pause = pause or pause_after
        self._loop = LoopThread("orders")
        self._lines: dict[UUID, tuple[Source, asyncio.Task[None]]] = {}
        self._lock = threading.Lock()
        self._updates: list[tuple[UUID, Update]] = []
        self._connected: set[UUID] = set()
        self._news = threading.Event()

    def __enter__(self) -> Self:
        self._loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.want([])
        self._loop.stop()

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
        self._loop.end(ended)
        for account_id, source in wanted.items():
            if account_id not in self._lines:
                self._lines[account_id] = source, self._loop.run(self._open(source))

    def take(self, *, within_s: float = 0.0) -> Heard:
        """Return what came since the last time; wait so long for it where there is nothing."""
        self._news.wait(within_s)
        with self._lock:
            self._news.clear()
            heard = Heard(self._updates, self._connected)
            self._updates, self._connected = [], set()
        return heard

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
