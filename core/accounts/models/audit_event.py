"""What was done to an account: written once, never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.accounts.choices import action_choices
from core.db import uuid7


class AuditEvent(models.Model):
    """One thing that happened to an account, and where it was asked from.

    The owner is null where nobody has the email that was tried, and after the account was deleted:
    the event stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    action = models.CharField(max_length=40, choices=action_choices)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # the history of one account, newest first
            models.Index(fields=["owner", "-created_at"], name="audit_owner_created"),
            # the admin's list, by time
            models.Index(fields=["-created_at"], name="audit_created"),
        ]

    def __str__(self) -> str:
        return f"{self.action} at {self.created_at:%Y-%m-%d %H:%M:%S}"
