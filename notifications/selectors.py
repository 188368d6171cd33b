from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from core.errors import Detail, InvalidInput, NotFound
from notifications.channels.kinds import kind_of
from notifications.models import Alert, AlertRule, Delivery, UserChannel

IN_APP = "in_app"


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


def unread_count(*, owner_id: UUID) -> int:
    """Return how many alerts the user has not read."""
    return Alert.objects.filter(owner_id=owner_id, read_at=None).count()


def channel_list(*, owner_id: UUID) -> QuerySet[UserChannel]:
    """Return the user's channels."""
    return UserChannel.objects.filter(owner_id=owner_id)


def channel_get(*, owner_id: UUID, channel_id: str) -> UserChannel:
    """Return one channel of the user."""
    channel = channel_list(owner_id=owner_id).filter(id=channel_id).first()
    if channel is None:
        raise NotFound("There is no such channel.")
    return channel


def channels_named(
    *, owner_id: UUID, words: Sequence[str], ready: bool = False
) -> list[UserChannel]:
    """Return the user's channels that are meant by ids, kinds, "email" or "sms".

    Parameters
    ----------
    ready : bool
        Take only those that something can be sent through now: enabled and verified.

    Raises
    ------
    InvalidInput
        Naming the word that means none of them.
    """
    own = list(channel_list(owner_id=owner_id).filter(enabled=True))
    meant: dict[UUID, UserChannel] = {}
    for index, word in enumerate(words):
        if word == IN_APP:
            continue  # every alert is in the app
        found = _meant(own, word)
        proven = [row for row in found if row.verified_at is not None or not ready]
        if not proven:
            raise _channel_missing(index, word, unproven=found)
        meant.update({row.id: row for row in proven})
    return list(meant.values())


def channels_found(*, owner_id: UUID, words: Sequence[str]) -> list[UserChannel]:
    """Return the user's channels that are meant by words, passing over words that mean none."""
    own = list(channel_list(owner_id=owner_id).filter(enabled=True)) if words else []
    return list({row.id: row for word in words for row in _meant(own, word)}.values())


def _meant(own: Sequence[UserChannel], word: str) -> list[UserChannel]:
    return [row for row in own if word == str(row.id) or kind_of(word) == row.kind]


def _channel_missing(index: int, word: str, *, unproven: Sequence[UserChannel]) -> InvalidInput:
    if unproven:
        code = "channel_not_verified"
        message = (
            f"Nobody has proven that {unproven[0].address} is theirs: POST the code that was sent "
            f"there to /api/v1/channels/{unproven[0].id}/verify."
        )
    else:
        code = "unknown_channel"
        message = f"You have no enabled channel {word!r}: add one with POST /api/v1/channels."
    detail = Detail(f"channels[{index}]", code, message, received=word)
    return InvalidInput(message, code=code, details=[detail])


def rule_list(*, owner_id: UUID) -> QuerySet[AlertRule]:
    """Return the user's rules with their channels."""
    return AlertRule.objects.filter(owner_id=owner_id).prefetch_related("channels")


def rule_get(*, owner_id: UUID, rule_id: str) -> AlertRule:
    """Return one rule of the user."""
    rule = rule_list(owner_id=owner_id).filter(id=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    return rule
