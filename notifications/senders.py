"""Who is sending: each process holds a lock of the database, which it gives back when it is killed.

So what a dead process left is seen as soon as another one looks, not when its lease runs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

# Locks of two numbers, this and the sender's own; all other locks here have one.
CLASS: Final = 720_199
NUMBERS: Final = 2**31


@contextmanager
def sender_lock() -> Iterator[int]:
    """Hold a lock of this process's own, and give the number that its messages carry meanwhile."""
    number = secrets.randbelow(NUMBERS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [CLASS, number])
    try:
        yield number
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [CLASS, number])


def senders_alive() -> set[int]:
    """Return the numbers of the processes that hold theirs."""
    query = """
        SELECT objid::bigint FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [CLASS])
        return {int(number) for (number,) in cursor.fetchall()}
