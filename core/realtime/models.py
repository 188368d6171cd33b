"""What happened, in the order in which it happened to each user."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.db import BaseModel


class EventSequence(models.Model):
    """The last number given to an event of a user; its row lock puts the events in order."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    last_seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.last_seq}"


class Event(BaseModel):
    """One frame of the WebSocket, kept so that a client that was away can catch up."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    seq = models.BigIntegerField()
    topic = models.CharField(max_length=100)
    type = models.CharField(max_length=50)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [
            # also serves the replay: events of a user after a number, in order
            models.UniqueConstraint(fields=["user", "seq"], name="event_user_seq"),
        ]
        indexes = [
            # prune: everything older than the retention
            models.Index(fields=["created_at"], name="event_created"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.type} #{self.seq}"


class Ticket(BaseModel):
    """A one-time pass to the WebSocket; only its hash is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ticket of {self.user_id}"
