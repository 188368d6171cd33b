"""The kill switch: block first, then cancel, without asking anybody but the database.

The block is the account's state, which a sender reads in the transaction that sends; once it is
committed nothing goes out. The cancels are sent from here, all at once and not through a worker:
Redis may be down. What is being sent at this very moment is canceled by its sender; what does not
answer is canceled again by the sweeper.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import Access, Adapter, OrderRef, OutcomeUnknown, Refused, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.audit import TradingAction, trading_record
from brokers.changing import order_change
from brokers.choices import OPEN_STATUSES, AccountState, OrderStatus
from brokers.deadlocks import deadlock_repeat
from brokers.frames import account_tell, order_tell
from brokers.models import BrokerAccount, Order
from brokers.recording import WORKING, venue_order_record
from brokers.transitions import order_move
from core.accounts.models import User
from core.accounts.origin import Origin
from core.errors import Permanent

AT_ONCE: Final = 16
CANCELED_NOW = (*WORKING, OrderStatus.PENDING_REPLACE)


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
    deadlock_repeat(partial(_block, ids, reason))
    orders = list(
        Order.objects.filter(account_id__in=ids, status__in=OPEN_STATUSES).select_related("account")
    )
    local = [order for order in orders if not _remote(order)]
    for order in local:
        order_change(order_id=order.id)
    _cancel_at_venues([order for order in orders if _remote(order)])
    still = Order.objects.filter(id__in=[order.id for order in orders], status__in=OPEN_STATUSES)
    pending = still.count()
    return Stopped(
        accounts=len(ids), canceled=_unsent(ids) + len(orders) - pending, pending=pending
    )


@transaction.atomic
def _block(ids: list[UUID], reason: str) -> None:
    now = timezone.now()
    BrokerAccount.objects.filter(id__in=ids).update(
        state=AccountState.HALTED, state_reason=f"kill switch: {reason}"[:300], updated_at=now
    )
    rows = Order.objects.filter(account_id__in=ids)
    # In the order in which venues' news lock them.
    locked = rows.filter(status__in=OPEN_STATUSES).select_for_update().order_by("id")
    list(locked.values_list("id", flat=True))
    for order_id in rows.filter(status=OrderStatus.CREATED).values_list("id", flat=True):
        moved = order_move(
            order_id=order_id,
            old=OrderStatus.CREATED,
            new=OrderStatus.CANCELED,
            note="kill switch",
            reason_code="kill_switch",
            reason=reason[:1000],
            finished_at=now,
        )
        if moved:
            order_tell(order_id=order_id)
    rows.filter(status__in=OPEN_STATUSES).update(cancel_requested_at=now, updated_at=now)
    for account_id in ids:
        account_tell(account_id=account_id)


def _remote(order: Order) -> bool:
    return ADAPTERS.get(order.account.kind).capabilities.remote


def _cancel_at_venues(orders: list[Order]) -> None:
    """Cancel what waits at venues, all at once; only the calls are in threads."""
    chosen, calls = [], []
    for order in orders:
        old = OrderStatus(order.status)
        if old in CANCELED_NOW and old != OrderStatus.PENDING_CANCEL:
            order_move(order_id=order.id, old=old, new=OrderStatus.PENDING_CANCEL)
        elif old not in (OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN):
            continue  # Its sender cancels it.
        try:
            access = access_of(order.account)
        except Permanent:
            continue
        adapter = ADAPTERS.get(order.account.kind)
        chosen.append(order)
        calls.append(partial(_call, adapter, access, ref_of(order)))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = list(pool.map(lambda call: call(), calls))
    for order, venue in zip(chosen, found, strict=True):
        if venue is not None:
            venue_order_record(order_id=order.id, venue=venue)


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
    try:
        return adapter.find(access, ref)
    except (Refused, OutcomeUnknown):
        return None


def _unsent(ids: list[UUID]) -> int:
    return Order.objects.filter(account_id__in=ids, reason_code="kill_switch").count()
