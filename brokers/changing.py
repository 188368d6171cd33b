"""Canceling and replacing what waits at a venue; a failure leaves the order as it was.

Both may be asked for again without harm, so neither needs the sender's lease: a kill switch does
not wait for one. Where a venue replaces by another order, that is sent as all others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import Change, OutcomeUnknown, Refused, Replacing, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.canceling import orders_cancel, orders_pend
from brokers.choices import FINAL_STATUSES, OPEN_STATUSES, OrderStatus, OrderType, TimeInForce
from brokers.frames import order_tell, orders_tell
from brokers.models import Order
from brokers.recording import order_restore, venue_order_record
from brokers.transitions import Moved, order_move, orders_settle
from core.errors import Permanent
from core.transactions import atomic


def order_change(*, order_id: UUID) -> None:
    """Do to an order at the venue what its row asks for; the row is re-read, twice does no harm."""
    order = Order.objects.select_related("account").get(id=order_id)
    if order.cancel_requested_at is None and order.status == OrderStatus.PENDING_REPLACE:
        _replace(order)
    else:
        successors_end(order_id)
    # Also one that was replaced only now: who canceled it meanwhile found it under its old id.
    unwanted_withdraw([order_id])


def unwanted_withdraw(order_ids: Iterable[UUID]) -> None:
    """Cancel those of some orders that are at venues, and that somebody wants to be canceled."""
    unwanted = Order.objects.filter(id__in=order_ids, cancel_requested_at__isnull=False)
    if found := list(unwanted.values_list("id", flat=True)):  # hardly ever: no row is locked for it
        orders_withdraw(Order.objects.filter(id__in=found))


def orders_withdraw(rows: QuerySet[Order]) -> None:
    """Cancel those of some orders that are at venues, at all accounts at once."""
    orders_cancel(
        order for order in orders_pend(rows) if order.status == OrderStatus.PENDING_CANCEL
    )


def successors_end(order_id: UUID) -> None:
    """End what was to take the place of an order that is not to be replaced any more."""
    unsent = Order.objects.filter(replaces_id=order_id, status=OrderStatus.CREATED)
    for each in unsent.exclude(replaces__status=OrderStatus.PENDING_REPLACE):
        order_ended(
            order_id=each.id,
            old=OrderStatus.CREATED,
            new=OrderStatus.CANCELED,
            code="not_replaced",
            reason="The order that it was to replace ended, or was canceled, before.",
        )


def _settle(order: Order, code: str, reason: str) -> None:
    """After a refusal: take over how it ended if it has, else it is as it was before."""
    try:
        venue = ADAPTERS.get(order.account.kind).find(access_of(order.account), ref_of(order))
    except (OutcomeUnknown, Refused):
        return
    if venue is not None:
        venue_order_record(order_id=order.id, venue=venue, asked=order)
    if venue is None or venue.status not in FINAL_STATUSES:
        _restore(order, code=code, reason=reason)


def _restore(order: Order, *, code: str, reason: str) -> None:
    """After a replacement that failed, unless somebody cancels the order by now."""
    order_restore(order_id=order.id, after=OrderStatus.PENDING_REPLACE, code=code, reason=reason)


def _replace(order: Order) -> None:
    adapter = ADAPTERS.get(order.account.kind)
    if adapter.capabilities.replacing == Replacing.NEW_ORDER:
        _unreplaced_restore(order)
        return
    try:
        venue = adapter.replace(access_of(order.account), ref_of(order), wanted_of(order))
    except Refused as refusal:
        _settle(order, refusal.code, str(refusal))
    except Permanent as error:
        _restore(order, code=error.code, reason=error.message)
    except OutcomeUnknown as error:
        replacement_settle(order, str(error))
    else:
        _take_over(order, venue.broker_order_id)
        venue_order_record(order_id=order.id, venue=venue, restore=True)


def _unreplaced_restore(order: Order) -> None:
    """Restore an order that nothing takes the place of any more; what does is its sender's."""
    others = Order.objects.filter(replaces=order)
    if others.filter(status__in=OPEN_STATUSES).exists():
        return
    last = others.order_by("created_at").last()
    if last is not None:
        _settle(order, last.reason_code, last.reason)


