"""Until when an order may begin to be sent: its sender holds a lease, and that lapses.

A call may have to wait for its place in a broker's rate, for a connection, or for others at the
same gateway. What has waited for too long is not sent: whoever came after its sender has taken it
for lost, and a kill switch has not canceled what was nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from brokers.adapters.base import Refused

TOO_LATE: Final = "It was not sent: its sender had waited, or was asleep, for too long."

_lapsed: ContextVar[Callable[[], bool] | None] = ContextVar("lapsed", default=None)


def too_late() -> Refused:
    """Return what is said of an order that was not sent any more."""
    return Refused("too_late", TOO_LATE)


@contextmanager
def begun_unless(lapsed: Callable[[], bool]) -> Iterator[None]:
    """Have what is sent within the block, and in this thread, begin unless that says True."""
    before = _lapsed.set(lapsed)
    try:
        yield
    finally:
        _lapsed.reset(before)


def begin_check() -> None:
    """Go on with what is about to be sent.

    Raises
    ------
    Refused
        When it may not begin any more: nothing was sent.
    """
    lapsed = _lapsed.get()
    if lapsed is not None and lapsed():
        raise too_late()


def begin() -> None:
    """Begin to send right now: what follows belongs to it, and is not asked about any more.

    Raises
    ------
    Refused
        As of `begin_check`.
    """
    begin_check()
    _lapsed.set(None)
