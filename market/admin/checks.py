"""What the checks found."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from core.admin import EMPTY, ShownOnly, badge, column
from market.models import (
    QualityReport,
    QuarantinedBar,
)

# Statuses whose colours severities have.
TONES: Final = {"warning": "failed", "error": "errored"}


def _severity(name: str) -> str:
    """Return a severity as a badge."""
    return badge(TONES.get(name, name), name)


@admin.register(QualityReport)
class QualityReportAdmin(ShownOnly, admin.ModelAdmin[QualityReport]):
    """What the checks found."""

    list_display = ("series", "worst", "what", "quarantined", "bar_count", "created_at")
    list_filter = ("severity", "series__provider", "series__interval")
    list_select_related = ("series__instrument",)
    search_fields = ("series__instrument__symbol", "content_hash")
    date_hierarchy = "created_at"
    fields = (
        "series", ("worst", "bar_count", "quarantined"), "what", "findings_",
        ("content_hash", "version"),
    )  # fmt: skip

    worst = column("severity", _severity, ordering="severity")

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, report: QualityReport) -> str:
        """Return of how many bars it is."""
        return f"{report.rows:,}"

    @admin.display(description="found")
    def what(self, report: QualityReport) -> str:
        """Return how many findings of which kind."""
        return ", ".join(f"{code} {count}" for code, count in report.counts.items()) or "none"

    @admin.display(description="findings")
    def findings_(self, report: QualityReport) -> str:
        """Return the findings as a table, the worst first."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((_severity(one["severity"]), one["code"], one["message"]) for one in report.findings),
        )
        return format_html("<table>{}</table>", rows) if rows else EMPTY


@admin.register(QuarantinedBar)
class QuarantinedBarAdmin(ShownOnly, admin.ModelAdmin[QuarantinedBar]):
    """Rows that could not be bars."""

    list_display = ("series", "ts", "code", "open", "high", "low", "close", "volume", "created_at")
    list_filter = ("code", "series__provider", "series__interval")
    list_select_related = ("series__instrument",)
    search_fields = ("series__instrument__symbol",)
