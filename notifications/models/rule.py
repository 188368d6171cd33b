"""What a user wants to be told."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from notifications.choices import event_choices
from notifications.models.user_channel import UserChannel


class AlertRule(OwnedModel):
    """Tells of an event through channels.

    `filters` are equalities on the event's data: ``{"ticker": "GOOG"}``; empty means all.
    """

    name = models.CharField(max_length=100, blank=True)
    event = models.CharField(max_length=40, choices=event_choices)
    filters = models.JSONField(default=dict, blank=True)
    channels = models.ManyToManyField(UserChannel, related_name="rules", blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        indexes = [
            # the rules that an event of a user may meet
            models.Index(fields=["owner", "event"], name="rule_owner_event"),
        ]

    def __str__(self) -> str:
        return self.name or self.event
