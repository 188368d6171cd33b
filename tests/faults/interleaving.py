"""Two processes that interrupt each other, in every way there is.

Each is a thread with a database connection of its own, and only one of them runs at a time. It is
interrupted before statements, and before calls to the venue, which says so (`Stage.pause`): where
it locks no rows, or anywhere. Where the other one then waits for a lock, the first goes on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from django.db import connection, connections

from tests.venue.direct import DirectBroker

ANYWHERE = "ANYWHERE" in os.environ
LONGEST_S = 20.0
LOOK_S = 0.02
Works = tuple[Callable[[], object], Callable[[], object]]


class Interrupted(DirectBroker):
    """A venue at whose calls the other process may get its turn."""

    def __init__(self, replacing, pause):
        super().__init__(replacing)
        self.pause = pause

    def _done(self, action):
        self.pause()
        return super()._done(action)

    def _ask(self):
        self.pause()
        super()._ask()


class Stage:
    """Where two works run in turns."""

    def __init__(self, *, anywhere: bool = False) -> None:
        self._anywhere = anywhere
        self._looker = connections.create_connection("default")
        self._looker.inc_thread_sharing()
        self._threads = [ThreadPoolExecutor(1) for _ in range(2)]
        self._mine = threading.local()
        self._pids = [
            thread.submit(self._enter, number).result(LONGEST_S)
            for number, thread in enumerate(self._threads)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.submit(connections.close_all).result(LONGEST_S)
            thread.shutdown()
        self._looker.close()

    def run(self, works: Works, switches: Sequence[int] = ()) -> int:
        """Run both to their ends, and change turns at some of the places where one may.

        Returns
        -------
        int
            How many places there were until one of the two had ended.
        """
        self._switches, self._places = frozenset(switches), 0
        self._over, self._blocked = [False, False], False
        self._turns = [threading.Semaphore(0) for _ in works]
        made = [
            thread.submit(self._work, number, work)
            for number, (thread, work) in enumerate(zip(self._threads, works, strict=True))
        ]
        self._turns[0].release()
        for each in made:
            each.result(LONGEST_S)
        return self._places

    def pause(self) -> None:
        """Let the other one go on if it is its turn; whoever is neither of the two just goes on."""
        number = getattr(self._mine, "number", None)
        if number is None or any(self._over) or self._blocked:
            return
        self._places += 1
        if self._places in self._switches:
            self._turns[1 - number].release()
            while not self._turns[number].acquire(timeout=LOOK_S):
                if self._waits(1 - number):
                    self._blocked = True
                    return

    def _waits(self, number: int) -> bool:
        """Tell whether one of the two waits for a lock, which the other must have."""
        with self._looker.cursor() as cursor:
            cursor.execute("SELECT pg_blocking_pids(%s)", [self._pids[number]])
            return bool(cursor.fetchone()[0])

    def _enter(self, number: int) -> int:
        self._mine.number, self._mine.inside = number, False
        connection.ensure_connection()
        commit, rollback = connection.commit, connection.rollback
        connection.commit = partial(self._ended, commit)
        connection.rollback = partial(self._ended, rollback)
        connection.execute_wrappers.append(self._statement)
        return connection.connection.info.backend_pid

    def _work(self, number: int, work: Callable[[], object]) -> None:
        self._turns[number].acquire()
        try:
            work()
        finally:
            self._over[number] = True
            self._turns[1 - number].release()

    def _ended(self, how: Callable[[], None]) -> None:
        how()
        self._mine.inside = False

    def _statement(self, execute, *args):
        if self._anywhere or not self._mine.inside:
            self.pause()
        self._mine.inside = connection.in_atomic_block
        return execute(*args)


def schedules(
    run: Callable[[Sequence[int]], int], most: int, before: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Run with no switch of turns, and with all that are possible up to `most` of them.

    Yields
    ------
    tuple of int
        The places at which turns were changed, after each run.
    """
    places = run(before)
    yield before
    if len(before) < most:
        for place in range(max(before, default=0) + 1, places + 1):
            yield from schedules(run, most, (*before, place))
