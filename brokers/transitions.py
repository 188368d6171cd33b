"""How an order may change, applied by compare-and-set together with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.choices import OrderStatus as S
from brokers.models import Order, OrderEvent
from brokers.rows import rows_update
from core.db import claim

ALLOWED = frozenset(
    {
        (S.CREATED, S.DENIED),
        (S.CREATED, S.CANCELED),  # nothing was sent yet
        (S.CREATED, S.SUBMITTING),
        (S.SUBMITTING, S.ACCEPTED),
        (S.SUBMITTING, S.REJECTED),
        (S.SUBMITTING, S.UNKNOWN),
        (S.SUBMITTING, S.PARTIALLY_FILLED),  # a fill may arrive before the accept
        (S.SUBMITTING, S.FILLED),
        (S.SUBMITTING, S.CANCELED),  # all or nothing at once: nothing
        (S.SUBMITTING, S.EXPIRED),
        (S.UNKNOWN, S.ACCEPTED),
        (S.UNKNOWN, S.REJECTED),  # the broker has never heard of it
        (S.UNKNOWN, S.PARTIALLY_FILLED),
        (S.UNKNOWN, S.FILLED),
        (S.UNKNOWN, S.CANCELED),
        (S.UNKNOWN, S.EXPIRED),
        (S.UNKNOWN, S.REPLACED),
        (S.ACCEPTED, S.PARTIALLY_FILLED),
        (S.ACCEPTED, S.FILLED),
        (S.ACCEPTED, S.CANCELED),
        (S.ACCEPTED, S.EXPIRED),
        (S.ACCEPTED, S.REJECTED),  # some brokers accept first and check afterwards
        (S.ACCEPTED, S.REPLACED),  # by hand, at the broker
        (S.ACCEPTED, S.UNKNOWN),  # its venue does not show it any more
        (S.ACCEPTED, S.PENDING_CANCEL),
        (S.ACCEPTED, S.PENDING_REPLACE),
        (S.PARTIALLY_FILLED, S.FILLED),
        (S.PARTIALLY_FILLED, S.CANCELED),
        (S.PARTIALLY_FILLED, S.EXPIRED),
        (S.PARTIALLY_FILLED, S.REPLACED),
        (S.PARTIALLY_FILLED, S.UNKNOWN),
        (S.PARTIALLY_FILLED, S.PENDING_CANCEL),
        (S.PARTIALLY_FILLED, S.PENDING_REPLACE),
        (S.PENDING_CANCEL, S.CANCELED),
        (S.PENDING_CANCEL, S.ACCEPTED),  # the cancel failed: as it was before
        (S.PENDING_CANCEL, S.PARTIALLY_FILLED),
        (S.PENDING_CANCEL, S.FILLED),  # the fill was faster
        (S.PENDING_CANCEL, S.EXPIRED),
        (S.PENDING_CANCEL, S.REJECTED),
        (S.PENDING_CANCEL, S.REPLACED),
        (S.PENDING_CANCEL, S.UNKNOWN),
        (S.PENDING_REPLACE, S.REPLACED),
        (S.PENDING_REPLACE, S.ACCEPTED),  # done in place, or failed: it waits at the broker
        (S.PENDING_REPLACE, S.PARTIALLY_FILLED),
        (S.PENDING_REPLACE, S.FILLED),
        (S.PENDING_REPLACE, S.CANCELED),
        (S.PENDING_REPLACE, S.EXPIRED),
        (S.PENDING_REPLACE, S.REJECTED),
        (S.PENDING_REPLACE, S.UNKNOWN),
        (S.PENDING_REPLACE, S.PENDING_CANCEL),  # a kill switch waits for nothing
        # The news of a fill may come after that of the end.
        (S.CANCELED, S.FILLED),
        (S.EXPIRED, S.FILLED),
        (S.REPLACED, S.FILLED),
        # It was not to be found for two minutes, and turned up: what the broker has is true. One
        # that the broker has said to have expired does not come back (`recording`).
        (S.EXPIRED, S.ACCEPTED),
        (S.EXPIRED, S.PARTIALLY_FILLED),
        (S.EXPIRED, S.CANCELED),
        (S.REJECTED, S.ACCEPTED),
        (S.REJECTED, S.PARTIALLY_FILLED),
        (S.REJECTED, S.FILLED),
        (S.REJECTED, S.CANCELED),
        (S.REJECTED, S.EXPIRED),
    }
)

# What a venue's news may change of an order besides its status.
NEWS: Final = (
    "status", "reason_code", "reason", "broker_order_id", "filled_quantity", "average_price",
    "leased_until", "ask_at", "finished_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """An order as it shall be, and the status that its row has."""

    order: Order
    old: S
    note: str = ""


@transaction.atomic(savepoint=False)
def order_move(*, order_id: UUID, old: S, new: S, note: str = "", **changes: Any) -> bool:
    """Move an order from one status to another; False where it was not there any more."""
    _check(old, new)
    if not claim(Order.objects.filter(id=order_id, status=old), status=new, **changes):
        return False
    OrderEvent.objects.create(order_id=order_id, old_status=old, new_status=new, note=note[:1000])
    return True


@transaction.atomic(savepoint=False)
def orders_move(*, orders: Sequence[Order], old: S, new: S, **changes: Any) -> None:
    """Move several orders the same way, whose rows the caller has locked in their old status."""
    _check(old, new)
    now = timezone.now()
    ids = [order.id for order in orders]
    rows = Order.objects.filter(id__in=ids, status=old)
    if rows.update(status=new, updated_at=now, **changes) != len(ids):
        raise ValueError(f"Not all of these orders are {old}: lock their rows first.")
    OrderEvent.objects.bulk_create(
        [OrderEvent(order_id=order_id, old_status=old, new_status=new) for order_id in ids]
    )


def orders_born(orders: Sequence[Order]) -> None:
    """Write down how new orders came to what they are, where that is not `created`."""
    moved = [order for order in orders if order.status != S.CREATED]
    for order in moved:
        _check(S.CREATED, S(order.status))
    OrderEvent.objects.bulk_create(
        [
            OrderEvent(order_id=order.id, old_status=S.CREATED, new_status=order.status)
            for order in moved
        ]
    )


@transaction.atomic(savepoint=False)
def orders_resize(orders: Sequence[Order]) -> None:
    """Write the quantities that venues have of orders, whose rows the caller has locked."""
    rows_update(orders, ("quantity",))
    OrderEvent.objects.bulk_create(
        [
            OrderEvent(
                order_id=order.id,
                old_status=order.status,
                new_status=order.status,
                note=f"The broker has it for {order.quantity.normalize():f}.",
            )
            for order in orders
        ]
    )


@transaction.atomic(savepoint=False)
def orders_settle(moves: Sequence[Moved]) -> None:
    """Write orders as venues have them now, whose rows the caller has locked."""
    if not moves:
        return
    for move in moves:
        _check(move.old, S(move.order.status))
    was = [move.old for move in moves]
    if rows_update([move.order for move in moves], NEWS, status_was=was) != len(moves):
        raise ValueError("These orders have moved on: lock their rows first.")
    OrderEvent.objects.bulk_create(
        [
            OrderEvent(
                order_id=move.order.id,
                old_status=move.old,
                new_status=move.order.status,
                note=move.note[:1000],
            )
            for move in moves
        ]
    )


def _check(old: S, new: S) -> None:
    if (old, new) not in ALLOWED:
        raise ValueError(f"An order never goes from {old} to {new}.")
