"""Where a user wants to be reached."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from notifications.channels.kinds import kind_choices


class UserChannel(OwnedModel):
    """An address of a user at one kind of channel.

    A channel that refused for good is disabled, with the reason, until its owner mends it. Nothing
    but the code that proves the address goes to a channel before `verified_at`.
    """

    kind = models.CharField(max_length=40, choices=kind_choices)
    name = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=320)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    # Of the code that was sent last; the code itself is in the message only.
    code_hash = models.CharField(max_length=128, blank=True)
    code_expires_at = models.DateTimeField(null=True, blank=True)
    code_sent_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    # Sealed (`core.sealing`): what signs or opens the channel, and what did before it.
    secrets = models.BinaryField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    # In the owner's time zone; from after until means over midnight.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    # 0 sends each alert on its own.
    digest_minutes = models.PositiveSmallIntegerField(default=0)
    # Null is the kind's own.
    rate_per_min = models.PositiveSmallIntegerField(null=True, blank=True)
    # Failures in a row, and until when nothing is tried: after them, or while the rate is used up.
    failures = models.PositiveSmallIntegerField(default=0)
    resume_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # also serves the list of a user's channels
            models.UniqueConstraint(
                fields=["owner", "kind", "address"], name="channel_owner_kind_address"
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_from=None, quiet_until=None)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="channel_quiet_hours_both",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"
