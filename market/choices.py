"""Fixed choices of the market's rows."""

from __future__ import annotations

from django.db import models


class AssetClass(models.TextChoices):
    """What kind of thing is traded."""

    EQUITY = "equity"
    FOREX = "forex"
    CRYPTO = "crypto"
    OPTION = "option"


class FetchStatus(models.TextChoices):
    """The life of a download."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    # The provider or the request is at fault: changing one of them may help.
    FAILED = "failed"
    # We are at fault.
    ERRORED = "errored"


FETCH_FINAL = frozenset({FetchStatus.COMPLETED, FetchStatus.FAILED, FetchStatus.ERRORED})
