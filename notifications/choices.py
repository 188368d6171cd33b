"""Fixed words of the app, and the kinds of channel and event."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class DeliveryStatus(models.TextChoices):
    """Where a delivery is. `unknown` means it may have arrived: it is not sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


SEND_TASK = "notifications.delivery_send"


@dataclass(frozen=True, slots=True)
class EventKind:
    """Something that a user can be told of.

    Attributes
    ----------
    title : str
        For people.
    filters : tuple of str
        What of the event's data a rule may ask to be equal to.
    """

    title: str
    filters: tuple[str, ...] = ()


RUN_FILTERS = ("ticker", "interval", "strategy_id", "status")
ORDER_FILTERS = ("ticker", "side", "strategy_id", "status")

# Adding one needs no migration.
EVENTS: dict[str, EventKind] = {
    "run.completed": EventKind("A backtest has completed", RUN_FILTERS),
    "run.failed": EventKind("A backtest has failed", RUN_FILTERS),
    "order.filled": EventKind("An order was filled", ORDER_FILTERS),
    "order.rejected": EventKind("An order was rejected", ORDER_FILTERS),
    "order.unknown": EventKind("The outcome of an order is unknown", ORDER_FILTERS),
    "alert.manual": EventKind("An alert was sent by hand"),
}


def event_choices() -> list[tuple[str, str]]:
    """Return the events with their titles."""
    return [(name, kind.title) for name, kind in EVENTS.items()]
