"""Writing down what streams tell, through what writes down what was asked for.

Executions that have their ids are fills at once. What an update says beyond them, that more was
filled or that an order has ended otherwise than we know, is asked for: the answer is whole,
whatever the stream lost, repeated or mixed up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from brokers.adapters.base import VenueOrder
from brokers.asking import orders_find
from brokers.changing import unwanted_withdraw
from brokers.choices import OrderStatus
from brokers.models import Order
from brokers.recording import PENDING, WORKING, venue_order_record
from brokers.resolving import orders_resolve
from brokers.streams.base import Update

# Whether these still hold is the sender's to find out, or the resolver's.
OTHERS: Final = (OrderStatus.CREATED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left to do after updates were written down.

    Attributes
    ----------
    ask : set of order ids
        Orders that the broker must be asked about.
    strange : list of (account id, Update)
        Updates of orders that we do not know, or not yet.
    """

    ask: set[UUID] = field(default_factory=set)
    strange: list[tuple[UUID, Update]] = field(default_factory=list)


def updates_take(updates: Iterable[tuple[UUID, Update]]) -> Taken:
    """Write updates down; the same ones change nothing twice."""
    taken = Taken()
    for account_id, update in updates:
        order = _order_of(account_id, update.order)
        if order is None:
            taken.strange.append((account_id, update))
            continue
        if _tells(order, update):
            venue_order_record(order_id=order.id, venue=update.order)
            order.refresh_from_db()
        if _lacks(order, update):
            taken.ask.add(order.id)
    return taken


def orders_look(order_ids: Iterable[UUID]) -> None:
    """Ask brokers about orders, write down what they say, and cancel those that nobody wants."""
    ids = list(order_ids)
    rows = Order.objects.filter(id__in=ids).select_related("account")
    known = list(rows.exclude(status__in=OTHERS))
    orders_resolve(rows)
    for order, answer in orders_find(known):
        if isinstance(answer, VenueOrder):
            venue_order_record(order_id=order.id, venue=answer, asked=order)
    unwanted_withdraw(ids)


def _order_of(account_id: UUID, venue: VenueOrder) -> Order | None:
    rows = Order.objects.filter(account_id=account_id)
    if venue.broker_order_id:
        found = rows.filter(broker_order_id=venue.broker_order_id).first()
        if found is not None:
            return found
    if venue.client_order_id:
        return rows.filter(client_order_id=venue.client_order_id, external=False).first()
    return None


def _tells(order: Order, update: Update) -> bool:
    """Return whether an update can be written down as it is, and changes anything."""
    venue = update.order
    if venue.executions:
        return True
    if order.status in PENDING or order.status == OrderStatus.REJECTED:
        # How a change ended is told by the answer to it; that it was refused, by a late "new".
        return False
    new = venue.status != order.status or not order.broker_order_id
    return new and update.filled == order.filled_quantity


def _lacks(order: Order, update: Update) -> bool:
    """Return whether there is more to do about an order than to write down what an update says."""
    if order.status in OTHERS:
        return order.status == OrderStatus.UNKNOWN
    if order.status in WORKING and order.cancel_requested_at is not None:
        return True  # whoever wanted it canceled did not know that it is there
    if update.filled > order.filled_quantity:
        return True
    if update.order.status not in WORKING:
        return update.order.status != order.status
    # News of before its end count no more, unless they say that it was not refused.
    return order.status == OrderStatus.REJECTED
