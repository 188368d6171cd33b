"""Fixed words of the app, and the kinds of channel and event."""

from __future__ import annotations

from django.db import models


class DeliveryStatus(models.TextChoices):
    """Where a delivery is. `unknown` means it may have arrived: it is not sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


SEND_TASK = "notifications.delivery_send"

# What rules may watch: name -> title. Adding one needs no migration.
EVENTS: dict[str, str] = {
    "run.completed": "A backtest has completed",
    "run.failed": "A backtest has failed",
    "order.filled": "An order was filled",
    "order.rejected": "An order was rejected",
    "order.unknown": "The outcome of an order is unknown",
    "alert.manual": "An alert was sent by hand",
}


def event_choices() -> list[tuple[str, str]]:
    """Return the events a rule may watch."""
    return list(EVENTS.items())
