"""What a user wants to be told."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from market.intervals import interval_choices
from notifications.choices import event_choices
from notifications.models.user_channel import UserChannel


class AlertRule(OwnedModel):
    """Tells of an event through channels.

    `filters` are on the event's data: ``{"ticker": "GOOG", "sharpe": {"gte": 1}}``; empty means
    all. A rule on the market has a `condition` on bars of its own, and is told of nobody's events
    but those that it makes.
    """

    name = models.CharField(max_length=100, blank=True)
    event = models.CharField(max_length=40, choices=event_choices)
    filters = models.JSONField(default=dict, blank=True)
    channels = models.ManyToManyField(UserChannel, related_name="rules", blank=True)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True)
    urgent = models.BooleanField(default=False)
    cooldown_s = models.PositiveIntegerField(default=0)
    last_fired_at = models.DateTimeField(null=True, blank=True)
    # Of a rule on the market: what is watched, and how far it has looked.
    symbol = models.CharField(max_length=20, blank=True)
    interval = models.CharField(max_length=4, choices=interval_choices, blank=True)
    condition = models.JSONField(default=dict, blank=True)
    strategy_version = models.ForeignKey(
        "strategies.StrategyVersion",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
    )
    seen_hash = models.CharField(max_length=64, blank=True)
    seen_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # the rules that an event of a user may meet
            models.Index(fields=["owner", "event"], name="rule_owner_event"),
            # the watch: rules on the market
            models.Index(
                fields=["symbol", "interval"],
                name="rule_market",
                condition=models.Q(enabled=True) & ~models.Q(symbol=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.event
