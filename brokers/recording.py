"""Writing down what a venue says. Safe to repeat: the same news changes nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.utils import timezone

from brokers.adapters.base import Execution, VenueOrder
from brokers.choices import FINAL_STATUSES, NOT_AT_BROKER, OrderStatus
from brokers.frames import fills_tell, order_tell, orders_show, orders_tell
from brokers.models import Fill, Order
from brokers.moving import positions_move
from brokers.rows import rows_update
from brokers.transitions import ALLOWED, Moved, order_move, orders_resize, orders_settle
from core.db import claim
from core.transactions import atomic

STEP: Final = Decimal("1e-8")
PENDING = (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)
WORKING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


def venue_order_record(
    *, order_id: UUID, venue: VenueOrder, restore: bool = False, asked: Order | None = None
) -> None:
    """Take over the venue's state of an order: its id, its fills, its status.

    Parameters
    ----------
    restore : bool
        As of `venue_orders_record`.
    asked : Order, optional
        The row as it was when the venue was asked: the venue's quantity is taken over as well,
        unless it has been changed here since.
    """
    was = {order_id: asked.quantity} if asked else {}
    venue_orders_record({order_id: venue}, restore=restore, was=was)


@atomic
def venue_orders_record(
    found: Mapping[UUID, VenueOrder],
    *,
    restore: bool = False,
    was: Mapping[UUID, Decimal] = MappingProxyType({}),
) -> None:
    """Take over venues' states of orders: their ids, their fills, their status.

    The status follows from the fills where there are any; what the venue says counts otherwise.
    An order that still waits there while a cancel or a replacement of it is under way stays
    pending, unless `restore` says that the replacement is over.

    What a venue has of an order may differ from its row: somebody changed it there, or a change
    came late whose answer was lost. That is taken over of orders that have the quantity still that
    they had (`was`) when the venue was asked.
    """
    orders = list(Order.objects.select_for_update().filter(id__in=found).order_by("id"))
    filled, charged = fills_record(
        orders, {each: venue.executions for each, venue in found.items()}
    )
    resized = _resized(orders, found, was)
    orders_resize(resized)
    moves, kept = [], []
    for order in orders:
        venue = found[order.id]
        told = bool(venue.broker_order_id) and not order.broker_order_id
        if told:
            order.broker_order_id = venue.broker_order_id
        old, new = OrderStatus(order.status), _status_of(order, venue)
        over = restore and old == OrderStatus.PENDING_REPLACE
        stays = old in PENDING and new in WORKING and not over
        if not stays and (old, new) in ALLOWED and not _over(order, new):
            moves.append(_moved(order, new, venue.reason))
        elif told or order.id in filled:
            kept.append(order)
    rows_update(kept, ("broker_order_id", "filled_quantity", "average_price"))
    orders_settle(moves)
    moved = [move.order.id for move in moves]
    orders_tell(moved)
    shown = {order.id for order in resized} | charged
    orders_show([order for order in orders if order.id in shown and order.id not in moved])


def _resized(
    orders: Iterable[Order], found: Mapping[UUID, VenueOrder], was: Mapping[UUID, Decimal]
) -> list[Order]:
    """Put orders to the quantities that their venues have, and return those that had another."""
    resized = []
    for order in orders:
        theirs = found[order.id].quantity.quantize(STEP)
        known = order.id in was and order.quantity == was[order.id]
        if known and theirs > 0 and theirs != order.quantity and order.status != OrderStatus.FILLED:
            order.quantity = theirs
            resized.append(order)
    return resized


def _over(order: Order, new: OrderStatus) -> bool:
    """Tell whether an order has expired by what its venue said: older news do not bring it back."""
    expired = order.status == OrderStatus.EXPIRED and new != OrderStatus.FILLED
    return expired and order.reason_code != NOT_AT_BROKER


def _moved(order: Order, new: OrderStatus, reason: str) -> Moved:
    """Put an order into the status that its venue's news brings it to."""
    old = OrderStatus(order.status)
    refused = new == OrderStatus.REJECTED
    order.status = new
    order.leased_until = order.ask_at = None
    if refused or not order.external:  # an order that we did not send says how it came about
        order.reason_code = "venue" if refused else ""
        order.reason = reason[:1000] if refused else ""
    order.finished_at = timezone.now() if new in FINAL_STATUSES else None
    return Moved(order, old, reason)


def venue_order_known(*, order: Order, venue: VenueOrder) -> bool:
    """Tell whether a venue says of an order that lies there what its row says already."""
    if order.status not in WORKING or order.broker_order_id != venue.broker_order_id:
        return False
    told = {one.execution_id: one.quantity for one in venue.executions}
    filled = sum(told.values(), Decimal(0))
    same = venue.quantity in {0, order.quantity}  # not every answer tells it
    return same and venue.status == order.status and filled == order.filled_quantity


