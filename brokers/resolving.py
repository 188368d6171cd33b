"""Finding out about orders of unknown outcome: the venue is asked, and nothing is ever sent.

It is asked by our own id, more and more seldom. A venue may show an order late, so that not
finding it proves nothing before `ABSENT_AFTER`.
"""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change, order_ended, order_refresh, replacement_settle
from brokers.choices import OPEN_STATUSES, OrderStatus, OrderType, TimeInForce
from brokers.models import Order
from brokers.recording import WORKING, venue_order_record
from core.errors import Permanent

log = structlog.get_logger(__name__)

ABSENT_AFTER = timedelta(seconds=120)
ASK_LONGEST = timedelta(seconds=15)
FOLLOW_S = (0.05, 0.15, 0.4, 1.0)


def order_resolve(*, order_id: UUID) -> None:
    """Ask the venue about an order of unknown outcome."""
    order = Order.objects.select_related("account").get(id=order_id)
    if order.status != OrderStatus.UNKNOWN:
        return
    wait = min(ASK_LONGEST, timedelta(seconds=2 ** min(order.asks, 6)))
    Order.objects.filter(id=order.id).update(asks=order.asks + 1, ask_at=timezone.now() + wait)
    try:
        venue = ADAPTERS.get(order.account.kind).find(access_of(order.account), ref_of(order))
    except (OutcomeUnknown, Refused, Permanent) as error:
        # A refusal to look says nothing about the order.
        log.warning("order.still_unknown", order_id=str(order.id), error=str(error))
        return
    if venue is not None:
        venue_order_record(order_id=order.id, venue=venue)
        if order.cancel_requested_at is not None:
            order_change(order_id=order.id)
    elif order.submitted_at and order.submitted_at < timezone.now() - ABSENT_AFTER:
        message = "The broker has no such order: it never arrived."
        order_ended(
            order_id=order.id,
            old=OrderStatus.UNKNOWN,
            new=OrderStatus.REJECTED,
            code="not_at_broker",
            reason=message,
        )
    if order.replaces_id is None:
        return
    replaced = Order.objects.filter(id=order.replaces_id, status=OrderStatus.PENDING_REPLACE)
    for old in replaced.select_related("account"):
        new = Order.objects.only("status").get(id=order.id)
        order_refresh(old, restore=new.status == OrderStatus.REJECTED)


def account_follow(*, account_id: UUID) -> None:
    """Look a few times, within two seconds, after what should be done at once."""
    hurried = Q(status=OrderStatus.UNKNOWN) | Q(status__in=WORKING) & (
        Q(order_type=OrderType.MARKET) | Q(time_in_force__in=(TimeInForce.IOC, TimeInForce.FOK))
    )
    young = timezone.now() - timedelta(minutes=1)
    orders = Order.objects.filter(hurried, account_id=account_id, submitted_at__gt=young)
    for wait_s in FOLLOW_S:
        waiting = list(orders.select_related("account")[:20])
        if not waiting:
            return
        time.sleep(wait_s)
        for order in waiting:
            if order.status == OrderStatus.UNKNOWN:
                order_resolve(order_id=order.id)
            else:
                order_refresh(order)


def order_ask(*, order: Order) -> None:
    """Take over how an order at the venue stands; one that hangs in a change is settled."""
    if order.status == OrderStatus.PENDING_CANCEL:
        order_change(order_id=order.id)
    elif order.status != OrderStatus.PENDING_REPLACE:
        order_refresh(order)
    elif order.wanted:
        replacement_settle(order, "The broker did not answer.")
    elif not Order.objects.filter(replaces=order, status__in=OPEN_STATUSES).exists():
        # Otherwise it is settled with the order that takes its place.
        order_refresh(order, restore=True)
