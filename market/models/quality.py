"""What is known of how good bars are."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel
from market.choices import Severity
from market.models.series import BarSeries


class QuarantinedBar(BaseModel):
    """A row of a delivery that cannot be a bar: kept as it came, with the reason, and never read.

    A later delivery of the same time takes its place or confirms it.
    """

    series = models.ForeignKey(
        BarSeries, on_delete=models.CASCADE, related_name="quarantine", db_index=False
    )
    # Nanoseconds UTC, as given: it may be no time that a calendar knows.
    ts = models.BigIntegerField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()
    code = models.CharField(max_length=30)
    message = models.CharField(max_length=300)

    class Meta:
        constraints = [
            # also serves the list of a series by time
            models.UniqueConstraint(
                fields=["series", "ts", "code", "close"], name="quarantinedbar_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} at {self.ts}"


class QualityReport(BaseModel):
    """What the checks found in bars with a certain hash; the same bars have the same report."""

    series = models.ForeignKey(
        BarSeries, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    content_hash = models.CharField(max_length=64)
    # The worst of the findings.
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.OK)
    rows = models.PositiveBigIntegerField()
    quarantined = models.PositiveIntegerField(default=0)
    # How many of each kind, and the first ones of each with their places.
    counts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            # also serves the read of a report by series and hash
            models.UniqueConstraint(fields=["series", "content_hash"], name="qualityreport_hash"),
            models.CheckConstraint(
                condition=models.Q(severity__in=Severity.values), name="qualityreport_severity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.severity} ({self.content_hash[:12]})"
