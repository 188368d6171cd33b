from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from core.errors import InvalidInput, NotFound
from notifications.channels.kinds import kind_of
from notifications.models import Alert, AlertRule, Delivery, UserChannel


def alert_list(*, owner_id: UUID) -> QuerySet[Alert]:
    """Return the user's alerts with their deliveries."""
    deliveries = Prefetch("deliveries", queryset=Delivery.objects.order_by("created_at"))
    return Alert.objects.filter(owner_id=owner_id).prefetch_related(deliveries)


def alert_get(*, owner_id: UUID, alert_id: str) -> Alert:
    """Return one alert of the user."""
    alert = alert_list(owner_id=owner_id).filter(id=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def channel_list(*, owner_id: UUID) -> QuerySet[UserChannel]:
    """Return the user's channels."""
    return UserChannel.objects.filter(owner_id=owner_id)


def channel_get(*, owner_id: UUID, channel_id: str) -> UserChannel:
    """Return one channel of the user."""
    channel = channel_list(owner_id=owner_id).filter(id=channel_id).first()
    if channel is None:
        raise NotFound("There is no such channel.")
    return channel


def channels_named(*, owner_id: UUID, words: Sequence[str]) -> list[UserChannel]:
    """Return the user's enabled channels that are meant by ids, kinds, "email" or "sms".

    Raises
    ------
    InvalidInput
        Naming the word that means none of them.
    """
    own = list(channel_list(owner_id=owner_id).filter(enabled=True))
    meant: dict[UUID, UserChannel] = {}
    for word in words:
        if word == "in_app":
            continue  # every alert is in the app
        found = [row for row in own if word == str(row.id) or kind_of(word) == row.kind]
        if not found:
            raise InvalidInput(
                f"You have no enabled channel {word!r}: add one with POST /api/v1/channels.",
                code="unknown_channel",
            )
        meant.update({row.id: row for row in found})
    return list(meant.values())


def rule_list(*, owner_id: UUID) -> QuerySet[AlertRule]:
    """Return the user's rules with their channels."""
    return AlertRule.objects.filter(owner_id=owner_id).prefetch_related("channels")


def rule_get(*, owner_id: UUID, rule_id: str) -> AlertRule:
    """Return one rule of the user."""
    rule = rule_list(owner_id=owner_id).filter(id=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    return rule
