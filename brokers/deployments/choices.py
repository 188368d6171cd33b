"""Fixed words of deployments, and how their state may change."""

from __future__ import annotations

from django.db import models


class DeploymentState(models.TextChoices):
    """Where a deployment is in its life."""

    INACTIVE = "inactive"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


S = DeploymentState
ALLOWED = frozenset(
    {
        (S.INACTIVE, S.STARTING),
        (S.STARTING, S.RUNNING),
        (S.STARTING, S.FAILED),
        (S.STARTING, S.STOPPING),
        (S.RUNNING, S.PAUSED),
        (S.RUNNING, S.STOPPING),
        (S.RUNNING, S.FAILED),
        (S.PAUSED, S.RUNNING),
        (S.PAUSED, S.STOPPING),
        (S.PAUSED, S.FAILED),
        (S.STOPPING, S.STOPPED),
        (S.FAILED, S.STOPPING),  # what it holds can still be closed
        (S.STOPPED, S.STARTING),
    }
)
# Those that may trade.
ACTIVE = (S.RUNNING, S.PAUSED)
# Those that news of orders still moves: what failed decides nothing, and stays guarded.
FOLLOWED = (*ACTIVE, S.FAILED)


class TickStatus(models.TextChoices):
    """What became of a bar."""

    DECIDED = "decided"
    LATE = "late"  # the next bar was over before it came: seen, not acted on
    MISSED = "missed"  # passed while nobody looked
    PAUSED = "paused"
    FAILED = "failed"


class BookKind(models.TextChoices):
    """What a row of the book is."""

    ENTRY = "entry"
    EXIT = "exit"
    GUARD = "guard"
    ENDED = "ended"  # the order waits no longer
    LAPSED = "lapsed"  # a guard or an exit came to nothing: nothing is decided by it
    LEG_OPEN = "leg_open"  # of an option position
    LEG_CLOSE = "leg_close"
    LEG_END = "leg_end"  # an order of a leg ended without all of its contracts
    SETTLED = "settled"  # contracts that are over
    DELIVERY = "delivery"  # shares that came or went for them
    FEE = "fee"  # the commission of a fill, told after that was booked
