"""Two processes that interrupt each other, in every way there is.

Each is a thread with a database connection of its own, and only one of them runs at a time. It may
be interrupted where a system might stop it and it locks no rows: before a transaction, before a
statement outside of any, and before a call to the venue, which says so (`Stage.pause`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from django.db import connection, connections

LONGEST_S = 20.0
Works = tuple[Callable[[], object], Callable[[], object]]


class Stage:
    """Where two works run in turns."""

    def __init__(self) -> None:
        self._threads = [ThreadPoolExecutor(1) for _ in range(2)]
        self._mine = threading.local()
        for number, thread in enumerate(self._threads):
            thread.submit(self._enter, number).result(LONGEST_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.submit(connections.close_all).result(LONGEST_S)
            thread.shutdown()

    def run(self, works: Works, switches: Sequence[int] = ()) -> int:
        """Run both to their ends, and change turns at some of the places where one may.

        Returns
        -------
        int
            How many places there were until one of the two had ended.
        """
        self._switches, self._places = frozenset(switches), 0
        self._over = [False, False]
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
        if number is None or any(self._over):
            return
        self._places += 1
        if self._places in self._switches:
            self._turns[1 - number].release()
            self._turns[number].acquire()

    def _enter(self, number: int) -> None:
        self._mine.number, self._mine.inside = number, False
        connection.ensure_connection()
        commit, rollback = connection.commit, connection.rollback
        connection.commit = partial(self._ended, commit)
        connection.rollback = partial(self._ended, rollback)
        connection.execute_wrappers.append(self._statement)

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
        if not self._mine.inside:
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
