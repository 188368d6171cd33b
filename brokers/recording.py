"""Writing down what a venue says. Safe to repeat: the same news changes nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.adapters.base import Execution, VenueOrder
from brokers.choices import FINAL_STATUSES, SIGN, OrderStatus, Side
from brokers.frames import fill_tell, order_tell
from brokers.models import Fill, Order, Position
from brokers.transitions import ALLOWED, order_move

STEP: Final = Decimal("1e-8")
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
    changes = fills_record(order=order, executions=venue.executions)
    if venue.broker_order_id and not order.broker_order_id:
        changes["broker_order_id"] = venue.broker_order_id
    old, new = OrderStatus(order.status), _status_of(order, venue)
    stays = old in PENDING and new in WORKING and not restore
    if stays or (old, new) not in ALLOWED:
        if changes:
            Order.objects.filter(id=order.id).update(**changes, updated_at=timezone.now())
        return
    order_move(
        order_id=order.id,
        old=old,
        new=new,
        note=venue.reason,
        leased_until=None,
        ask_at=None,
        reason_code="venue" if new == OrderStatus.REJECTED else "",
        reason=venue.reason[:1000] if new == OrderStatus.REJECTED else "",
        finished_at=timezone.now() if new in FINAL_STATUSES else None,
        **changes,
    )
    order_tell(order_id=order.id)


def venue_order_known(*, order: Order, venue: VenueOrder) -> bool:
    """Tell whether a venue says of an order that lies there what its row says already."""
    if order.status not in WORKING or order.broker_order_id != venue.broker_order_id:
        return False
    told = {one.execution_id: one.quantity for one in venue.executions}
    filled = sum(told.values(), Decimal(0))
    return venue.status == order.status and filled == order.filled_quantity


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


def fills_record(*, order: Order, executions: Iterable[Execution]) -> dict[str, Any]:
    """Insert the fills that are new, move the position by them, and return what the order has.

    Call it with the order's row locked: `order` gets the values that are returned.
    """
    told = [
        Fill(
            account_id=order.account_id,
            execution_id=execution.execution_id,
            order=order,
            quantity=execution.quantity,
            price=execution.price,
            commission=execution.commission,
            executed_at=execution.executed_at,
        )
        for execution in {one.execution_id: one for one in executions}.values()
    ]
    if not told:
        return {}
    before = set(order.fills.values_list("id", flat=True))
    Fill.objects.bulk_create(told, ignore_conflicts=True)
    fills = list(order.fills.all())
    new = [fill for fill in fills if fill.id not in before]
    if not new:
        return {}
    _position_move(order, new)
    order.filled_quantity = sum((fill.quantity for fill in fills), Decimal(0))
    notional = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    order.average_price = (notional / order.filled_quantity).quantize(STEP)
    for fill in new:
        fill_tell(order=order, fill=fill)
    return {"filled_quantity": order.filled_quantity, "average_price": order.average_price}


def _position_move(order: Order, fills: Iterable[Fill]) -> None:
    place = {"account_id": order.account_id, "symbol": order.symbol}
    rows = Position.objects.select_for_update().filter(**place)
    position = rows.first()
    if position is None:
        Position.objects.bulk_create([Position(**place)], ignore_conflicts=True)
        position = rows.get()
    for fill in sorted(fills, key=lambda fill: (fill.executed_at, fill.execution_id)):
        position.quantity, position.average_price, realized = position_after(
            quantity=position.quantity,
            average_price=position.average_price,
            fill_quantity=fill.quantity * SIGN[Side(order.side)],
            fill_price=fill.price,
        )
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
