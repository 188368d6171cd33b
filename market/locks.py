"""One download a series, and no file dropped while somebody writes: locks of PostgreSQL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from core.errors import Transient

POLL_S: Final = 0.1
WAIT_S: Final = 30.0


@contextmanager
def series_lock(
    *,
    provider: str,
    symbol: str,
    interval: str,
    wait_s: float = WAIT_S,
    waiting: Callable[[], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the right to download a series; `waiting` is called where somebody else has it.

    It is PostgreSQL's lock of this connection: it ends with it, so a worker that is killed holds
    nothing up.

    Raises
    ------
    Transient
        When somebody else still holds it after `wait_s`.
    """
    key = _key(f"series:{provider}:{symbol}:{interval}")
    waited = 0.0
    while not _ask("SELECT pg_try_advisory_lock(%s)", key):
        if waited >= wait_s:
            raise Transient(
                f"{symbol} {interval} from {provider} is being downloaded already: wait for that.",
                code="busy",
                retry_after_s=wait_s,
            )
        if waiting is not None and not waited:
            waiting()
        sleep(POLL_S)
        waited += POLL_S
    try:
        yield
    finally:
        _ask("SELECT pg_advisory_unlock(%s)", key)


def folder_hold(folder: str) -> None:
    """Keep whoever drops files out of a folder, until the transaction that is open now ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_key(f"folder:{folder}")])


@contextmanager
def folder_lock(folder: str) -> Iterator[bool]:
    """Keep writers out of a folder; False, at once, where one is writing."""
    key = _key(f"folder:{folder}")
    mine = _ask("SELECT pg_try_advisory_lock(%s)", key)
    try:
        yield mine
    finally:
        if mine:
            _ask("SELECT pg_advisory_unlock(%s)", key)


def _key(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _ask(question: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [key])
        (answer,) = cursor.fetchone()
    return bool(answer)
