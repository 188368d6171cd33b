"""Rules of a user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import Conflict
from notifications.matching import filters_check
from notifications.models import AlertRule, UserChannel

MAX_RULES = 500


@transaction.atomic
def rule_create(
    *, owner_id: UUID, event: str, channels: Iterable[UserChannel], **fields: Any
) -> AlertRule:
    """Add a rule."""
    filters_check(event, fields.get("filters", {}))
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
    filters_check(changes.get("event", rule.event), changes.get("filters", rule.filters))
    if changes:
        AlertRule.objects.filter(id=rule.id).update(**changes)
        rule.refresh_from_db()
    if channels is not None:
        rule.channels.set(channels)
    return rule
