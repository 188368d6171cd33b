"""Finding out about orders of unknown outcome: the venue is asked, and nothing is ever sent.

It is asked by our own id, more and more seldom. A venue may show an order late, so that not
finding it proves nothing before `ABSENT_AFTER`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from brokers.absent import ABSENT_AFTER, doubted_at
from brokers.adapters.base import VenueOrder
from brokers.asking import orders_find
from brokers.canceling import orders_cancel
from brokers.changing import order_ended, order_refresh, replacement_settle, unwanted_withdraw
from brokers.choices import (
    NOT_AT_BROKER,
    OPEN_STATUSES,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from brokers.models import Order
from brokers.recording import WORKING, venue_order_known, venue_order_record
from brokers.silence import silent

log = structlog.get_logger(__name__)

ASK_LONGEST = timedelta(seconds=15)
FOLLOW_S = (0.05, 0.15, 0.4, 1.0)
FOLLOWED = 200


def order_resolve(*, order_id: UUID) -> None:
    """Ask the venue about an order of unknown outcome."""
    orders_resolve(Order.objects.filter(id=order_id))


def orders_resolve(rows: QuerySet[Order]) -> None:
    """Ask venues about those of some orders whose outcome is unknown."""
    orders = list(rows.filter(status=OrderStatus.UNKNOWN).select_related("account"))
    now = timezone.now()
    for order in orders:
        wait = min(ASK_LONGEST, timedelta(seconds=2 ** min(order.asks, 6)))
        Order.objects.filter(id=order.id).update(asks=order.asks + 1, ask_at=now + wait)
    for order, answer in orders_find(orders):
        if isinstance(answer, Exception):
            # A refusal to look says nothing about the order.
            log.warning("order.still_unknown", order_id=str(order.id), error=str(answer))
        else:
            _resolved(order, answer)


def _resolved(order: Order, venue: VenueOrder | None) -> None:
    if venue is not None:
        venue_order_record(order_id=order.id, venue=venue, asked=order)
        unwanted_withdraw([order.id])
    elif doubted_at(order) is not None:
        return  # It was there: whoever reconciles compares the positions before it ends.
    elif order.submitted_at and order.submitted_at < timezone.now() - ABSENT_AFTER:
        order_ended(
            order_id=order.id,
            old=OrderStatus.UNKNOWN,
            new=OrderStatus.REJECTED,
            code=NOT_AT_BROKER,
            reason="The broker has no such order: it never arrived.",
        )
    if order.replaces_id is None:
        return
    replaced = Order.objects.filter(id=order.replaces_id, status=OrderStatus.PENDING_REPLACE)
    for old in replaced.select_related("account"):
        new = Order.objects.only("status").get(id=order.id)
        order_refresh(old, restore=new.status == OrderStatus.REJECTED)


def accounts_follow(*, account_ids: Iterable[UUID]) -> None:
    """Look a few times, within two seconds, after what should be done at once."""
    hurried = Q(status=OrderStatus.UNKNOWN) | Q(status__in=WORKING) & (
        Q(order_type=OrderType.MARKET) | Q(time_in_force__in=(TimeInForce.IOC, TimeInForce.FOK))
    )
    young = timezone.now() - timedelta(minutes=1)
    rows = Order.objects.filter(hurried, account_id__in=account_ids, submitted_at__gt=young)
    for wait_s in FOLLOW_S:
        waiting = list(rows.select_related("account")[:FOLLOWED])
        # Those at a broker that answers late are looked after on a schedule.
        late = {kind for kind in {order.account.kind for order in waiting} if silent(kind)}
        waiting = [order for order in waiting if order.account.kind not in late]
        if not waiting:
            return
        time.sleep(wait_s)
        unknown = [order.id for order in waiting if order.status == OrderStatus.UNKNOWN]
        orders_resolve(Order.objects.filter(id__in=unknown))
        orders_ask([order for order in waiting if order.status != OrderStatus.UNKNOWN])


def orders_ask(orders: Iterable[Order]) -> None:
    """Take over how orders at venues stand; their accounts must be loaded.

    What hangs in a change comes last: it may take a call more.
    """
    by_status: dict[str, list[Order]] = {}
    for order in orders:
        by_status.setdefault(order.status, []).append(order)
    waiting = [order for status in WORKING for order in by_status.get(status, ())]
    for order, answer in orders_find(waiting):
        if isinstance(answer, VenueOrder) and not venue_order_known(order=order, venue=answer):
            venue_order_record(order_id=order.id, venue=answer, asked=order)
    orders_cancel(by_status.get(OrderStatus.PENDING_CANCEL, ()))
    for order in by_status.get(OrderStatus.PENDING_REPLACE, ()):
        _replacement_ask(order)


def _replacement_ask(order: Order) -> None:
    """Settle a replacement that hangs."""
    if order.wanted:
        replacement_settle(order, "The broker did not answer.")
    elif not Order.objects.filter(replaces=order, status__in=OPEN_STATUSES).exists():
        # Otherwise it is settled with the order that takes its place.
        order_refresh(order, restore=True)
