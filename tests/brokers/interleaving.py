"""Two processes that take turns, wherever the one may be interrupted by the other.

Each is a thread with a database connection of its own, and only one of them runs at a time. One
gives way where a system might stop it and it locks no rows: at the beginning of a transaction,
after its end, around a statement outside of any, and around a call to the venue (`Turns.pause`).
Which turn is the last before a change is given, so that all of them can be tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations

from django.db import connection

LONGEST_S = 20.0


class Turns:
    """Runs two works in turns: the first of them until `switches` or its end say otherwise.

    `taken` counts the places where the one that ran might have been interrupted.
    """

    def __init__(self, works: Sequence[Callable[[], object]], switches: Collection[int] = ()):
        self.works, self.switches, self.taken = works, frozenset(switches), 0
        self._ready = [threading.Semaphore(0) for _ in works]
        self._over = [False for _ in works]
        self._errors: list[BaseException] = []
        self._mine = threading.local()

    def run(self) -> int:
        """Run both to their ends; return how many places there were."""
        threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(len(self.works))
        ]
        for thread in threads:
            thread.start()
        self._ready[0].release()
        for thread in threads:
            thread.join(LONGEST_S)
            assert not thread.is_alive(), "one of them waits for the other"
        if self._errors:
            raise self._errors[0]
        return self.taken

    def pause(self) -> None:
        """Let the other one go on if it is its turn; others than these two just go on."""
        number = getattr(self._mine, "number", None)
        if number is None:
            return
        self.taken += 1
        if self.taken in self.switches and not self._over[1 - number]:
            self._ready[1 - number].release()
            self._ready[number].acquire()

    def _work(self, number: int) -> None:
        self._mine.number = number
        self._ready[number].acquire()
        try:
            connection.ensure_connection()
            self._watch_commits()
            with connection.execute_wrapper(self._statement):
                self.works[number]()
        except BaseException as error:  # noqa: BLE001 - it is raised where the two are waited for
            self._errors.append(error)
        finally:
            connection.close()
            self._over[number] = True
            self._ready[1 - number].release()

    def _watch_commits(self) -> None:
        self._mine.inside = False
        commit = connection.commit

        def committed():
            commit()
            self._mine.inside = False

        connection.commit = committed

    def _statement(self, execute, *args):
        within = connection.in_atomic_block
        if not self._mine.inside:
            self.pause()
        done = execute(*args)
        self._mine.inside = within
        if not within:
            self.pause()
        return done


def schedules(places: int, most: int) -> Iterator[tuple[int, ...]]:
    """Return after which places the turn changes, with no more than so many changes."""
    for changes in range(most + 1):
        yield from combinations(range(1, places + 1), changes)
