"""Writing down what a venue says. Safe to repeat: the same news changes nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from brokers.adapters.base import Execution, VenueOrder
from brokers.choices import FINAL_STATUSES, SIGN, OrderStatus, Side
from brokers.frames import order_tell
from brokers.models import Fill, Order, Position
from brokers.transitions import ALLOWED, order_move

PENDING = (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)
WORKING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


@transaction.atomic
def venue_order_record(*, order_id: UUID, venue: VenueOrder, restore: bool = False) -> None:
    """Take over the venue's state of an order: its id, its fills, its status.

    The status follows from the fills where there are any; what the venue says counts otherwise.
    An order that still waits there while a cancel or a replacement of it is under way stays
    pending, unless `restore` says that this is over.
    """
    order = Order.objects.select_for_update().get(id=order_id)
    if venue.broker_order_id and not order.broker_order_id:
        order.broker_order_id = venue.broker_order_id
        order.save(update_fields=["broker_order_id", "updated_at"])
    fills_record(order=order, executions=venue.executions)
    order.refresh_from_db()
    old, new = OrderStatus(order.status), _status_of(order, venue)
    if old in PENDING and new in WORKING and not restore:
        return
    if (old, new) not in ALLOWED:
        return
    ended = new in FINAL_STATUSES
    order_move(
        order_id=order.id,
        old=old,
        new=new,
        note=venue.reason,
        leased_until=None,
        ask_at=None,
        reason_code="venue" if new == OrderStatus.REJECTED else "",
        reason=venue.reason[:1000] if new == OrderStatus.REJECTED else "",
        finished_at=timezone.now() if ended else None,
    )
    order_tell(order_id=order.id)


@transaction.atomic
def order_restore(*, order_id: UUID, code: str, reason: str) -> None:
    """After a cancel or a replacement that failed: the order is what it was before it."""
    order = Order.objects.select_for_update().get(id=order_id)
    old = OrderStatus(order.status)
    if old not in PENDING:
        return
    filled = order.filled_quantity > 0
    order_move(
        order_id=order.id,
        old=old,
        new=OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED,
        note=reason,
        reason_code=code,
        reason=reason[:1000],
        cancel_requested_at=None,
        wanted={},
    )
    order_tell(order_id=order.id)


def fills_record(*, order: Order, executions: Iterable[Execution]) -> None:
    """Insert the fills that are new, and move order and position by them and only them."""
    for execution in executions:
        fill, created = Fill.objects.get_or_create(
            account_id=order.account_id,
            execution_id=execution.execution_id,
            defaults={
                "order": order,
                "quantity": execution.quantity,
                "price": execution.price,
                "commission": execution.commission,
                "executed_at": execution.executed_at,
            },
        )
        if created:
            _position_move(order, fill)
    filled = order.fills.aggregate(units=Sum("quantity"), notional=Sum(F("quantity") * F("price")))
    if filled["units"]:
        Order.objects.filter(id=order.id).update(
            filled_quantity=filled["units"], average_price=filled["notional"] / filled["units"]
        )


def _position_move(order: Order, fill: Fill) -> None:
    Position.objects.get_or_create(account_id=order.account_id, symbol=order.symbol)
    position = Position.objects.select_for_update().get(
        account_id=order.account_id, symbol=order.symbol
    )
    signed = fill.quantity * SIGN[Side(order.side)]
    quantity, average, realized = position_after(
        quantity=position.quantity,
        average_price=position.average_price,
        fill_quantity=signed,
        fill_price=fill.price,
    )
    position.quantity, position.average_price = quantity, average
    position.realized_pnl += realized - fill.commission
    position.save()


def position_after(
    *, quantity: Decimal, average_price: Decimal, fill_quantity: Decimal, fill_price: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity and average price after a fill, and what it realised, before commission.

    Quantities are signed. Adding to a position averages the price; reducing it realises the
    difference and keeps the average; crossing zero realises the old side and opens the new one at
    the fill's price.
    """
    after = quantity + fill_quantity
    if quantity == 0 or quantity * fill_quantity > 0:
        average = (quantity * average_price + fill_quantity * fill_price) / after
        return after, average, Decimal(0)
    closed = min(abs(quantity), abs(fill_quantity)) * (1 if quantity > 0 else -1)
    realized = closed * (fill_price - average_price)
    if after == 0:
        return after, Decimal(0), realized
    crossed = after * quantity < 0
    return after, fill_price if crossed else average_price, realized


def _status_of(order: Order, venue: VenueOrder) -> OrderStatus:
    if order.filled_quantity >= order.quantity:
        return OrderStatus.FILLED
    if order.filled_quantity > 0 and venue.status in {OrderStatus.ACCEPTED, OrderStatus.FILLED}:
        return OrderStatus.PARTIALLY_FILLED
    if venue.status in {OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}:
        # The venue counts fills that it has not told one by one yet.
        return OrderStatus.PARTIALLY_FILLED if order.filled_quantity > 0 else OrderStatus.ACCEPTED
    return venue.status
