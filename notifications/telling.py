"""From an event to deliveries, in the transaction that made the event happen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.accounts.models import User
from core.db import claim
from core.outbox.services import task_enqueue
from notifications.channels.base import Message
from notifications.channels.kinds import CHANNELS
from notifications.choices import SEND_TASK, DeliveryStatus
from notifications.events import EVENTS
from notifications.matching import filters_match
from notifications.models import Alert, AlertRule, Delivery, UserChannel
from notifications.pacing import hold_of

IN_APP = "in_app"
SUBJECT_LENGTH = 200


@transaction.atomic
def event_notify(
    *,
    owner_id: UUID,
    event: str,
    key: str,
    subject: str,
    text: str,
    data: dict[str, Any],
    channels: Iterable[UserChannel] = (),
) -> Alert:
    """Tell a user of an event: in the app always, and through the channels of matching rules.

    Call it inside the transaction that made the event. The same `key` is told once, however often
    it is reported.

    Parameters
    ----------
    owner_id : UUID
        Whom to tell.
    event : str
        One of `notifications.events.EVENTS`.
    key : str
        Unique per event of the user, such as ``"run.completed:<id>"``.
    subject, text : str
        One line, and the rest.
    data : dict
        Plain JSON; rules filter on it.
    channels : iterable of UserChannel
        Where it goes whatever the rules say.
    """
    alert, created = alert_create(
        owner_id=owner_id, event=event, key=key, subject=subject, text=text, data=data
    )
    if not created:
        return alert
    rules = AlertRule.objects.filter(owner_id=owner_id, event=event, enabled=True, symbol="")
    # In one order everywhere: two transactions that note a cool-down wait for each other once.
    ordered = rules.order_by("id")
    fired = [rule for rule in ordered if filters_match(rule.filters, data) and rule_fire(rule)]
    alert_tell(alert=alert, rules=fired, channels=channels)
    return alert


def alert_create(
    *, owner_id: UUID, event: str, key: str, subject: str, text: str, data: dict[str, Any]
) -> tuple[Alert, bool]:
    """Write an alert, unless the same was written before; return whether it is new."""
    return Alert.objects.get_or_create(
        owner_id=owner_id,
        key=key,
        defaults={
            "event": event,
            "subject": subject_line(subject),
            "text": text,
            "data": data,
        },
    )


def subject_line(subject: str) -> str:
    """Return a subject as it is kept: one line, and no longer than there is room for."""
    return " ".join(subject.split())[:SUBJECT_LENGTH]


def rule_tell(rule: AlertRule, *, symbol: str, at: str, text: str, data: dict[str, Any]) -> bool:
    """Tell that a rule's own condition on the market is met; return whether it is new.

    Parameters
    ----------
    at : str
        When, the same each time it is reported: it is told once.
    data : dict
        As `event_notify` has it; what the rule says is added.
    """
    known = {**data, "rule_id": str(rule.id), "condition": rule.condition}
    if not filters_match(rule.filters, known):
        return False
    alert, created = alert_create(
        owner_id=rule.owner_id,
        event=rule.event,
        key=f"{rule.event}:{rule.id}:{at}",
        subject=f"{symbol}: {rule.name or EVENTS[rule.event].title}",
        text=text,
        data=known,
    )
    if created:
        alert_tell(alert=alert, rules=[rule] if rule_fire(rule) else [])
    return created


def rule_fire(rule: AlertRule) -> bool:
    """Tell whether a rule may tell again, and note that it does; of two at once one may."""
    if not rule.cooldown_s:
        return True
    now = timezone.now()
    cool = Q(last_fired_at=None) | Q(last_fired_at__lte=now - timedelta(seconds=rule.cooldown_s))
    return claim(AlertRule.objects.filter(cool, id=rule.id), last_fired_at=now)


def alert_tell(
    *,
    alert: Alert,
    rules: Iterable[AlertRule] = (),
    channels: Iterable[UserChannel] = (),
    urgent: bool = False,
) -> None:
    """Tell a new alert in the app, and queue it for the channels of rules and for others.

    A channel gets it once, by whichever way it comes; urgently if any of the rules is urgent.
    """
    rows = list(rules)
    hasty = {rule.id for rule in rows if rule.urgent}
    found = {channel.id: (channel, urgent) for channel in channels}
    reached = UserChannel.rules.through.objects.filter(alertrule__in=[rule.id for rule in rows])
    for link in reached.select_related("userchannel") if rows else ():
        channel = link.userchannel
        _, before = found.get(channel.id, (channel, urgent))
        found[channel.id] = (channel, before or link.alertrule_id in hasty)
    ready = [
        (channel, hurry)
        for channel, hurry in found.values()
        if channel.enabled and channel.verified_at is not None and channel.kind != IN_APP
    ]
    outside = _deliveries(alert, ready)
    Delivery.objects.bulk_create([_told_in_app(alert), *outside])
    for delivery in outside:
        task_enqueue(task=SEND_TASK, args=[str(delivery.id)], queue="alerts")


def _deliveries(alert: Alert, channels: list[tuple[UserChannel, bool]]) -> list[Delivery]:
    if not channels:
        return []
    zone = User.objects.values_list("time_zone", flat=True).get(id=alert.owner_id)
    now = timezone.now()
    made = []
    for channel, urgent in channels:
        due_at, held = hold_of(channel, zone=zone, now=now, urgent=urgent)
        made.append(
            Delivery(
                alert=alert,
                channel=channel,
                kind=channel.kind,
                recipient=channel.address,
                urgent=urgent,
                due_at=due_at,
                held=held,
            )
        )
    return made


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
