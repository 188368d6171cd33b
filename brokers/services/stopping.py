"""The kill switch: block first, then cancel, without asking anybody but the database.

The block is the account's state, which a sender reads in the transaction that sends; once it is
committed nothing goes out. The cancels are sent from here, all at once and not through a worker:
Redis may be down. What is being sent at this very moment is canceled by its sender; what does not
answer is canceled again by the sweeper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import (
    Access,
    Adapter,
    CancelsAll,
    OrderRef,
    OutcomeUnknown,
    Refused,
    VenueOrder,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.audit import TradingAction, trading_record
from brokers.calling import calls_make
from brokers.canceling import orders_pend
from brokers.choices import OPEN_STATUSES, AccountState, OrderStatus
from brokers.deployments.waiting import opens_withdraw, ticks_waiting
from brokers.frames import account_tell, orders_tell
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, Order
from brokers.recording import venue_orders_record
from brokers.transitions import Moved, orders_settle
from core.accounts.models import User
from core.accounts.origin import Origin
from core.errors import Permanent
from core.transactions import atomic

# What is being sent its sender cancels: one of the two sees it at its venue.
CANCELED_HERE: Final = (OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN)
# From so many on one call that cancels all of them is fewer than a call or two for each.
MANY: Final = 4


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a kill switch did.

    Attributes
    ----------
    canceled : int
        Orders that were not sent yet, or whose venue took the cancel.
    pending : int
        Orders whose cancel is still on its way.
    """

    accounts: int
    canceled: int
    pending: int


def kill_switch_pull(
    *, account_ids: Iterable[UUID], reason: str, user: User, origin: Origin
) -> Stopped:
    """Pull the kill switch for a user, and keep in the audit log who did."""
    ids = list(account_ids)
    stopped = kill_switch(account_ids=ids, reason=reason)
    with transaction.atomic():
        trading_record(
            TradingAction.KILL_SWITCH, user, origin, accounts=[str(each) for each in ids]
        )
    return stopped


def kill_switch(*, account_ids: Iterable[UUID], reason: str) -> Stopped:
    """Halt accounts and cancel all that is open in them."""
    ids = list(account_ids)
    unsent = _block(ids, reason)
    orders = orders_pend(Order.objects.filter(account_id__in=ids, status__in=OPEN_STATUSES))
    _cancel_at_venues(orders)
    still = Order.objects.filter(id__in=[order.id for order in orders], status__in=OPEN_STATUSES)
    pending = still.count()
    return Stopped(accounts=len(ids), canceled=unsent + len(orders) - pending, pending=pending)


