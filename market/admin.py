from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from market.models import BarSeries, BarSnapshot, Fetch, Instrument


class WrittenByTheStore:
    """Rows that only the code that owns them may write; the admin shows and deletes them."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody adds such a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody changes such a row by hand."""
        return False


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
        "owner",
    )
    list_filter = ("asset_class", "calendar", "currency")
    list_select_related = ("owner",)
    search_fields = ("symbol", "name", "owner__email")
    autocomplete_fields = ("owner",)
    ordering = ("symbol",)


@admin.register(BarSeries)
class BarSeriesAdmin(WrittenByTheStore, admin.ModelAdmin[BarSeries]):
    list_display = (
        "instrument",
        "interval",
        "provider",
        "rows",
        "first_ts",
        "last_ts",
        "last_close",
        "adjusted",
        "owner",
        "updated_at",
    )
    list_filter = ("interval", "provider", "adjusted")
    list_select_related = ("instrument", "owner")
    search_fields = ("instrument__symbol", "instrument__name", "owner__email", "content_hash")
    date_hierarchy = "updated_at"


@admin.register(BarSnapshot)
class BarSnapshotAdmin(WrittenByTheStore, admin.ModelAdmin[BarSnapshot]):
    list_display = ("series", "content_hash", "rows", "first_ts", "last_ts", "created_at")
    list_select_related = ("series__instrument",)
    search_fields = ("content_hash", "series__instrument__symbol")


@admin.register(Fetch)
class FetchAdmin(WrittenByTheStore, admin.ModelAdmin[Fetch]):
    list_display = (
        "created_at",
        "symbol",
        "interval",
        "provider",
        "status",
        "rows",
        "attempts",
        "owner",
        "error_message",
    )
    list_filter = ("status", "provider", "interval")
    list_select_related = ("owner",)
    search_fields = ("symbol", "owner__email", "error_message", "id")
    date_hierarchy = "created_at"
