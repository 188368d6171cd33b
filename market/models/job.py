"""What downloads and imports have in common: both are jobs that end with bars."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel
from market.choices import FetchStatus
from market.models.series import BarSeries


class BarsJob(OwnedModel):
    """Work that brings bars, and how far it is."""

    status = models.CharField(
        max_length=10, choices=FetchStatus.choices, default=FetchStatus.QUEUED
    )
    progress = models.FloatField(default=0.0)
    # In words: what it does, or what it waits for.
    stage = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    series = models.ForeignKey(
        BarSeries, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    error_details = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