@atomic
def order_restore(*, order_id: UUID, after: OrderStatus, code: str, reason: str) -> None:
    """After a cancel or a replacement that failed: the order is what it was before it.

    One that somebody cancels by then is left alone after a replacement.
    """
    order = Order.objects.select_for_update().get(id=order_id)
    if order.status != after:
        return
    filled = order.filled_quantity > 0
    canceling = after == OrderStatus.PENDING_CANCEL
    order_move(
        order_id=order.id,
        old=after,
        new=OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED,
        note=reason,
        reason_code=code,
        reason=reason[:1000],
        cancel_requested_at=None if canceling else order.cancel_requested_at,
        wanted={},
    )
    order_tell(order_id=order.id)


def fills_record(
    orders: Sequence[Order], executions: Mapping[UUID, Iterable[Execution]]
) -> tuple[set[UUID], set[UUID]]:
    """Insert the fills that are new, move the positions by them.

    Of fills that are known a commission is taken over that was not.

    Call it with the orders' rows locked: they get what they are filled by, which the caller writes.

    Returns
    -------
    tuple of (set of order ids, set of order ids)
        Whose orders have new fills, and who was charged for known ones.
    """
    told = [fill for order in orders for fill in _fills_of(order, executions[order.id])]
    if not told:
        return set(), set()
    Fill.objects.bulk_create(told, ignore_conflicts=True)
    known: dict[UUID, list[Fill]] = {}
    for fill in Fill.objects.filter(order_id__in={fill.order_id for fill in told}):
        known.setdefault(fill.order_id, []).append(fill)
    # Rows have the ids that we gave them; what another told before is there under another one.
    ours = {fill.id for fill in told}
    new = {
        order_id: fresh
        for order_id, fills in known.items()
        if (fresh := [fill for fill in fills if fill.id in ours])
    }
    filled = [order for order in orders if order.id in new]
    costs = {(fill.account_id, fill.execution_id): fill.commission for fill in told}
    charged = [
        (order, fill)
        for order in orders
        for fill in known.get(order.id, ())
        if fill_charge(fill, costs.get((fill.account_id, fill.execution_id)))
    ]
    positions_move([(order, fill) for order in filled for fill in new[order.id]], charged)
    for order in filled:
        fills = known[order.id]
        order.filled_quantity = sum((fill.quantity for fill in fills), Decimal(0))
        notional = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
        order.average_price = (notional / order.filled_quantity).quantize(STEP)
    fills_tell([(order, fill) for order in filled for fill in new[order.id]])
    return set(new), {order.id for order, _ in charged}


@atomic
def commissions_record(*, account_id: UUID, told: Mapping[str, Decimal]) -> int:
    """Take over commissions by the ids of executions where they were not known; return how many."""
    missing = Fill.objects.filter(account_id=account_id, commission=None, execution_id__in=told)
    owed = Order.objects.filter(id__in=missing.values("order_id"))
    orders = {order.id: order for order in owed.select_for_update().order_by("id")}
    charged = [
        (orders[fill.order_id], fill)
        for fill in missing.filter(order_id__in=orders)
        if fill_charge(fill, told[fill.execution_id])
    ]
    positions_move((), charged)
    orders_show(list({order.id: order for order, _ in charged}.values()))
    return len(charged)


def fill_charge(fill: Fill, commission: Decimal | None) -> bool:
    """Write down the commission of a fill that had none; tell whether it was this call that did."""
    if commission is None or fill.commission is not None:
        return False
    fill.commission = commission.quantize(STEP)
    rows = Fill.objects.filter(id=fill.id, commission=None)
    return claim(rows, commission=fill.commission)


def _fills_of(order: Order, executions: Iterable[Execution]) -> list[Fill]:
    return [
        Fill(
            account_id=order.account_id,
            execution_id=execution.execution_id,
            order=order,
            quantity=execution.quantity,
            price=execution.price,
            commission=execution.commission,
            taken=execution.taken,
            charged_in=execution.charged_in[:16],
            executed_at=execution.executed_at,
        )
        for execution in _told_once(executions)
    ]


def _told_once(executions: Iterable[Execution]) -> Iterable[Execution]:
    """Return each execution once, with its commission if any of them has it."""
    found: dict[str, Execution] = {}
    for one in executions:
        if one.commission is not None or one.execution_id not in found:
            found[one.execution_id] = one
    return found.values()


def _status_of(order: Order, venue: VenueOrder) -> OrderStatus:
    # While it is made larger its venue may have more of it than its row: then it still waits there.
    growing = order.status in PENDING and order.wanted and venue.status in WORKING
    if order.filled_quantity >= order.quantity and not growing:
        return OrderStatus.FILLED
    if order.filled_quantity > 0 and venue.status in {OrderStatus.ACCEPTED, OrderStatus.FILLED}:
        return OrderStatus.PARTIALLY_FILLED
    if venue.status in {OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}:
        # The venue counts fills that it has not told one by one yet.
        return OrderStatus.PARTIALLY_FILLED if order.filled_quantity > 0 else OrderStatus.ACCEPTED
    return venue.status
