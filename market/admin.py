from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ShownOnly, badge, duration, indented, list_link, row_link
from core.errors import ApplicationError
from market.models import (
    BarSeries,
    BarSnapshot,
    Fetch,
    Import,
    Instrument,
    ProviderKey,
    QualityReport,
    QuarantinedBar,
    Universe,
    Watch,
)
from market.services.fetches import fetch_cancel, fetch_retry, series_renew
from market.services.imports import import_cancel, import_retry

Row = TypeVar("Row", bound=Model)


class WorkedAdmin(ShownOnly, admin.ModelAdmin[Row]):
    """Rows that only the code writes, but that it can be told to do something with."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those act on rows who may change them; nobody changes one by hand."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)


def each(
    page: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: QuerySet[Row],
    change: Callable[[Row], object],
    done: str,
) -> None:
    """Do something with the chosen rows; what cannot be is told, and the others go on."""
    changed = 0
    for row in rows:
        try:
            change(row)
            changed += 1
        except ApplicationError as error:
            page.message_user(request, f"{row}: {error.message}", messages.WARNING)
    if changed:
        page.message_user(request, f"{changed} {done}.")


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin[Instrument]):
    list_display = (
        "symbol",
        "name",
        "asset_class",
        "exchange",
        "calendar",
        "currency",
        "periods_per_year",
        "series_list",
        "owner",
    )
    list_filter = ("asset_class", "calendar", "currency")
    list_select_related = ("owner",)
    search_fields = ("symbol", "name", "owner__email")
    autocomplete_fields = ("owner",)
    ordering = ("symbol",)

    @admin.display(description="bars")
    def series_list(self, instrument: Instrument) -> str:
        """Return a link to its stored bars."""
        return list_link(BarSeries, "bars", instrument__id__exact=instrument.pk)


@admin.register(BarSeries)
class BarSeriesAdmin(WorkedAdmin[BarSeries]):
    list_display = (
        "instrument",
        "interval",
        "provider",
        "bar_count",
        "first_ts",
        "last_ts",
        "last_close",
        "adjusted",
        "reports",
        "versions",
        "owner",
        "updated_at",
    )
    actions = ("renew",)
    list_filter = ("interval", "provider", "adjusted")
    list_select_related = ("instrument", "owner")
    search_fields = ("instrument__symbol", "instrument__name", "owner__email", "content_hash")
    date_hierarchy = "updated_at"

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, series: BarSeries) -> str:
        """Return how many bars it has."""
        return f"{series.rows:,}"

    @admin.display(description="quality")
    def reports(self, series: BarSeries) -> str:
        """Return a link to what the checks found."""
        return list_link(QualityReport, "reports", series__id__exact=series.pk)

    @admin.display(description="versions")
    def versions(self, series: BarSeries) -> str:
        """Return a link to what it was and is."""
        return list_link(BarSnapshot, "versions", series__id__exact=series.pk)

    @admin.action(description="Download anew, in place of what is stored", permissions=["change"])
    def renew(self, request: HttpRequest, rows: QuerySet[BarSeries]) -> None:
        """Queue downloads of the chosen series as a whole."""
        asker = UUID(str(request.user.pk))
        each(
            self,
            request,
            rows,
            lambda series: series_renew(owner_id=asker, series=series),
            "downloads queued; the bars of before stay until they are done",
        )


@admin.register(BarSnapshot)
class BarSnapshotAdmin(ShownOnly, admin.ModelAdmin[BarSnapshot]):
    list_display = ("series", "content_hash", "rows", "first_ts", "last_ts", "created_at")
    list_select_related = ("series__instrument",)
    search_fields = ("content_hash", "series__instrument__symbol")


@admin.register(Fetch)
class FetchAdmin(WorkedAdmin[Fetch]):
    list_display = (
        "what",
        "state",
        "rows",
        "attempts",
        "took",
        "error_message",
        "of_owner",
        "created_at",
    )
    actions = ("cancel", "retry")
    list_filter = ("status", "provider", "interval", "created_at")
    list_select_related = ("owner",)
    search_fields = ("symbol", "owner__email", "error_message", "=id")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = (
        "id", "state", "error_code", "error_message", "error_details_", "of_owner",
        ("symbol", "interval", "provider"), ("start", "end", "replace"),
        ("rows", "series"), ("progress", "stage"), ("attempts", "deferrals"),
        ("created_at", "started_at", "finished_at", "took"),
    )  # fmt: skip

    @admin.display(description="download", ordering="symbol")
    def what(self, fetch: Fetch) -> str:
        """Return what is downloaded."""
        return f"{fetch.symbol} {fetch.interval} from {fetch.provider}"

    @admin.display(description="status", ordering="status")
    def state(self, fetch: Fetch) -> str:
        """Return the status as a badge."""
        return badge(fetch.status)

    @admin.display(description="took")
    def took(self, fetch: Fetch) -> str:
        """Return how long the last attempt took, or takes."""
        if fetch.started_at is None:
            return duration(None)
        return duration((fetch.finished_at or timezone.now()) - fetch.started_at)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Fetch]) -> None:
        """Stop the chosen downloads."""
        each(
            self,
            request,
            rows,
            lambda fetch: fetch_cancel(owner_id=fetch.owner_id, fetch_id=fetch.id),
            "canceled",
        )

    @admin.action(description="Try again, from where it stopped", permissions=["change"])
    def retry(self, request: HttpRequest, rows: QuerySet[Fetch]) -> None:
        """Queue the chosen downloads again."""
        each(
            self,
            request,
            rows,
            lambda fetch: fetch_retry(owner_id=fetch.owner_id, fetch_id=fetch.id),
            "queued again",
        )

    @admin.display(description="owner", ordering="owner__email")
    def of_owner(self, fetch: Fetch) -> str:
        """Return a link to who asked for it."""
        return row_link(fetch.owner)

    @admin.display(description="details")
    def error_details_(self, fetch: Fetch) -> str:
        """Return the faults one by one, indented."""
        return indented(fetch.error_details)


@admin.register(QualityReport)
class QualityReportAdmin(ShownOnly, admin.ModelAdmin[QualityReport]):
    list_display = ("series", "worst", "what", "quarantined", "rows", "created_at")
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
        return badge(report.severity)

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
    list_display = ("series", "ts", "code", "open", "high", "low", "close", "volume", "created_at")
    list_filter = ("code", "series__provider", "series__interval")
    list_select_related = ("series__instrument",)
    search_fields = ("series__instrument__symbol",)


@admin.register(Watch)
class WatchAdmin(admin.ModelAdmin[Watch]):
    list_display = (
        "symbol",
        "interval",
        "provider",
        "active",
        "every_s",
        "next_at",
        "last",
        "owner",
    )
    list_filter = ("active", "provider", "interval")
    list_select_related = ("owner", "fetch")
    search_fields = ("symbol", "owner__email")
    autocomplete_fields = ("owner",)
    readonly_fields = ("fetch",)
    actions = ("refresh",)

    @admin.action(description="Download now", permissions=["change"])
    def refresh(self, request: HttpRequest, rows: QuerySet[Watch]) -> None:
        """Make the chosen series due; those that are switched off stay so."""
        changed = rows.filter(active=True).update(next_at=timezone.now())
        self.message_user(request, f"{changed} due now.")

    @admin.display(description="last download")
    def last(self, watch: Watch) -> str:
        """Return how the last download ended, as a badge."""
        return "" if watch.fetch is None else badge(watch.fetch.status)


@admin.register(Universe)
class UniverseAdmin(admin.ModelAdmin[Universe]):
    list_display = ("name", "description", "size", "owner", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "description", "owner__email")
    autocomplete_fields = ("owner",)

    @admin.display(description="symbols")
    def size(self, universe: Universe) -> int:
        """Return how many symbols it has."""
        return len(universe.symbols)


@admin.register(ProviderKey)
class ProviderKeyAdmin(ShownOnly, admin.ModelAdmin[ProviderKey]):
    list_display = ("provider", "owner", "created_at", "updated_at")
    list_filter = ("provider",)
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    # What was stored is shown to nobody, sealed or not.
    fields = ("provider", "owner", "created_at", "updated_at")


@admin.register(Import)
class ImportAdmin(WorkedAdmin[Import]):
    list_display = (
        "filename", "symbol", "interval", "state", "rows", "error_message", "owner", "created_at",
    )  # fmt: skip
    actions = ("cancel", "retry")
    list_filter = ("status", "interval", "created_at")
    list_select_related = ("owner",)
    search_fields = ("filename", "symbol", "owner__email", "=id")
    date_hierarchy = "created_at"
    fields = (
        "id", "state", "error_code", "error_message", "error_details_", "owner",
        ("filename", "size"), ("symbol", "interval"), "options", ("rows", "series"),
        ("progress", "stage", "attempts"), ("created_at", "started_at", "finished_at"),
    )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def state(self, upload: Import) -> str:
        """Return the status as a badge."""
        return badge(upload.status)

    @admin.display(description="details")
    def error_details_(self, upload: Import) -> str:
        """Return the faults one by one, indented."""
        return indented(upload.error_details)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Stop the chosen imports."""
        each(
            self,
            request,
            rows,
            lambda upload: import_cancel(owner_id=upload.owner_id, import_id=upload.id),
            "canceled",
        )

    @admin.action(description="Try again, while the file is kept", permissions=["change"])
    def retry(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Queue the chosen imports again."""
        each(
            self,
            request,
            rows,
            lambda upload: import_retry(owner_id=upload.owner_id, import_id=upload.id),
            "queued again",
        )
