"""What can be traded, and the bars there are of it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ActedOn, ShownOnly, badge, column, list_link, moment
from market.admin.acting import each_told
from market.models import (
    BarSeries,
    BarSnapshot,
    Instrument,
    QualityReport,
)
from market.services.fetches import series_renew


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin[Instrument]):
    """What can be traded."""

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
class BarSeriesAdmin(ActedOn[BarSeries]):
    """The bars there are now."""

    list_display = (
        "instrument",
        "interval",
        "provider",
        "bar_count",
        "first",
        "last",
        "last_close",
        "reports",
        "versions",
        "owner",
        "changed",
    )
    actions = ("renew",)
    list_filter = ("interval", "provider", "adjusted")
    list_select_related = ("instrument", "owner")
    search_fields = ("instrument__symbol", "instrument__name", "owner__email", "content_hash")
    date_hierarchy = "updated_at"

    first = column("first_ts", moment, title="first", ordering="first_ts")
    last = column("last_ts", moment, title="last", ordering="last_ts")
    changed = column("updated_at", moment, title="changed", ordering="updated_at")

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
        each_told(
            self,
            request,
            rows,
            lambda series: series_renew(owner_id=asker, series=series),
            "downloads queued; the bars of before stay until they are done",
        )


@admin.register(BarSnapshot)
class BarSnapshotAdmin(ShownOnly, admin.ModelAdmin[BarSnapshot]):
    """The bars there were, and are."""

    list_display = ("series", "short_hash", "bar_count", "first", "last", "created_at", "state")
    list_select_related = ("series__instrument",)
    search_fields = ("content_hash", "series__instrument__symbol")

    first = column("first_ts", moment, title="first", ordering="first_ts")
    last = column("last_ts", moment, title="last", ordering="last_ts")

    @admin.display(description="hash", ordering="content_hash")
    def short_hash(self, snapshot: BarSnapshot) -> str:
        """Return the beginning of its hash."""
        return snapshot.content_hash[:16]

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, snapshot: BarSnapshot) -> str:
        """Return how many bars it has."""
        return f"{snapshot.rows:,}"

    @admin.display(description="state")
    def state(self, snapshot: BarSnapshot) -> str:
        """Return whether it is what the series has now, or since when it is not."""
        if snapshot.content_hash == snapshot.series.content_hash:
            return badge("active", "current")
        return f"replaced {moment(snapshot.updated_at)}"
