"""What becomes of deliveries and their channel when an attempt has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.db import claim, uuid7
from notifications.channels.base import Blame, DeliveryError
from notifications.channels.kinds import CHANNELS
from notifications.choices import DeliveryStatus as Status
from notifications.models import Delivery, UserChannel
from notifications.pacing import rest_of
from notifications.service_faults import fault_clear, fault_note, is_too_old
from notifications.telling import event_notify
from notifications.transitions import delivery_move

log = structlog.get_logger(__name__)

MAX_ATTEMPTS: Final = 6
RETRY_AFTER_AT_MOST_S: Final = 86_400.0


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after this many attempts: 10 s, doubling, at most an hour."""
    return timedelta(seconds=min(3600, 10 * 2 ** (attempt - 1)))


@transaction.atomic
def attempt_sent(rows: Sequence[Delivery], channel: UserChannel, *, service_id: str) -> None:
    """Write down that a message left."""
    for row in rows:
        delivery_move(
            delivery_id=row.id,
            old=Status.SENDING,
            new=Status.SENT,
            attempt=row.attempts,
            sent_at=timezone.now(),
            service_id=service_id[:200],
            error="",
        )
    fault_clear(kind=channel.kind)
    if channel.failures:
        UserChannel.objects.filter(id=channel.id).update(failures=0, resume_at=None)


@transaction.atomic
def attempt_failed(delivery: Delivery, error: DeliveryError) -> None:
    """Write down what went wrong, and when to try again if that makes sense."""
    if error.blame is Blame.OPERATOR:
        _refused_us(delivery, error)
        return
    repeatable = CHANNELS.get(delivery.kind).repeatable or not error.unknown
    tried = delivery.attempts - delivery.excused
    again = repeatable and not error.permanent and tried < MAX_ATTEMPTS
    given_up = Status.UNKNOWN if error.unknown else Status.FAILED
    new = Status.QUEUED if again else given_up
    wait = backoff(tried)
    if error.retry_after_s is not None:
        wait = max(wait, timedelta(seconds=min(error.retry_after_s, RETRY_AFTER_AT_MOST_S)))
    moved = delivery_move(
        delivery_id=delivery.id,
        old=Status.SENDING,
        new=new,
        attempt=delivery.attempts,
        error=str(error)[:1000],
        due_at=timezone.now() + wait,
    )
    log.warning("delivery.not_sent", kind=delivery.kind, outcome=new.value, error=str(error))
    if not moved or delivery.channel_id is None:
        return
    if not error.permanent:
        _channel_rest(delivery.channel_id, error)
    elif error.blame is Blame.RECIPIENT:
        channel_disable(channel_id=delivery.channel_id, reason=str(error))


def _refused_us(delivery: Delivery, error: DeliveryError) -> None:
    """Queue a delivery for when the operator has mended what the service refuses us for."""
    kind = delivery.channel.kind if delivery.channel else delivery.kind
    fault = fault_note(kind=kind, error=str(error))
    too_old = is_too_old(created_at=delivery.created_at, fault=fault)
    delivery_move(
        delivery_id=delivery.id,
        old=Status.SENDING,
        new=Status.FAILED if too_old else Status.QUEUED,
        attempt=delivery.attempts,
        excused=delivery.excused + 1,
        error=str(error)[:1000],
        due_at=fault.resume_at,
    )


def channel_disable(*, channel_id: UUID, reason: str, unwanted: bool = False) -> bool:
    """Switch a channel off and tell its owner why, once; False where it was off.

    Where the recipient wants no messages (`unwanted`), the address must be proven again.
    """
    on = UserChannel.objects.filter(id=channel_id, enabled=True)
    unproven = {"verified_at": None, "code_hash": ""} if unwanted else {}
    if not claim(on, enabled=False, disabled_reason=reason[:1000], **unproven):
        return False
    channel = UserChannel.objects.get(id=channel_id)
    event_notify(
        owner_id=channel.owner_id,
        event="channel.disabled",
        key=f"channel.disabled:{uuid7()}",
        subject=f"Your channel {channel.name or channel.kind} was switched off",
        text=f"{channel.address}: {reason[:1000]}",
        data={"channel_id": str(channel.id), "kind": channel.kind, "reason": reason[:1000]},
    )
    return True


def _channel_rest(channel_id: UUID, error: DeliveryError) -> None:
    """Let a channel rest that failed again and again, or whose service asks for it."""
    channels = UserChannel.objects.filter(id=channel_id)
    channels.update(failures=F("failures") + 1)
    failures = channels.values_list("failures", flat=True).first() or 0
    rest = rest_of(failures)
    if error.retry_after_s is not None:
        asked = timedelta(seconds=min(error.retry_after_s, RETRY_AFTER_AT_MOST_S))
        rest = max(rest or asked, asked)
    if rest is not None:
        channels.update(resume_at=timezone.now() + rest)
