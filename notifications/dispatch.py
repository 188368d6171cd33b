"""The worker's side: send what is due, once.

A delivery is claimed by compare-and-set with a lease before the service is called. What then
happens is written down; if the worker dies first, the sweeper finds the lapsed lease: a channel
that may repeat itself tries again, another one is left as `unknown`.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from core.outbox.services import task_enqueue
from notifications.channels.base import DeliveryError, Message
from notifications.channels.kinds import CHANNELS
from notifications.choices import SEND_TASK
from notifications.choices import DeliveryStatus as Status
from notifications.models import Delivery, UserChannel
from notifications.transitions import delivery_move

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
MAX_ATTEMPTS = 6
# The task of a queued delivery is normally there within a second of its due time.
OVERDUE = timedelta(seconds=15)
SWEEP_BATCH = 500


def delivery_send(*, delivery_id: UUID) -> None:
    """Send a delivery that is queued and due; do nothing in every other case."""
    delivery = (
        Delivery.objects.select_related("alert")
        .filter(id=delivery_id, status=Status.QUEUED, due_at__lte=timezone.now())
        .first()
    )
    if delivery is None:
        return
    attempt = delivery.attempts + 1
    claimed = delivery_move(
        delivery_id=delivery.id,
        old=Status.QUEUED,
        new=Status.SENDING,
        attempt=delivery.attempts,
        attempts=attempt,
        leased_until=timezone.now() + LEASE,
    )
    if not claimed:
        return
    message = Message(
        delivery.recipient,
        delivery.alert.subject,
        delivery.alert.text,
        alert_id=str(delivery.alert_id),
    )
    try:
        service_id = CHANNELS.get(delivery.kind).send(message)
    except DeliveryError as error:
        _failed(delivery, attempt, error)
        return
    delivery_move(
        delivery_id=delivery.id,
        old=Status.SENDING,
        new=Status.SENT,
        attempt=attempt,
        sent_at=timezone.now(),
        service_id=service_id[:200],
        error="",
    )


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after this many attempts: 10 s, doubling, at most an hour."""
    return timedelta(seconds=min(3600, 10 * 2 ** (attempt - 1)))


def deliveries_sweep() -> int:
    """Queue again what is due and what a lost worker left; return how many were touched."""
    now = timezone.now()
    lapsed = Delivery.objects.filter(status=Status.SENDING, leased_until__lt=now)
    for delivery in lapsed.order_by("due_at")[:SWEEP_BATCH]:
        lost = DeliveryError("the worker died while sending", unknown=True)
        _failed(delivery, delivery.attempts, lost)
    overdue = Delivery.objects.filter(status=Status.QUEUED, due_at__lt=now - OVERDUE)
    ids = list(overdue.order_by("due_at").values_list("id", flat=True)[:SWEEP_BATCH])
    with transaction.atomic():
        # Due from now on again, so that the next sweep leaves the task time to run.
        Delivery.objects.filter(id__in=ids, status=Status.QUEUED).update(due_at=now)
        for delivery_id in ids:
            task_enqueue(task=SEND_TASK, args=[str(delivery_id)], queue="alerts")
    return len(ids)


@transaction.atomic
def _failed(delivery: Delivery, attempt: int, error: DeliveryError) -> None:
    """Write down what went wrong, and when to try again if that makes sense."""
    repeatable = CHANNELS.get(delivery.kind).repeatable or not error.unknown
    again = repeatable and not error.permanent and attempt < MAX_ATTEMPTS
    given_up = Status.UNKNOWN if error.unknown else Status.FAILED
    new = Status.QUEUED if again else given_up
    wait = backoff(attempt)
    if error.retry_after_s is not None:
        wait = max(wait, timedelta(seconds=error.retry_after_s))
    moved = delivery_move(
        delivery_id=delivery.id,
        old=Status.SENDING,
        new=new,
        attempt=attempt,
        error=str(error)[:1000],
        due_at=timezone.now() + wait,
    )
    log.warning("delivery.not_sent", kind=delivery.kind, outcome=new.value, error=str(error))
    if moved and error.permanent and delivery.channel_id:
        UserChannel.objects.filter(id=delivery.channel_id).update(
            enabled=False, disabled_reason=str(error)[:1000]
        )
