"""Fixed words of the app."""

from __future__ import annotations

from django.db import models

from notifications.events import EVENTS


class DeliveryStatus(models.TextChoices):
    """Where a delivery is. `unknown` means it may have arrived: it is not sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Hold(models.TextChoices):
    """Why a queued delivery waits, other than for its turn."""

    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"


SEND_TASK = "notifications.delivery_send"
CODE_TASK = "notifications.code_send"
EVALUATE_TASK = "notifications.rule_evaluate"


def event_choices() -> list[tuple[str, str]]:
    """Return the events with their titles; a function, so that a new one needs no migration."""
    return [(name, kind.title) for name, kind in EVENTS.items()]
