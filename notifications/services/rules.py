"""Rules of a user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.accounts.models import User
from core.errors import Conflict, Detail, InvalidInput
from notifications.events import EVENTS
from notifications.market_rules import market_bind
from notifications.matching import filters_check
from notifications.models import AlertRule, UserChannel

MAX_RULES: Final = 500
# A change of one of these is a new condition: what was seen before counts no more.
MARKET_FIELDS: Final = ("symbol", "interval", "condition")


@transaction.atomic
def rule_create(
    *, owner_id: UUID, event: str, channels: Iterable[UserChannel], **fields: Any
) -> AlertRule:
    """Add a rule.

    Rules on the market take `symbol`, `interval` and `condition` (`notifications.market_rules`),
    and tell of bars that close from now on.
    """
    filters_check(event, fields.get("filters", {}))
    User.objects.select_for_update().only("id").get(id=owner_id)
    if AlertRule.objects.filter(owner_id=owner_id).count() >= MAX_RULES:
        raise Conflict(f"You have {MAX_RULES} rules already: delete one first.")
    rule = AlertRule(owner_id=owner_id, event=event, **fields)
    _market_settle(rule)
    rule.save()
    rule.channels.set(channels)
    return rule


@transaction.atomic
def rule_update(
    *, rule: AlertRule, channels: Iterable[UserChannel] | None = None, **changes: Any
) -> AlertRule:
    """Change a rule; `channels` replaces all of them.

    One that watches the market begins anew when its condition changes, or when it is enabled again:
    what passed meanwhile is no news.
    """
    row = AlertRule.objects.select_for_update(of=("self",)).get(id=rule.id)
    was_enabled, was_event = row.enabled, row.event
    for name, value in changes.items():
        setattr(row, name, value)
    filters_check(row.event, row.filters)
    again = row.enabled and not was_enabled
    if again or row.event != was_event or any(name in changes for name in MARKET_FIELDS):
        _market_settle(row)
    if changes.get("enabled"):
        row.disabled_reason = ""
    row.updated_at = timezone.now()
    row.save()
    if channels is not None:
        row.channels.set(channels)
    return row


def _market_settle(rule: AlertRule) -> None:
    """Check and pin what a rule watches; one on events of others watches nothing."""
    if EVENTS[rule.event].market:
        market_bind(rule)
        return
    given = [name for name in MARKET_FIELDS if getattr(rule, name)]
    if given:
        message = f"{rule.event} is no event of the market: leave {', '.join(given)} out."
        raise InvalidInput(message, details=[Detail(given[0], "unexpected", message)])
    rule.strategy_version, rule.seen_until, rule.seen_hash = None, None, ""
