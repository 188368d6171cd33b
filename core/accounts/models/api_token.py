"""Personal API tokens: keys for programs, with less power than their owner."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.accounts.choices import scope_choices
from core.db import OwnedModel


class ApiToken(OwnedModel):
    """A long-lived key. Only its hash is kept; the key itself is shown once, when it is made."""

    name = models.CharField(max_length=100)
    # The first characters, by which its owner recognises it.
    prefix = models.CharField(max_length=12)
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=scope_choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # the owner's list, newest first
            models.Index(fields=["owner", "-created_at"], name="api_token_owner_created"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
