"""Alerts that somebody sends, reads, or sends again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.db import claim, uuid7
from core.outbox.services import task_enqueue
from notifications.choices import SEND_TASK, DeliveryStatus
from notifications.models import Alert, Delivery, UserChannel
from notifications.selectors import channels_found
from notifications.telling import alert_create, alert_tell, event_notify
from notifications.transitions import delivery_move


@transaction.atomic
def alert_send(
    *,
    owner_id: UUID,
    subject: str,
    text: str,
    channels: Iterable[UserChannel],
    urgent: bool = False,
) -> Alert:
    """Send an alert by hand, to the app and through these channels; `urgent` waits for nothing."""
    alert, _ = alert_create(
        owner_id=owner_id,
        event="alert.manual",
        key=f"alert.manual:{uuid7()}",
        subject=subject,
        text=text,
        data={},
    )
    alert_tell(alert=alert, channels=channels, urgent=urgent)
    return alert


def strategy_alert(
    *,
    owner_id: UUID,
    key: str,
    message: str,
    data: dict[str, Any],
    channels: Sequence[str] = (),
) -> Alert:
    """Send what an `alert` action of a live strategy says, once per `key`.

    Parameters
    ----------
    key : str
        ``"<deployment>:<node>:<bar>"``: the same action on the same bar is told once.
    message : str
        The action's text; its first line is the subject.
    data : dict
        The fields of ``strategy.alert`` (`notifications.events`).
    channels : sequence of str
        Words as in ``POST notifications/alerts``, beside the channels of rules. A live strategy is
        not stopped by a channel that is off or gone: such words are passed over.
    """
    head, _, rest = message.strip().partition("\n")
    return event_notify(
        owner_id=owner_id,
        event="strategy.alert",
        key=f"strategy.alert:{key}",
        subject=head or "Alert",
        text=rest.strip() or head,
        data=data,
        channels=channels_found(owner_id=owner_id, words=channels),
    )


def alert_read(*, alert: Alert) -> Alert:
    """Mark an alert as read; once read it stays read."""
    claim(Alert.objects.filter(id=alert.id, read_at=None), read_at=timezone.now())
    alert.refresh_from_db(fields=["read_at"])
    return alert


def alerts_read(*, owner_id: UUID, until: datetime | None = None) -> int:
    """Mark all alerts of a user, or those made until then, as read; return how many were not."""
    now = timezone.now()
    unread = Alert.objects.filter(owner_id=owner_id, read_at=None, created_at__lte=until or now)
    return unread.update(read_at=now, updated_at=now)


@transaction.atomic
def delivery_resend(*, delivery: Delivery) -> bool:
    """Queue a delivery that surely failed once more; False where it is no longer so.

    One of unknown outcome is never repeated: it may have arrived.
    """
    queued = delivery_move(
        delivery_id=delivery.id,
        old=DeliveryStatus.FAILED,
        new=DeliveryStatus.QUEUED,
        due_at=timezone.now(),
        held="",
    )
    if queued:
        task_enqueue(task=SEND_TASK, args=[str(delivery.id)], queue="alerts")
    return queued
