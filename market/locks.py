"""One writer a series: whoever comes second waits, and finds the work done."""

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
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the right to download a series.

    It is PostgreSQL's lock of this connection: it ends with it, so a worker that is killed holds
    nothing up.

    Raises
    ------
    Transient
        When somebody else still holds it after `wait_s`.
    """
    name = f"series:{provider}:{symbol}:{interval}"
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    key = int.from_bytes(digest, "big", signed=True)
    waited = 0.0
    while not _ask("SELECT pg_try_advisory_lock(%s)", key):
        if waited >= wait_s:
            raise Transient(
                f"{symbol} {interval} from {provider} is being downloaded already: wait for that.",
                code="busy",
                retry_after_s=wait_s,
            )
        sleep(POLL_S)
        waited += POLL_S
    try:
        yield
    finally:
        _ask("SELECT pg_advisory_unlock(%s)", key)


def _ask(question: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [key])
        (answer,) = cursor.fetchone()
    return bool(answer)
