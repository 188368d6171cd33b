"""Bars that are kept up to date without anybody asking again."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from market.intervals import INTERVALS, interval_choices
from market.models.fetch import Fetch


class Watch(OwnedModel):
    """A series that is downloaded again and again, from where it ends."""

    provider = models.CharField(max_length=60)
    symbol = models.CharField(max_length=20)
    interval = models.CharField(max_length=4, choices=interval_choices)
    # How far back the first download reaches; None: as far as the provider goes.
    start = models.DateField(null=True, blank=True)
    # None: as its bars close.
    every_s = models.PositiveIntegerField(null=True, blank=True)
    active = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    # The last download it made.
    fetch = models.ForeignKey(
        Fetch, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "watches"
        constraints = [
            # also serves the list of a user
            models.UniqueConstraint(
                fields=["owner", "symbol", "interval", "provider"], name="watch_series"
            ),
            models.CheckConstraint(
                condition=models.Q(interval__in=list(INTERVALS)), name="watch_interval_known"
            ),
            models.CheckConstraint(condition=models.Q(every_s__gte=60), name="watch_not_too_often"),
        ]
        indexes = [
            # the refresher: what is due, most overdue first
            models.Index(fields=["next_at"], name="watch_due", condition=models.Q(active=True)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval} from {self.provider}"
