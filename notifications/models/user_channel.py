"""Where a user wants to be reached."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from notifications.channels.kinds import kind_choices


class UserChannel(OwnedModel):
    """An address of a user at one kind of channel.

    A channel that refused for good is disabled, with the reason, until its owner mends it.
    """

    kind = models.CharField(max_length=40, choices=kind_choices)
    name = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=320)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            # also serves the list of a user's channels
            models.UniqueConstraint(
                fields=["owner", "kind", "address"], name="channel_owner_kind_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"
