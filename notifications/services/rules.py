"""Rules and channels of a user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, Detail, InvalidInput
from notifications.channels.kinds import CHANNELS, kind_of
from notifications.events import EVENTS
from notifications.models import Alert, AlertRule, UserChannel
from notifications.services.alerts import alert_send

MAX_CHANNELS = 50
MAX_RULES = 500


def channel_create(*, owner_id: UUID, kind: str, address: str = "", name: str = "") -> UserChannel:
    """Add an address to reach the user at.

    `kind` may be "email" or "sms": the installation's own service for it is taken.
    """
    kind = kind_of(kind)
    if kind not in CHANNELS:
        kinds = ", ".join(CHANNELS.names())
        message = f"{kind!r} is no kind of channel: use email, sms or one of {kinds}."
        detail = Detail("kind", "invalid_choice", message, expected=CHANNELS.names(), received=kind)
        raise InvalidInput(message, details=[detail])
    channel = CHANNELS.get(kind)
    if not channel.is_configured():
        raise InvalidInput(
            f"This installation cannot send through {kind}: its operator has set no keys for it.",
            code="channel_not_configured",
        )
    address = str(owner_id) if kind == "in_app" else address.strip()
    if fault := channel.recipient_fault(address):
        detail = Detail("address", "invalid", f"{fault}.", received=address)
        raise InvalidInput(f"address: {fault}.", details=[detail])
    if UserChannel.objects.filter(owner_id=owner_id).count() >= MAX_CHANNELS:
        raise Conflict(f"You have {MAX_CHANNELS} channels already: delete one first.")
    row, created = UserChannel.objects.get_or_create(
        owner_id=owner_id, kind=kind, address=address, defaults={"name": name}
    )
    if not created:
        raise Conflict(f"You have this channel already: {row.id}.", code="channel_exists")
    return row


def channel_update(*, channel: UserChannel, **changes: Any) -> UserChannel:
    """Rename, enable or disable a channel; enabling it clears why it was disabled."""
    if changes.get("enabled"):
        changes["disabled_reason"] = ""
    UserChannel.objects.filter(id=channel.id).update(**changes)
    channel.refresh_from_db()
    return channel


def channel_test(*, channel: UserChannel) -> Alert:
    """Send a test through the channel."""
    return alert_send(
        owner_id=channel.owner_id,
        subject="Test alert",
        text="This channel works.",
        channels=[channel],
    )


@transaction.atomic
def rule_create(
    *, owner_id: UUID, event: str, channels: Iterable[UserChannel], **fields: Any
) -> AlertRule:
    """Add a rule."""
    _filters_check(event, fields.get("filters", {}))
    if AlertRule.objects.filter(owner_id=owner_id).count() >= MAX_RULES:
        raise Conflict(f"You have {MAX_RULES} rules already: delete one first.")
    rule = AlertRule.objects.create(owner_id=owner_id, event=event, **fields)
    rule.channels.set(channels)
    return rule


@transaction.atomic
def rule_update(
    *, rule: AlertRule, channels: Iterable[UserChannel] | None = None, **changes: Any
) -> AlertRule:
    """Change a rule; `channels` replaces all of them."""
    _filters_check(changes.get("event", rule.event), changes.get("filters", rule.filters))
    if changes:
        AlertRule.objects.filter(id=rule.id).update(**changes)
        rule.refresh_from_db()
    if channels is not None:
        rule.channels.set(channels)
    return rule


def _filters_check(event: str, filters: dict[str, Any]) -> None:
    """Refuse a filter that no event of this kind could ever meet."""
    known = EVENTS[event].filters
    faults = [
        Detail(
            f"filters.{name}",
            "unknown_filter",
            f"{event} has no {name!r}: filter on {', '.join(known) or 'nothing'}.",
            expected=list(known),
            received=name,
        )
        for name in filters
        if name not in known
    ]
    if faults:
        raise InvalidInput(faults[0].message, details=faults)
