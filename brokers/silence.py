"""Brokers that answer late: who has other work leaves them alone for a while.

Whoever decides on bars sends the orders itself, right after the commit, as long as brokers answer
at once. A broker that does not would hold up the bars of everybody: from then on its orders go by
a message to the senders, which have nothing else to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import redis
from django.conf import settings

from market.memory import memory

# So long is waited before a broker is called late, and so long it is left alone then.
LATE_S: Final = 1.0
LEFT_ALONE_S: Final = 60

_until: dict[str, float] = {}


def silent(kind: str) -> bool:
    """Tell whether a broker answered late not long ago, to this process or another."""
    if time.monotonic() < _until.get(kind, 0.0):
        return True
    with suppress(redis.RedisError):
        return bool(memory().exists(_key(kind)))
    return False


@contextmanager
def silence_watched(kinds: Collection[str]) -> Iterator[None]:
    """Write down, while calls to these brokers still last, that they last too long."""
    watch = threading.Timer(LATE_S, _note, args=(kinds,))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _note(kinds: Collection[str]) -> None:
    for kind in kinds:
        _until[kind] = time.monotonic() + LEFT_ALONE_S
        with suppress(redis.RedisError):
            memory().set(_key(kind), 1, ex=LEFT_ALONE_S)


def _key(kind: str) -> str:
    return f"{settings.REDIS_NAMESPACE}:broker-silent:{kind}"
