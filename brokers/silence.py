"""Brokers that answer late: who has other work leaves them alone for a while.

Whoever decides on bars sends the orders itself, right after the commit, as long as brokers answer
at once. A broker that does not would hold up the bars of everybody: from then on its orders go by
a message to the senders, which have nothing else to do. What it is asked on a schedule waits for it
in one process at a time, so that the others are free.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import redis
from django.conf import settings

from brokers.adapters.pace import let_through_at
from brokers.rounds import is_remote
from brokers.turns import turn
from market.memory import memory

# So long is waited before a broker is called late, and so long it is left alone then.
LATE_S: Final = 3.0
LEFT_ALONE_S: Final = 60

_until: dict[str, float] = {}


def silent_here(kind: str) -> bool:
    """Tell whether a broker answered late to this process not long ago; it asks nobody."""
    return time.monotonic() < _until.get(kind, 0.0)


def silent(kind: str) -> bool:
    """Tell whether a broker answered late not long ago, to this process or another."""
    if silent_here(kind):
        return True
    with suppress(redis.RedisError):
        return bool(memory().exists(_key(kind)))
    return False


@contextmanager
def askable(kinds: Iterable[str]) -> Iterator[set[str]]:
    """Yield the brokers to ask: silent ones only where no other process waits for them."""
    with ExitStack() as stack:
        yield {
            kind
            for kind in kinds
            if not is_remote(kind)
            or not silent(kind)
            or stack.enter_context(turn(f"broker-silent:{kind}"))
        }


@contextmanager
def silence_watched(kinds: Iterable[str]) -> Iterator[None]:
    """Write down, while calls to these brokers still last, that one lasts too long."""
    over = threading.Event()
    for kind in filter(is_remote, kinds):
        threading.Thread(target=_watch, args=(kind, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(kind: str, over: threading.Event) -> None:
    """Wait for the end of calls; what they wait for their place in the rate is not counted."""
    since = time.monotonic()
    while not over.wait(since + LATE_S - time.monotonic()):
        last = let_through_at(kind)
        if last <= since:
            _note(kind)
            return
        since = last


def _note(kind: str) -> None:
    _until[kind] = time.monotonic() + LEFT_ALONE_S
    with suppress(redis.RedisError):
        memory().set(_key(kind), 1, ex=LEFT_ALONE_S)


def _key(kind: str) -> str:
    return f"{settings.REDIS_NAMESPACE}:broker-silent:{kind}"
