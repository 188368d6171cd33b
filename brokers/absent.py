"""Orders that their venue has had, and does not show any more.

A venue may be late, or tell of one day only, so one question proves nothing. A day's order whose
session is over cannot wait there any longer. Any other becomes `unknown`: it is asked for more and
more seldom, and nothing else opens in its symbol meanwhile. Neither ends before the positions
agree: until then it may have been filled, and who owns the account has to say what holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from brokers.changing import order_ended
from brokers.choices import NOT_AT_BROKER, WORKING_STATUSES, OrderStatus, TimeInForce
from brokers.models import Order, OrderEvent
from brokers.quotes import Quotes
from core.errors import InvalidInput
from market.calendars import session_ends_at

# A venue may show an order late: not finding it proves nothing before.
ABSENT_AFTER: Final = timedelta(seconds=120)


def doubted_at(order: Order) -> datetime | None:
    """Return when an order that its venue had was not found there; None where it never was there.

    For orders of unknown outcome.
    """
    doubts = OrderEvent.objects.filter(
        order=order, old_status__in=WORKING_STATUSES, new_status=OrderStatus.UNKNOWN
    )
    return doubts.order_by("created_at").values_list("created_at", flat=True).last()


def absent_for_good(order: Order) -> bool:
    """Tell whether an order that is not found has ended, if the positions agree."""
    now = timezone.now()
    if order.status == OrderStatus.UNKNOWN:
        since = doubted_at(order)
        return since is not None and since < now - ABSENT_AFTER
    return order.time_in_force == TimeInForce.DAY and _session_over(order, now)


def _session_over(order: Order, now: datetime) -> bool:
    """Tell whether the session is over that a day's order was for; of a contract its shares'."""
    try:
        instrument = Quotes([order.owner_id], now=now).instrument(order.symbol, order.owner_id)
    except InvalidInput:
        return False
    return session_ends_at(instrument, order.submitted_at or order.created_at) <= now


def absent_doubt(order: Order) -> None:
    """Have an order become unknown that is not found where it should wait."""
    if order.submitted_at and order.submitted_at > timezone.now() - ABSENT_AFTER:
        return
    order_ended(
        order_id=order.id,
        old=OrderStatus(order.status),
        new=OrderStatus.UNKNOWN,
        code=NOT_AT_BROKER,
        reason="The broker, which had this order, does not show it: it is asked again.",
    )


def absent_end(orders: Iterable[Order]) -> None:
    """End orders that are absent for good, as their status was when they were asked for."""
    for order in orders:
        order_ended(
            order_id=order.id,
            old=OrderStatus(order.status),
            new=OrderStatus.EXPIRED,
            code=NOT_AT_BROKER,
            reason="The broker does not show this order any more, and the positions agree.",
        )
