"""The first answer to each idempotency key."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.db import BaseModel


class IdempotencyKey(BaseModel):
    """A POST that was made with an `Idempotency-Key`, and the answer it got.

    `status_code` is null while the first request is still running.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=200)
    path = models.CharField(max_length=500)
    request_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_owner_key"),
        ]
        indexes = [
            # prune: everything older than a day
            models.Index(fields=["created_at"], name="idempotency_created"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.path}"
