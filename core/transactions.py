"""Transactions that are done again where another came in between."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from core.errors import Conflict

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS: Final = 3


class Overtaken(Conflict):
    """What a transaction has read was changed by another before it was locked."""

    def __init__(self, message: str = "This was changed at the same time: look again.") -> None:
        super().__init__(message, code="changed_meanwhile")


def atomic(work: Callable[P, T]) -> Callable[P, T]:
    """Have a function be one transaction, and be done again where another came in between.

    Of two transactions that wait for each other's rows PostgreSQL ends one; one that finds changed
    what it has read raises `Overtaken`. Nothing of it is left then, so that it may be done once
    more, as long as the function reads for itself what it changes. Within another transaction it
    is a part of that, and only the whole can be done again.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            with transaction.atomic():
                return work(*args, **kwargs)
        committed: list[bool] = []
        attempts = ATTEMPTS
        while True:
            attempts -= 1
            try:
                with transaction.atomic():
                    # What comes after the commit may fail too, and is no reason to do it again.
                    transaction.on_commit(lambda: committed.append(True))
                    return work(*args, **kwargs)
            except (OperationalError, Overtaken) as error:
                if committed or not attempts or not _came_between(error):
                    raise

    return run


def _came_between(error: Exception) -> bool:
    return isinstance(error, Overtaken) or isinstance(error.__cause__, DeadlockDetected)
