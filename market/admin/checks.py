"""What the checks found."""

from __future__ import annotations

from typing import Final

from django.contrib import admin

from core.admin import ShownOnly, badge, indented
from market.models import (
    QualityReport,
    QuarantinedBar,
)

# Statuses whose colours severities have.
TONES: Final = {"warning": "failed", "error": "errored"}


@admin.register(QualityReport)
class QualityReportAdmin(ShownOnly, admin.ModelAdmin[QualityReport]):
    """What the checks found."""

    list_display = ("series", "worst", "what", "quarantined", "bar_count", "created_at")
    list_filter = ("severity", "series__provider", "series__interval")
    list_select_related = ("series__instrument",)
    search_fields = ("series__instrument__symbol", "content_hash")
    date_hierarchy = "created_at"
    fields = (
        "series", ("worst", "rows", "quarantined"), "counts", "findings_",
        ("content_hash", "version"),
    )  # fmt: skip

    @admin.display(description="severity", ordering="severity")
    def worst(self, report: QualityReport) -> str:
        """Return the severity as a badge."""
        return badge(TONES.get(report.severity, report.severity), report.severity)

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, report: QualityReport) -> str:
        """Return of how many bars it is."""
        return f"{report.rows:,}"

    @admin.display(description="findings")
    def what(self, report: QualityReport) -> str:
        """Return how many findings of which kind."""
        return ", ".join(f"{code} {count}" for code, count in report.counts.items()) or "none"

    @admin.display(description="findings")
    def findings_(self, report: QualityReport) -> str:
        """Return the findings one by one."""
        return indented(report.findings)


@admin.register(QuarantinedBar)
class QuarantinedBarAdmin(ShownOnly, admin.ModelAdmin[QuarantinedBar]):
    """Rows that could not be bars."""

    list_display = ("series", "ts", "code", "open", "high", "low", "close", "volume", "created_at")
    list_filter = ("code", "series__provider", "series__interval")
    list_select_related = ("series__instrument",)
    search_fields = ("series__instrument__symbol",)
