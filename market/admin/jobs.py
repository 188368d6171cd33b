"""Downloads, imports, and what is downloaded again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import EMPTY, ActedOn, badge, column, duration, indented, row_link
from core.errors import ApplicationError
from market.admin.acting import each_told
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import (
    Fetch,
    Import,
    Watch,
)
from market.providers.base import interval_check
from market.providers.kinds import provider_get
from market.services.fetches import fetch_cancel, fetch_retry
from market.services.imports import import_cancel, import_retry


@admin.register(Fetch)
class FetchAdmin(ActedOn[Fetch]):
    """Downloads."""

    list_display = (
        "what",
        "state",
        "bar_count",
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

    state = column("status", badge, ordering="status")
    of_owner = column("owner", row_link, ordering="owner__email")
    error_details_ = column("error_details", indented, title="details")

    @admin.display(description="download", ordering="symbol")
    def what(self, fetch: Fetch) -> str:
        """Return what is downloaded."""
        return f"{fetch.symbol} {fetch.interval} from {fetch.provider}"

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, fetch: Fetch) -> str:
        """Return how many bars there are since."""
        return f"{fetch.rows:,}" if fetch.rows else EMPTY

    @admin.display(description="took")
    def took(self, fetch: Fetch) -> str:
        """Return how long the last attempt took, or takes."""
        if fetch.started_at is None:
            return duration(None)
        return duration((fetch.finished_at or timezone.now()) - fetch.started_at)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Fetch]) -> None:
        """Stop the chosen downloads."""
        each_told(
            self,
            request,
            rows,
            lambda fetch: fetch_cancel(owner_id=fetch.owner_id, fetch_id=fetch.id),
            "canceled",
        )

    @admin.action(description="Try again, from where it stopped", permissions=["change"])
    def retry(self, request: HttpRequest, rows: QuerySet[Fetch]) -> None:
        """Queue the chosen downloads again."""
        each_told(
            self,
            request,
            rows,
            lambda fetch: fetch_retry(owner_id=fetch.owner_id, fetch_id=fetch.id),
            "queued again",
        )


class WatchForm(forms.ModelForm[Watch]):
    """A watch as staff write it, with the rules of the API."""

    def clean(self) -> dict[str, Any]:
        """Refuse what no provider has."""
        values = super().clean() or {}
        try:
            values["symbol"] = symbol_check(values.get("symbol", ""))
            source = provider_get(values.get("provider", ""))
            interval_check(source, interval_get(values.get("interval", "")))
        except ApplicationError as error:
            raise forms.ValidationError(error.message) from error
        return values


@admin.register(Watch)
class WatchAdmin(admin.ModelAdmin[Watch]):
    """What is downloaded again and again."""

    form = WatchForm

    list_display = (
        "symbol",
        "interval",
        "provider",
        "active",
        "every",
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

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new one begins with: due now, for whoever makes it."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"next_at": timezone.now(), "owner": request.user.pk, **given}

    @admin.display(description="every", ordering="every_s")
    def every(self, watch: Watch) -> str:
        """Return how often it is downloaded."""
        if watch.every_s is None:
            return f"as {watch.interval} bars close"
        return duration(timedelta(seconds=watch.every_s))

    @admin.display(description="last download")
    def last(self, watch: Watch) -> str:
        """Return how the last download ended, with a link to it."""
        return EMPTY if watch.fetch is None else row_link(watch.fetch, badge(watch.fetch.status))


@admin.register(Import)
class ImportAdmin(ActedOn[Import]):
    """Files that a worker imports."""

    list_display = (
        "filename", "symbol", "interval", "state", "bar_count", "error_message", "owner",
        "created_at",
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

    state = column("status", badge, ordering="status")
    error_details_ = column("error_details", indented, title="details")

    @admin.display(description="bars", ordering="rows")
    def bar_count(self, upload: Import) -> str:
        """Return how many bars there are since."""
        return f"{upload.rows:,}" if upload.rows else EMPTY

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Stop the chosen imports."""
        each_told(
            self,
            request,
            rows,
            lambda upload: import_cancel(owner_id=upload.owner_id, import_id=upload.id),
            "canceled",
        )

    @admin.action(description="Try again, while the file is kept", permissions=["change"])
    def retry(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Queue the chosen imports again."""
        each_told(
            self,
            request,
            rows,
            lambda upload: import_retry(owner_id=upload.owner_id, import_id=upload.id),
            "queued again",
        )
