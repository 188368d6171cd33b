"""The sender: from a committed order to the venue, once, and the truth about it afterwards.

`submitting` is committed before the call, and the call is made once. Only a proven refusal is
`rejected`; whatever else goes wrong leaves the order `unknown`, and then the venue is asked for our
id until it answers. If the sender dies, its lease lapses and the order becomes `unknown` too.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from brokers.adapters.base import OrderRequest, OutcomeUnknown, Refused
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import SUBMIT_TASK, AssetType, OrderStatus, OrderType, Side
from brokers.frames import order_tell
from brokers.models import Order
from brokers.recording import venue_order_record
from brokers.transitions import order_move
from core.outbox.services import task_enqueue

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
# The task of a new order is normally there within a second.
LOST_AFTER = timedelta(seconds=10)
# A venue may show an order late: not finding it proves nothing before this.
ABSENT_AFTER = timedelta(seconds=120)
SWEEP_BATCH = 200


def order_submit(*, order_id: UUID) -> None:
    """Send an order that was created and not sent; do nothing in every other case."""
    order = Order.objects.select_related("account").get(id=order_id)
    if order.status != OrderStatus.CREATED:
        return
    attempt = order.attempts + 1
    sending = order_move(
        order_id=order.id,
        old=OrderStatus.CREATED,
        new=OrderStatus.SUBMITTING,
        attempt=order.attempts,
        attempts=attempt,
        submitted_at=timezone.now(),
        leased_until=timezone.now() + LEASE,
    )
    if not sending:
        return
    try:
        venue = ADAPTERS.get(order.account.kind).submit(_request_of(order))
    except Refused as refusal:
        _end(order.id, OrderStatus.SUBMITTING, OrderStatus.REJECTED, refusal.code, str(refusal))
    except OutcomeUnknown as error:
        _end(order.id, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, "no_answer", str(error))
    else:
        venue_order_record(order_id=order.id, venue=venue)


def order_resolve(*, order_id: UUID) -> None:
    """Ask the venue about an order of unknown outcome; never sends anything."""
    order = Order.objects.select_related("account").get(id=order_id)
    if order.status != OrderStatus.UNKNOWN:
        return
    try:
        venue = ADAPTERS.get(order.account.kind).find(
            account_id=order.account_id, client_order_id=order.client_order_id
        )
    except OutcomeUnknown as error:
        log.warning("order.still_unknown", order_id=str(order.id), error=str(error))
        return
    if venue is not None:
        venue_order_record(order_id=order.id, venue=venue)
    elif order.submitted_at and order.submitted_at < timezone.now() - ABSENT_AFTER:
        message = "The broker has no such order: it never arrived."
        _end(order.id, OrderStatus.UNKNOWN, OrderStatus.REJECTED, "not_at_broker", message)


def orders_sweep() -> None:
    """Queue orders whose task was lost; find out about those whose sender died or got no answer."""
    now = timezone.now()
    dead = Order.objects.filter(status=OrderStatus.SUBMITTING, leased_until__lt=now)
    for order_id in dead.values_list("id", flat=True)[:SWEEP_BATCH]:
        message = "The sender died before the broker answered."
        _end(order_id, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, "sender_died", message)
    unknown = Order.objects.filter(status=OrderStatus.UNKNOWN)
    for order_id in unknown.order_by("updated_at").values_list("id", flat=True)[:SWEEP_BATCH]:
        order_resolve(order_id=order_id)
    lost = Order.objects.filter(status=OrderStatus.CREATED, updated_at__lt=now - LOST_AFTER)
    with transaction.atomic():
        ids = list(lost.order_by("updated_at").values_list("id", flat=True)[:SWEEP_BATCH])
        Order.objects.filter(id__in=ids).update(updated_at=now)
        for order_id in ids:
            task_enqueue(task=SUBMIT_TASK, args=[str(order_id)], queue="orders")


@transaction.atomic
def _end(order_id: UUID, old: OrderStatus, new: OrderStatus, code: str, reason: str) -> None:
    """Move an order to where nothing was filled, with the reason, and tell."""
    finished_at = timezone.now() if new == OrderStatus.REJECTED else None
    moved = order_move(
        order_id=order_id,
        old=old,
        new=new,
        note=reason,
        reason_code=code,
        reason=reason[:1000],
        leased_until=None,
        finished_at=finished_at,
    )
    if moved:
        order_tell(order_id=order_id)


def _request_of(order: Order) -> OrderRequest:
    return OrderRequest(
        account_id=order.account_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        asset_type=AssetType(order.asset_type),
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
    )
