"""One process at a time, or a few: who finds that others are at it leaves it to them, and goes on.

The lock is PostgreSQL's, of the session: it is gone with the process that had it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Final, cast
from uuid import UUID

import redis
from django.db import connection

from market.memory import memory

# What is left to another process is forgotten after so long, and found again by who looks for it.
LEFT_S: Final = 5
AT_ONCE: Final = 100


@contextmanager
def turn(name: str) -> Iterator[bool]:
    """Tell whether it is our turn to do what `name` says; until the end of the block it is."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def in_turn(name: str, ids: Collection[UUID], *, places: int = 1) -> Iterator[list[UUID]]:
    """Yield what is to be done here: our ids, then what others leave to us meanwhile.

    Nothing is yielded where it is others' turn: ours are left to them. They may be at their end
    already and not see them, or Redis may be away: what is left must be found again otherwise.

    Parameters
    ----------
    places : int
        How many processes may be at it.
    """
    names = [f"{name}:{place}" for place in range(places)]
    for place in names:
        with turn(place) as mine:
            if mine:
                yield list(ids)
                yield from _left(name)
                return
    with suppress(redis.RedisError):
        memory().sadd(name, *(each.bytes for each in ids))
        memory().expire(name, LEFT_S)
    for place in names:  # whose turn it was may have looked before ours were there
        with turn(place) as mine:
            if mine:
                yield from _left(name)
                return


def _left(name: str) -> Iterator[list[UUID]]:
    with suppress(redis.RedisError):
        while found := cast(list[bytes], memory().spop(name, AT_ONCE)):
            yield [UUID(bytes=each) for each in found]