@atomic
def _block(ids: list[UUID], reason: str) -> int:
    """Halt accounts and end what was not sent yet; return how many orders that were.

    What waits for its market to open is not opened either, whoever resumes the account.
    """
    now = timezone.now()
    # In the order in which senders lock them: a deadlock would cost half of the time there is.
    accounts_lock(ids)
    BrokerAccount.objects.filter(id__in=ids).update(
        state=AccountState.HALTED, state_reason=f"kill switch: {reason}"[:300], updated_at=now
    )
    rows = Order.objects.filter(account_id__in=ids)
    unsent = []
    # In the order in which venues' news lock them.
    for order in rows.filter(status__in=OPEN_STATUSES).select_for_update().order_by("id"):
        if order.status == OrderStatus.CREATED:
            order.status, order.finished_at = OrderStatus.CANCELED, now
            order.reason_code, order.reason = "kill_switch", reason[:1000]
            unsent.append(Moved(order, OrderStatus.CREATED, "kill switch"))
    orders_settle(unsent)
    orders_tell([moved.order.id for moved in unsent])
    rows.filter(status__in=OPEN_STATUSES).update(cancel_requested_at=now, updated_at=now)
    opens_withdraw(ticks_waiting(account_id__in=ids))
    for account_id in ids:
        account_tell(account_id=account_id)
    return len(unsent)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What venues said of orders, and which of them have to be canceled one by one."""

    told: dict[UUID, VenueOrder | None]
    left: Sequence[Order] = ()


def _cancel_at_venues(orders: list[Order]) -> None:
    """Cancel what waits at venues, all at once; only the calls are in threads."""
    by_account: dict[UUID, list[Order]] = {}
    known: dict[UUID, list[OrderRef]] = {}
    for order in orders:
        known.setdefault(order.account_id, []).append(ref_of(order))
        if order.status in CANCELED_HERE:
            by_account.setdefault(order.account_id, []).append(order)
    local: list[_Asked] = []
    calls: list[Callable[[], _Asked]] = []
    opened: dict[UUID, tuple[Adapter, Access]] = {}
    for account_id, rows in by_account.items():
        adapter = ADAPTERS.get(rows[0].account.kind)
        try:
            opened[account_id] = adapter, access_of(rows[0].account)
        except Permanent:
            continue
        if not adapter.capabilities.remote:
            local += [call() for call in _one_by_one(opened, rows)]
        elif isinstance(adapter, CancelsAll) and len(rows) >= MANY:
            access = opened[account_id][1]
            calls.append(partial(_call_all, adapter, access, rows, known[account_id]))
        else:
            calls += _one_by_one(opened, rows)
    left: list[Order] = []
    for made in chain([local], _made(calls)):
        left += _taken(made)
    for made in _made(_one_by_one(opened, left)):
        _taken(made)


def _one_by_one(
    opened: dict[UUID, tuple[Adapter, Access]], orders: Sequence[Order]
) -> list[Callable[[], _Asked]]:
    return [partial(_call_one, *opened[order.account_id], order) for order in orders]


def _made(calls: Sequence[Callable[[], _Asked]]) -> Iterable[list[_Asked]]:
    for made in calls_make([(None, call) for call in calls]):
        yield [asked for _, asked in made]


def _taken(made: Sequence[_Asked]) -> list[Order]:
    """Write down what venues said, and return what is left."""
    told = {each: venue for asked in made for each, venue in asked.told.items()}
    venue_orders_record({each: venue for each, venue in told.items() if venue is not None})
    return [order for asked in made for order in asked.left]


def _call_all(
    adapter: CancelsAll, access: Access, orders: Sequence[Order], known: Sequence[OrderRef]
) -> _Asked:
    """Cancel all open orders of an account with one call, where only known ones are open."""
    try:
        done = adapter.cancel_all(access, known)
    except (Refused, OutcomeUnknown):
        done = None
    if done is None:
        return _Asked({}, orders)
    ended = {venue.broker_order_id: venue for venue in done.ended}
    told: dict[UUID, VenueOrder | None] = {}
    left = []
    for order in orders:
        ref = ref_of(order)
        if ref.broker_order_id in ended:
            told[order.id] = ended[ref.broker_order_id]
        elif ref.broker_order_id in done.filled:
            told[order.id] = _find(adapter, access, ref)
        elif ref.broker_order_id in done.taken:
            told[order.id] = None  # The sweeper finds out how it ended.
        else:
            left.append(order)
    return _Asked(told, left)


def _call_one(adapter: Adapter, access: Access, order: Order) -> _Asked:
    return _Asked({order.id: _call(adapter, access, ref_of(order))})


def _call(adapter: Adapter, access: Access, ref: OrderRef) -> VenueOrder | None:
    """Cancel an order wherever it is, and return what the venue says of it then."""
    try:
        if not ref.broker_order_id:
            venue = adapter.find(access, ref)
            if venue is None:
                return None
            ref = replace(ref, broker_order_id=venue.broker_order_id)
        adapter.cancel(access, ref)
    except (Refused, OutcomeUnknown):
        pass  # It may have ended before; what holds is asked for in any case.
    return _find(adapter, access, ref)


def _find(adapter: Adapter, access: Access, ref: OrderRef) -> VenueOrder | None:
    try:
        return adapter.find(access, ref)
    except (Refused, OutcomeUnknown):
        return None
