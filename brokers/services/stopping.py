"""The kill switch: block first, then cancel, without asking anybody but the database.

The block is the account's state, which a sender reads in the transaction that sends; once it is
committed nothing goes out. The cancels are sent from here, all at once and not through a worker:
Redis may be down. What is being sent at this very moment is canceled by its sender; what does not
answer is canceled again by the sweeper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import Access, Adapter, OrderRef, OutcomeUnknown, Refused, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.audit import TradingAction, trading_record
from brokers.calling import calls_make
from brokers.choices import OPEN_STATUSES, AccountState, OrderStatus
from brokers.deadlocks import deadlock_repeat
from brokers.frames import account_tell, orders_tell
from brokers.models import BrokerAccount, Order
from brokers.recording import WORKING, venue_orders_record
from brokers.transitions import Moved, orders_settle
from core.accounts.models import User
from core.accounts.origin import Origin
from core.errors import Permanent

CANCELED_NOW: Final = (*WORKING, OrderStatus.PENDING_REPLACE)
CANCELED_TOO: Final = (OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN)


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
    _cancel_at_venues(orders)
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
    for account_id in ids:
        account_tell(account_id=account_id)


def _remote(order: Order) -> bool:
    return ADAPTERS.get(order.account.kind).capabilities.remote


def _cancel_at_venues(orders: list[Order]) -> None:
    """Cancel what waits at venues, all at once; only the calls are in threads."""
    _pend([order.id for order in orders])
    local, calls = [], []
    for order in orders:
        if OrderStatus(order.status) not in (*CANCELED_NOW, *CANCELED_TOO):
            continue  # Its sender cancels it.
        try:
            access = access_of(order.account)
        except Permanent:
            continue
        call = partial(_call, ADAPTERS.get(order.account.kind), access, ref_of(order))
        if _remote(order):
            calls.append((order, call))
        else:
            local.append((order, call()))
    for made in chain([local], calls_make(calls)):
        venue_orders_record({order.id: venue for order, venue in made if venue is not None})


@transaction.atomic
def _pend(order_ids: list[UUID]) -> None:
    rows = Order.objects.filter(id__in=order_ids, status__in=CANCELED_NOW)
    moves = []
    for order in rows.select_for_update().order_by("id"):
        moves.append(Moved(order, OrderStatus(order.status)))
        order.status = OrderStatus.PENDING_CANCEL
    orders_settle(moves)


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
