"""Runs for who operates the installation: results are for reading, actions go through services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Func, IntegerField, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from core.backtests.models import BacktestRun, EquityCurve, Trade
from core.backtests.services.changes import run_cancel, run_retry
from core.errors import ApplicationError


class OctetLength(Func):
    """Bytes of a binary column, without reading it."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that only workers write."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Return that nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Return that nobody changes rows by hand."""
        return False


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "owner",
        "strategy",
        "status",
        "percent_done",
        "attempts",
        "total_return_pct",
        "sharpe",
        "trade_count",
        "created_at",
        "seconds",
    )
    list_filter = ("status", "interval", "created_at")
    list_select_related = ("owner", "strategy")
    search_fields = ("id__startswith", "owner__email", "symbol", "name", "strategy__name")
    search_help_text = "Id, email of the owner, symbol, name of the run or of the strategy"
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("cancel", "retry")
    fieldsets = (
        (None, {"fields": ("id", "owner", "name", "tags", "status", "error")}),
        (
            "What",
            {
                "fields": (
                    ("strategy", "strategy_version"),
                    ("symbol", "interval"),
                    ("start", "end", "whole_days"),
                    "capital",
                    "parameters",
                    "config",
                )
            },
        ),
        (
            "Result",
            {
                "fields": (
                    ("total_return_pct", "sharpe", "max_drawdown_pct"),
                    ("winrate_pct", "trade_count", "final_equity"),
                    "metrics",
                    "metric_reasons",
                    "counters",
                    "warnings",
                )
            },
        ),
        (
            "How",
            {
                "classes": ("collapse",),
                "fields": (
                    ("created_at", "started_at", "finished_at"),
                    ("stage", "progress", "cancel_requested"),
                    ("attempts", "attempts_allowed", "messages"),
                    ("resend_at", "leased_until"),
                    ("bar_count", "snapshot"),
                    ("graph_hash", "engine_version", "metrics_version"),
                    "timings",
                ),
            },
        ),
    )

    @admin.display(description="done", ordering="progress")
    def percent_done(self, run: BacktestRun) -> str:
        """Return the progress with the stage."""
        return f"{run.progress:.0%} {run.stage}".strip()

    @admin.display(description="s")
    def seconds(self, run: BacktestRun) -> str:
        """Return how long the last attempt took."""
        if run.started_at is None or run.finished_at is None:
            return "-"
        return f"{(run.finished_at - run.started_at).total_seconds():.3f}"

    @admin.display(description="error")
    def error(self, run: BacktestRun) -> str:
        """Return why there is no result."""
        if not run.error_code:
            return "-"
        return format_html("<b>{}</b> {}", run.error_code, run.error_message)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return that the list has actions, while a single run is for reading."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[BacktestRun]) -> None:
        """Cancel the chosen runs."""
        self._each(request, rows, run_cancel, "canceled")

    @admin.action(description="Retry", permissions=["change"])
    def retry(self, request: HttpRequest, rows: QuerySet[BacktestRun]) -> None:
        """Queue the chosen runs again."""
        self._each(request, rows, run_retry, "queued again")

    def _each(
        self,
        request: HttpRequest,
        rows: QuerySet[BacktestRun],
        change: Callable[..., BacktestRun],
        done: str,
    ) -> None:
        changed = 0
        for run in rows:
            try:
                change(owner_id=run.owner_id, run_id=run.id)
                changed += 1
            except ApplicationError as error:
                self.message_user(request, f"{run}: {error.message}", messages.WARNING)
        self.message_user(request, f"Runs {done}: {changed}.")


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = (
        "run",
        "number",
        "side",
        "size",
        "entry_time",
        "exit_time",
        "pnl",
        "return_pct",
        "exit_reason",
    )
    list_filter = ("side", "exit_reason")
    list_select_related = ("run",)
    search_fields = ("run__id__startswith", "run__symbol", "run__owner__email")
    search_help_text = "Id or symbol of the run, email of its owner"
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(EquityCurve)
class EquityCurveAdmin(ReadOnlyAdmin):
    list_display = ("run", "bar_count", "fill_count", "kibibytes")
    list_select_related = ("run",)
    search_fields = ("run__id__startswith", "run__symbol", "run__owner__email")
    search_help_text = "Id or symbol of the run, email of its owner"
    fields = ("run", "bar_count", "fill_count", "kibibytes")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EquityCurve]:
        """Return the rows without their bytes, but with how many there are."""
        rows: QuerySet[EquityCurve] = super().get_queryset(request)
        size = OctetLength("series") + OctetLength("fills")
        return rows.defer("series", "fills").annotate(size=size)

    @admin.display(description="KiB", ordering="size")
    def kibibytes(self, curve: Any) -> str:
        """Return the size of both columns."""
        return f"{curve.size / 1024:,.1f}"
