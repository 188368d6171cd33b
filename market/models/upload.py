"""A file that somebody brings, as a job."""

from __future__ import annotations

from django.db import models

from market.choices import FetchStatus
from market.intervals import interval_choices
from market.models.job import BarsJob


class Import(BarsJob):
    """A file of bars: kept beside the store until it is read, then gone."""

    filename = models.CharField(max_length=200)
    path = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    symbol = models.CharField(max_length=20)
    interval = models.CharField(max_length=4, choices=interval_choices)
    # What else `bars_import` is told: columns, date_format, asset_class, replace, ...
    options = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=FetchStatus.values), name="import_status_known"
            ),
        ]
        indexes = [
            # the list of a user, newest first
            models.Index(fields=["owner", "-created_at"], name="import_owner_created"),
            # the sweeper: unfinished work, oldest first
            models.Index(
                fields=["updated_at"],
                name="import_unfinished",
                condition=models.Q(status__in=[FetchStatus.QUEUED, FetchStatus.RUNNING]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename}: {self.status}"
