"""Work that was decided together with a change of state and must reach a worker."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel


class OutboxMessage(BaseModel):
    """A task to send. The row is deleted once the broker has the message."""

    task = models.CharField(max_length=100)
    args = models.JSONField(default=list)
    queue = models.CharField(max_length=30)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            # the relay: oldest first
            models.Index(fields=["created_at"], name="outbox_created"),
        ]

    def __str__(self) -> str:
        return f"{self.task}{tuple(self.args)}"
