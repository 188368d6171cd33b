"""What services have told already."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel


class ToldEvent(BaseModel):
    """An event of a service that was taken; it tells some twice."""

    kind = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "event_id"], name="told_event_once"),
        ]
        indexes = [
            # prune: what no service tells any more
            models.Index(fields=["created_at"], name="told_event_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
