"""The words of this app that are fixed in the database."""

from __future__ import annotations

from django.db import models


class RunStatus(models.TextChoices):
    """Where a run is in its life; `transitions` says who may follow whom."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    # The user's input: another strategy, range or configuration may work.
    FAILED = "failed"
    # Our fault: the same run may work once we have repaired it.
    ERRORED = "errored"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)
RETRYABLE = (RunStatus.FAILED, RunStatus.ERRORED, RunStatus.CANCELED, RunStatus.TIMED_OUT)


class Side(models.TextChoices):
    """The side of a trade."""

    LONG = "long"
    SHORT = "short"


class Right(models.TextChoices):
    """What the holder of an option may do."""

    CALL = "call"
    PUT = "put"


class ExitReason(models.TextChoices):
    """Why a trade ended, in the words of `core.engine.result.ExitReason`; then of options alone."""

    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    REVERSAL = "reversal"
    END = "end"
    LIQUIDATION = "liquidation"
    RUIN = "ruin"
    TRAILING_STOP = "trailing_stop"
    TIME_STOP = "time_stop"
    ROTATION = "rotation"
    SPLIT = "split"
    DAYS = "days"
    EXPIRED = "expired"
    ASSIGNED = "assigned"
    EXERCISED = "exercised"
    SETTLED = "settled"
