"""Telling many users of events of one transaction, in as few statements as one takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.realtime.publishing import News, news_publish
from notifications.choices import DeliveryStatus
from notifications.models import Alert, AlertRule, Delivery
from notifications.telling import IN_APP, event_notify, subject_line


@dataclass(frozen=True, slots=True)
class Telling:
    """What a user is told of; the arguments of `event_notify`."""

    owner_id: UUID
    event: str
    key: str
    subject: str
    text: str
    data: dict[str, Any]


def events_wanted(asked: Iterable[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Return of users and events those on which the user has a rule."""
    pairs = set(asked)
    if not pairs:
        return set()
    rules = AlertRule.objects.filter(
        owner_id__in={owner_id for owner_id, _ in pairs},
        event__in={event for _, event in pairs},
        enabled=True,
    )
    return pairs & set(rules.values_list("owner_id", "event"))


def events_notify(told: Sequence[Telling]) -> None:
    """Tell users of events, as `event_notify` does one by one.

    Call it inside the transaction that made them. Who has no rule on an event is told in the app
    only, and of many at once that is written together.
    """
    if not told:
        return
    ruled = set() if len(told) == 1 else events_wanted((one.owner_id, one.event) for one in told)
    together = [one for one in told if len(told) > 1 and (one.owner_id, one.event) not in ruled]
    _in_app(together)
    for one in told:
        if len(told) == 1 or (one.owner_id, one.event) in ruled:
            event_notify(**_fields(one))


def _fields(one: Telling) -> dict[str, Any]:
    """Return the fields as they are; `asdict` would copy all the data."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _in_app(told: Sequence[Telling]) -> None:
    """Write alerts that only the app shows, and tell the open sockets."""
    if not told:
        return
    rows = [Alert(**_fields(one) | {"subject": subject_line(one.subject)}) for one in told]
    Alert.objects.bulk_create(rows, ignore_conflicts=True)
    # One that was told before is there under another id.
    kept = set(Alert.objects.filter(id__in=[row.id for row in rows]).values_list("id", flat=True))
    alerts = [row for row in rows if row.id in kept]
    events = news_publish([_news(alert) for alert in alerts])
    now = timezone.now()
    Delivery.objects.bulk_create(
        [
            Delivery(
                alert=alert,
                kind=IN_APP,
                recipient=str(alert.owner_id),
                status=DeliveryStatus.SENT,
                attempts=1,
                service_id=str(event.seq),
                due_at=now,
                sent_at=now,
            )
            for alert, event in zip(alerts, events, strict=True)
        ]
    )


def _news(alert: Alert) -> News:
    data = {"id": str(alert.id), "subject": alert.subject, "text": alert.text}
    return News(alert.owner_id, "alerts", "alert", data)