@atomic
def _take_over(order: Order, broker_order_id: str) -> None:
    """Write down what an order has become in place."""
    change = wanted_of(order)
    Order.objects.filter(id=order.id).update(
        quantity=change.quantity,
        limit_price=change.limit_price,
        stop_price=change.stop_price,
        broker_order_id=broker_order_id or order.broker_order_id,
        wanted={},
    )


def replacement_settle(order: Order, reason: str) -> None:
    """After a change in place of unknown outcome: what the venue shows is what it is."""
    try:
        venue = ADAPTERS.get(order.account.kind).find(access_of(order.account), ref_of(order))
    except (OutcomeUnknown, Refused, Permanent):
        return  # It stays pending; the sweeper asks again.
    if venue is None:
        return
    change = wanted_of(order)
    if venue.quantity == change.quantity and all(
        shown in (None, asked)
        for shown, asked in (
            (venue.limit_price, change.limit_price),
            (venue.stop_price, change.stop_price),
        )
    ):
        _take_over(order, venue.broker_order_id)
    venue_order_record(order_id=order.id, venue=venue, asked=order)
    _restore(order, code="no_answer", reason=reason)


def replacement_end(old: Order, outcome: VenueOrder | Refused | OutcomeUnknown) -> None:
    """Take over what became of an order when another was sent to take its place.

    Where nobody knows, it is settled with the other.
    """
    if isinstance(outcome, VenueOrder):
        order_refresh(old)
    elif isinstance(outcome, Refused):
        _settle(old, outcome.code, str(outcome))


def order_refresh(order: Order, *, restore: bool = False) -> None:
    """Take over what the venue says of an order."""
    try:
        venue = ADAPTERS.get(order.account.kind).find(access_of(order.account), ref_of(order))
    except (OutcomeUnknown, Refused, Permanent):
        return
    if venue is not None:
        venue_order_record(order_id=order.id, venue=venue, restore=restore, asked=order)


def wanted_of(order: Order) -> Change:
    """Return what a replacement in place asks for."""
    wanted = order.wanted

    def amount(name: str, old: Decimal | None) -> Decimal | None:
        return Decimal(wanted[name]) if name in wanted else old

    return Change(
        client_order_id=order.client_order_id,
        order_type=OrderType(order.order_type),
        time_in_force=TimeInForce(order.time_in_force),
        quantity=amount("quantity", order.quantity) or order.quantity,
        limit_price=amount("limit_price", order.limit_price),
        stop_price=amount("stop_price", order.stop_price),
    )


@transaction.atomic(savepoint=False)
def orders_deny(denied: Sequence[tuple[Order, tuple[str, str]]]) -> None:
    """End orders that were not sent, each with a code and a reason; their rows are locked."""
    now = timezone.now()
    for order, (code, reason) in denied:
        order.status, order.finished_at = OrderStatus.DENIED, now
        order.reason_code, order.reason = code, reason[:1000]
    orders_settle([Moved(order, OrderStatus.CREATED, reason) for order, (_, reason) in denied])
    orders_tell([order.id for order, _ in denied])


@atomic
def order_ended(
    *, order_id: UUID, old: OrderStatus, new: OrderStatus, code: str, reason: str
) -> bool:
    """Move an order to where nothing was filled, with the reason, and tell."""
    now = timezone.now()
    moved = order_move(
        order_id=order_id,
        old=old,
        new=new,
        note=reason,
        reason_code=code,
        reason=reason[:1000],
        leased_until=None,
        ask_at=None,
        finished_at=now if new in FINAL_STATUSES else None,
    )
    if moved:
        order_tell(order_id=order_id)
    return moved
