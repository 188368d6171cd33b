"""The worker's side: send what is due, once.

A delivery is claimed by compare-and-set with a lease before the service is called. What then
happens is written down; if the worker dies first, the sweeper finds that nobody holds its lock, or
the lapsed lease: a channel that may repeat itself tries again, another one is left as `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from core.errors import Permanent
from notifications.attempts import attempt_failed, attempt_sent
from notifications.channels.base import DeliveryError
from notifications.channels.kinds import CHANNELS
from notifications.choices import DeliveryStatus as Status
from notifications.choices import Hold
from notifications.keeping import secrets_open
from notifications.links import receipt_token, receipt_url
from notifications.messages import message_of
from notifications.models import Alert, Delivery, UserChannel
from notifications.pacing import RATE_WINDOW, quiet_end
from notifications.senders import senders_alive
from notifications.transitions import delivery_move

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=90)
SWEEP_BATCH: Final = 500
DIGEST_AT_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Attempt:
    """Deliveries that this process has claimed and sends as one message.

    Attributes
    ----------
    channel : UserChannel
    claimed : tuple of Delivery
        With their alerts; several only in a digest. Their `attempts` are this attempt's number.
    """

    channel: UserChannel
    claimed: tuple[Delivery, ...]


def delivery_send(*, delivery_id: UUID) -> None:
    """Send a delivery that is queued and due; do nothing in every other case."""
    delivery = due_list(timezone.now()).filter(id=delivery_id).first()
    attempt = None if delivery is None else delivery_claim(delivery)
    if attempt is not None:
        attempt_end(attempt, attempt_perform(attempt))


def due_list(now: datetime) -> QuerySet[Delivery]:
    """Return what is queued and due, with what it takes to send it."""
    return Delivery.objects.filter(status=Status.QUEUED, due_at__lte=now).select_related(
        "alert", "channel__owner"
    )


def delivery_claim(delivery: Delivery, *, sender: int | None = None) -> Attempt | None:
    """Claim a delivery that is due, and with it those of its digest; None where it must wait.

    `sender` is the number of the process that holds a `sender_lock` until it has ended the attempt.
    """
    now = timezone.now()
    channel = delivery.channel
    if channel is None or (reason := _off_reason(delivery, channel)):
        _give_up(delivery, "its channel was deleted" if channel is None else reason)
        return None
    if not delivery.urgent:
        quiet = quiet_end(channel, zone=channel.owner.time_zone, now=now)
        if quiet is not None:
            held = delivery.held or Hold.QUIET_HOURS
            waiting = Delivery.objects.filter(id=delivery.id, status=Status.QUEUED)
            waiting.update(due_at=quiet, held=held)
            return None
    if (channel.resume_at is not None and channel.resume_at > now) or _rate_used_up(channel, now):
        return None
    rows = [delivery]
    if delivery.held == Hold.DIGEST:
        others = (
            due_list(now)
            .filter(channel=channel, recipient=channel.address, held=Hold.DIGEST)
            .exclude(id=delivery.id)
        )
        rows += others.order_by("created_at")[: DIGEST_AT_MOST - 1]
    claimed = tuple(row for row in rows if _claim_one(row, now, sender))
    # What came first is told first.
    ordered = sorted(claimed, key=lambda row: (row.created_at, row.id))
    return Attempt(channel, tuple(ordered)) if claimed else None


def attempt_perform(attempt: Attempt) -> str | DeliveryError:
    """Write the message and send it: no database here, so that it may run in a thread.

    Returns
    -------
    str or DeliveryError
        The service's id of the message, or why there is none.
    """
    alerts: list[Alert] = [row.alert for row in attempt.claimed]
    try:
        secrets = secrets_open(attempt.channel, now=timezone.now())
    except Permanent as error:
        # The master keys are the operator's: no reason to switch anybody's channel off.
        log.exception("delivery.secrets_unreadable", channel_id=str(attempt.channel.id))
        return DeliveryError(error.message)
    try:
        message = message_of(
            channel=attempt.channel,
            alerts=alerts,
            secrets=secrets,
            receipt_url=receipt_url(attempt.claimed[0]),
            receipt_token=receipt_token(attempt.claimed[0]),
        )
        return CHANNELS.get(attempt.channel.kind).send(message)
    except Permanent as error:
        return DeliveryError(error.message, permanent=True)
    except DeliveryError as error:
        return error


def attempt_end(attempt: Attempt, outcome: str | DeliveryError) -> None:
    """Write down what became of an attempt."""
    if isinstance(outcome, DeliveryError):
        for row in attempt.claimed:
            attempt_failed(row, outcome)
    else:
        attempt_sent(attempt.claimed, attempt.channel, service_id=outcome)


def deliveries_sweep() -> int:
    """Settle what a lost worker left in `sending`; return how many those were."""
    now = timezone.now()
    watched = Q(leased_until__lt=now) | Q(sender__isnull=False)
    sending = Delivery.objects.filter(watched, status=Status.SENDING)
    rows = list(sending.select_related("channel").order_by("due_at")[:SWEEP_BATCH])
    # Asked after the rows were read: who claimed one of them had its lock before.
    alive = senders_alive() if rows else set()
    lost = [
        row
        for row in rows
        if row.sender not in alive or (row.leased_until is not None and row.leased_until < now)
    ]
    for delivery in lost:
        attempt_failed(delivery, DeliveryError("the worker died while sending", unknown=True))
    return len(lost)


def _claim_one(delivery: Delivery, now: datetime, sender: int | None) -> bool:
    tried = delivery.attempts
    delivery.attempts = tried + 1
    return delivery_move(
        delivery_id=delivery.id,
        old=Status.QUEUED,
        new=Status.SENDING,
        attempt=tried,
        attempts=tried + 1,
        tried_at=now,
        sender=sender,
        leased_until=now + LEASE,
    )


def _off_reason(delivery: Delivery, channel: UserChannel) -> str:
    """Say why a delivery goes nowhere any more, "" where it does."""
    if delivery.recipient != channel.address:
        return "its channel has another address now"
    if not channel.enabled:
        return f"its channel is off: {channel.disabled_reason or 'by its owner'}"
    if channel.verified_at is None:
        return "its channel is not verified"
    return "" if channel.owner.is_active else "its owner's account is closed"


def _give_up(delivery: Delivery, reason: str) -> None:
    delivery_move(
        delivery_id=delivery.id, old=Status.QUEUED, new=Status.FAILED, error=reason[:1000]
    )


def _rate_used_up(channel: UserChannel, now: datetime) -> bool:
    """Tell whether the channel had its messages of this minute, and note when it may go on."""
    rate = channel.rate_per_min or CHANNELS.get(channel.kind).rate_per_min
    tried = Delivery.objects.filter(channel=channel, tried_at__gt=now - RATE_WINDOW)
    # What went out as one digest was tried at one time: it is one message.
    moments = tried.order_by("-tried_at").values_list("tried_at", flat=True).distinct()
    times = list(moments[:rate])
    if len(times) < rate or times[-1] is None:
        return False
    channel.resume_at = times[-1] + RATE_WINDOW
    UserChannel.objects.filter(id=channel.id).update(resume_at=channel.resume_at)
    return True
