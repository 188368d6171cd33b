"""From an event to deliveries, in the transaction that made the event happen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.db import claim, uuid7
from core.outbox.services import task_enqueue
from notifications.channels.base import Message
from notifications.channels.kinds import CHANNELS
from notifications.choices import SEND_TASK, DeliveryStatus
from notifications.models import Alert, AlertRule, Delivery, UserChannel
from notifications.transitions import delivery_move

IN_APP = "in_app"


def event_notify(
    *, owner_id: UUID, event: str, key: str, subject: str, text: str, data: dict[str, Any]
) -> Alert:
    """Tell a user of an event: in the app always, and through the channels of matching rules.

    Call it inside the transaction that made the event. The same `key` is told once, however often
    it is reported.

    Parameters
    ----------
    owner_id : UUID
        Whom to tell.
    event : str
        One of `notifications.choices.EVENTS`.
    key : str
        Unique per event of the user, such as ``"run.completed:<id>"``.
    subject, text : str
        One line, and the rest.
    data : dict
        Plain JSON; rules filter on it.
    """
    rules = AlertRule.objects.filter(owner_id=owner_id, event=event, enabled=True)
    matching = [rule.id for rule in rules if rule_matches(rule.filters, data)]
    channels = (
        UserChannel.objects.filter(rules__in=matching, enabled=True).distinct() if matching else ()
    )
    return _alert_create(
        owner_id=owner_id,
        event=event,
        key=key,
        subject=subject,
        text=text,
        data=data,
        channels=channels,
    )


def alert_send(
    *,
    owner_id: UUID,
    subject: str,
    text: str,
    channels: Iterable[UserChannel],
) -> Alert:
    """Send an alert by hand, to the app and through these channels."""
    return _alert_create(
        owner_id=owner_id,
        event="alert.manual",
        key=f"alert.manual:{uuid7()}",
        subject=subject,
        text=text,
        data={},
        channels=channels,
    )


def alert_read(*, alert: Alert) -> Alert:
    """Mark an alert as read; once read it stays read."""
    claim(Alert.objects.filter(id=alert.id, read_at=None), read_at=timezone.now())
    alert.refresh_from_db(fields=["read_at"])
    return alert


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
    )
    if queued:
        task_enqueue(task=SEND_TASK, args=[str(delivery.id)], queue="alerts")
    return queued


def rule_matches(filters: dict[str, Any], data: dict[str, Any]) -> bool:
    """Tell whether every filter equals the event's value of that name."""
    return all(data.get(name) == wanted for name, wanted in filters.items())


@transaction.atomic
def _alert_create(
    *,
    owner_id: UUID,
    event: str,
    key: str,
    subject: str,
    text: str,
    data: dict[str, Any],
    channels: Iterable[UserChannel],
) -> Alert:
    subject = " ".join(subject.split())[:200]
    alert, created = Alert.objects.get_or_create(
        owner_id=owner_id,
        key=key,
        defaults={"event": event, "subject": subject, "text": text, "data": data},
    )
    if not created:
        return alert
    outside = [
        Delivery(
            alert=alert,
            channel=channel,
            kind=channel.kind,
            recipient=channel.address,
            due_at=alert.created_at,
        )
        for channel in channels
        if channel.kind != IN_APP
    ]
    Delivery.objects.bulk_create([_told_in_app(alert), *outside])
    for delivery in outside:
        task_enqueue(task=SEND_TASK, args=[str(delivery.id)], queue="alerts")
    return alert


def _told_in_app(alert: Alert) -> Delivery:
    """Tell the open sockets in this very transaction: no worker is needed for that."""
    message = Message(str(alert.owner_id), alert.subject, alert.text, alert_id=str(alert.id))
    return Delivery(
        alert=alert,
        kind=IN_APP,
        recipient=message.recipient,
        status=DeliveryStatus.SENT,
        attempts=1,
        service_id=CHANNELS.get(IN_APP).send(message),
        due_at=alert.created_at,
        sent_at=alert.created_at,
    )
