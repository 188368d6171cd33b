"""A download from a provider, as a job."""

from __future__ import annotations

from django.db import models

from market.choices import FetchStatus
from market.intervals import interval_choices
from market.models.job import BarsJob


class Fetch(BarsJob):
    """Bars somebody asked a provider for."""

    # A name of market.providers.kinds.PROVIDERS, which a variant may follow: "ccxt:kraken".
    provider = models.CharField(max_length=60)
    symbol = models.CharField(max_length=20)
    interval = models.CharField(max_length=4, choices=interval_choices)
    # None: as far back as the provider goes.
    start = models.DateField(null=True, blank=True)
    # None: up to now.
    end = models.DateField(null=True, blank=True)
    # Take the place of what is stored instead of merging into it.
    replace = models.BooleanField(default=False)
    # How often the provider sent it away for now.
    deferrals = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "fetches"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=FetchStatus.values), name="fetch_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(progress__gte=0, progress__lte=1), name="fetch_progress_fraction"
            ),
        ]
        indexes = [
            # the list of a user, newest first
            models.Index(fields=["owner", "-created_at"], name="fetch_owner_created"),
            # the sweeper: unfinished work, oldest first
            models.Index(
                fields=["updated_at"],
                name="fetch_unfinished",
                condition=models.Q(status__in=[FetchStatus.QUEUED, FetchStatus.RUNNING]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval} from {self.provider}: {self.status}"
