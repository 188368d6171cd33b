"""Fixed choices of the market's rows."""

from __future__ import annotations

from django.db import models


class AssetClass(models.TextChoices):
    """What kind of thing is traded."""

    EQUITY = "equity"
    FOREX = "forex"
    CRYPTO = "crypto"
    OPTION = "option"


class Adjustment(models.TextChoices):
    """What of splits and dividends is in the prices that are read."""

    # Splits and dividends: a chart without jumps, and returns with dividends reinvested.
    ALL = "all"
    # Splits alone: prices as traded, in the units of today.
    SPLITS = "splits"
    # As traded on the day.
    RAW = "raw"


class FetchStatus(models.TextChoices):
    """The life of a download."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    # The provider or the request is at fault: changing one of them may help.
    FAILED = "failed"
    # We are at fault.
    ERRORED = "errored"
    # The user wants it no more.
    CANCELED = "canceled"


FETCH_FINAL = frozenset(
    {FetchStatus.COMPLETED, FetchStatus.FAILED, FetchStatus.ERRORED, FetchStatus.CANCELED}
)


class Severity(models.TextChoices):
    """How much a finding in bars matters."""

    OK = "ok"
    # Worth knowing: a holiday that the calendar lacks, a day without volume.
    NOTE = "note"
    # A result may rest on it.
    WARNING = "warning"
    # A result most likely does.
    ERROR = "error"


class QualityPolicy(models.TextChoices):
    """What a run does with findings."""

    # Do not run on bars with errors.
    REFUSE = "refuse"
    WARN = "warn"
    ACCEPT = "accept"
