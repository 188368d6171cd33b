"""The catalogue of the bar store."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.db import BaseModel
from market.intervals import INTERVALS, interval_choices
from market.models.instrument import Instrument


class BarSeries(BaseModel):
    """The bars of an instrument at one interval from one source, as they are now.

    The bars lie in a file named by the hash of what it holds; a change writes another file and
    turns this row to it in one statement, so a reader sees the old bars or the new, never a
    mixture, and `BarSnapshot` still finds the old ones.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    instrument = models.ForeignKey(
        Instrument, on_delete=models.CASCADE, related_name="series", db_index=False
    )
    interval = models.CharField(max_length=4, choices=interval_choices)
    # A name of market.providers.kinds.PROVIDERS.
    provider = models.CharField(max_length=60)
    # Whether the provider tells splits and dividends, so that prices can be read adjusted.
    adjusted = models.BooleanField(default=False)
    rows = models.PositiveBigIntegerField(default=0)
    first_ts = models.DateTimeField()
    last_ts = models.DateTimeField()
    # Raw close of the last bar: the latest price, without opening the file.
    last_close = models.FloatField()
    content_hash = models.CharField(max_length=64)
    path = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "bar series"
        constraints = [
            # also serves every read of bars: the series of an instrument at an interval
            models.UniqueConstraint(
                fields=["instrument", "interval", "provider", "owner"],
                name="barseries_source",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(interval__in=list(INTERVALS)), name="barseries_interval_known"
            ),
            models.CheckConstraint(
                condition=models.Q(rows__gt=0, first_ts__lte=models.F("last_ts")),
                name="barseries_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument.symbol} {self.interval} ({self.provider})"


class BarSnapshot(BaseModel):
    """Bars as a series once held them: what a run that names the hash can always read again."""

    series = models.ForeignKey(
        BarSeries, on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    content_hash = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    rows = models.PositiveBigIntegerField()
    first_ts = models.DateTimeField()
    last_ts = models.DateTimeField()

    class Meta:
        constraints = [
            # also serves the read of a snapshot by its hash
            models.UniqueConstraint(fields=["content_hash", "series"], name="barsnapshot_hash"),
        ]
        indexes = [
            # the history of a series, newest first
            models.Index(fields=["series", "-created_at"], name="barsnapshot_series"),
        ]

    def __str__(self) -> str:
        return f"{self.content_hash[:12]} ({self.rows} rows)"
