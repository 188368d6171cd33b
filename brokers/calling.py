"""Making the calls that were committed: each once, those of several accounts at the same time."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, TypeVar

import structlog

from brokers.access import change_of
from brokers.adapters.base import (
    Access,
    Adapter,
    LocalAdapter,
    OrderRef,
    OrderRequest,
    OutcomeUnknown,
    Refused,
    VenueOrder,
)
from brokers.adapters.begin import begin_check, begun_unless, too_late
from brokers.adapters.kinds import ADAPTERS
from brokers.adapters.pace import pace_of
from brokers.lease import LEASE
from brokers.models import Order

log = structlog.get_logger(__name__)

# What came of some is written down while others are still waited for, but not before that: it
# would hold up calls that are about to be made.
SOON_S: Final = 0.1
AT_ONCE: Final = 256
# So many calls are begun at first, and after so long without an answer as many again.
AT_FIRST: Final = 4
LOOK_S: Final = 0.004
# What nobody thought of: it costs this order its outcome, and those of others nothing.
FAULTS: Final = (
    ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Sending:
    """An order that is committed as being sent, and what is sent, by the clock at `since`.

    Attributes
    ----------
    replaces : OrderRef or None
        What waits at the venue and goes when this comes; our own venue replaces in place.
    """

    order: Order
    access: Access
    request: OrderRequest
    since: float = field(default_factory=time.time)
    replaces: OrderRef | None = None
    began: float = field(default_factory=time.monotonic)

    def lapsed(self) -> bool:
        """Tell whether its lease is over, by the clock or by one that nobody sets back."""
        longest = LEASE.total_seconds()
        return time.time() - self.since > longest or time.monotonic() - self.began > longest


Outcome = VenueOrder | Refused | OutcomeUnknown


def outcomes_of(chosen: Sequence[Sending]) -> Iterable[list[tuple[Sending, Outcome]]]:
    """Make each call once, and yield what came of them as it comes.

    None is begun after its lease has lapsed (`brokers.adapters.begin`).
    """
    by_kind: dict[str, list[Sending]] = {}
    late: list[tuple[Sending, Outcome]] = []
    for sending in chosen:
        if sending.lapsed():
            late.append((sending, too_late()))
        else:
            by_kind.setdefault(sending.order.account.kind, []).append(sending)
    if late:
        yield late
    calls: list[tuple[Sending, Callable[[], Outcome]]] = []
    for kind, sendings in by_kind.items():
        adapter = ADAPTERS.get(kind)
        if isinstance(adapter, LocalAdapter):
            yield list(zip(sendings, _call_local(adapter, sendings), strict=True))
        else:
            if len(sendings) > 1:  # each of them would ask for its place otherwise
                pace_of(kind).reserve([one.order.account_id for one in sendings])
            calls += [(one, partial(_call, adapter, one)) for one in sendings]
    yield from calls_make(calls)


def calls_make(calls: Sequence[tuple[A, Callable[[], R]]]) -> Iterable[list[tuple[A, R]]]:
    """Make calls at the same time, and yield what came of them with what they were about.

    They must ask nothing of the database: they are made in threads.
    """
    if len(calls) == 1:  # in this thread: others would only cost time
        ((about, call),) = calls
        yield [(about, call())]
    elif calls:
        made: dict[Future[R], A] = {Future(): about for about, _ in calls}
        left = set(made)
        try:
            _spread(deque(zip(made, (call for _, call in calls), strict=True)), left)
            while left:
                done, left = wait(left, timeout=SOON_S)
                if not done:
                    done, left = wait(left, return_when=FIRST_COMPLETED)
                yield [(made[one], one.result()) for one in done]
        finally:  # nobody goes on while a call is under way; what no thread has begun is not made
            wait([one for one in left if not one.cancel()])


def _spread(waiting: deque[tuple[Future[R], Callable[[], R]]], made: Collection[Future[R]]) -> None:
    """Have threads begin all calls: more of them as long as none is done.

    A broker that answers at once needs no connection for each call, and threads that fight for
    the processor make each of them longer.
    """
    threads = done = 0
    while waiting:
        for _ in range(max(AT_FIRST, threads)):
            _threads().submit(_work, waiting)
        threads = max(AT_FIRST, 2 * threads)
        progress = True
        while waiting and progress:
            time.sleep(LOOK_S)
            before, done = done, sum(one.done() for one in made)
            progress = done > before


def _work(waiting: deque[tuple[Future[R], Callable[[], R]]]) -> None:
    """Make calls until none waits."""
    while waiting:
        try:
            future, call = waiting.popleft()
        except IndexError:  # another thread was faster
            return
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is read
            future.set_exception(error)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Return the threads in which this process makes calls; they are there from then on."""
    return ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="calls")


# A child has none of its parent's threads.
os.register_at_fork(after_in_child=_threads.cache_clear)


def _call(adapter: Adapter, sending: Sending) -> Outcome:
    try:
        with begun_unless(sending.lapsed):
            begin_check()
            if sending.replaces is not None:
                return adapter.replace(sending.access, sending.replaces, change_of(sending.order))
            return adapter.submit(sending.access, sending.request)
    except (Refused, OutcomeUnknown) as error:
        return error
    except FAULTS as error:
        log.exception("order.call_failed", order_id=str(sending.order.id))
        return OutcomeUnknown(f"The call failed: {error!r}")


def _call_local(adapter: LocalAdapter, sendings: Sequence[Sending]) -> Sequence[Outcome]:
    try:
        return adapter.submit_all([(one.access, one.request) for one in sendings])
    except OutcomeUnknown as error:
        return [error] * len(sendings)
