"""What a user was told."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from notifications.choices import event_choices


class Alert(OwnedModel):
    """Something that happened, told once however often it is reported: `key` is unique."""

    event = models.CharField(max_length=40, choices=event_choices)
    key = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="alert_owner_key"),
        ]
        indexes = [
            # the history of a user, newest first
            models.Index(fields=["owner", "-created_at"], name="alert_owner_created"),
            # prune: everything older than the retention
            models.Index(fields=["created_at"], name="alert_created"),
        ]

    def __str__(self) -> str:
        return self.subject
