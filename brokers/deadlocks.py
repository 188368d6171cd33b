"""Of two transactions that wait for each other PostgreSQL ends one: it is done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import OperationalError
from psycopg.errors import DeadlockDetected

T = TypeVar("T")

ATTEMPTS: Final = 3


def deadlock_repeat(work: Callable[[], T]) -> T:
    """Do some work in a transaction of its own, and again where it was ended for another's sake."""
    attempts = 0
    while True:
        attempts += 1
        try:
            return work()
        except OperationalError as error:
            if attempts == ATTEMPTS or not isinstance(error.__cause__, DeadlockDetected):
                raise
