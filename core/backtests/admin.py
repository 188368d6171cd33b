"""Runs for who operates the installation: results are for reading, actions go through services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Func, IntegerField, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from core.admin import (
    EMPTY,
    ActedOn,
    ShownOnly,
    badge,
    column,
    duration,
    each,
    indented,
    list_link,
    moment,
    number,
    percent,
    row_link,
    signed,
)
from core.backtests.models import BacktestRun, EquityCurve, Trade
from core.backtests.services.changes import run_cancel, run_retry


class OctetLength(Func):
    """Bytes of a binary column, without reading it."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()


@admin.register(BacktestRun)
class BacktestRunAdmin(ActedOn[BacktestRun]):
    list_display = (
        "__str__",
        "state",
        "of_strategy",
        "of_owner",
        "return_",
        "sharpe_ratio",
        "trade_list",
        "took",
        "created_at",
    )
    list_filter = ("status", "interval", "created_at")
    list_select_related = ("owner", "strategy")
    search_fields = ("id__startswith", "owner__email", "symbol", "name", "strategy__name")
    search_help_text = "Id, email of the owner, symbol, name of the run or of the strategy"
    date_hierarchy = "created_at"
    show_full_result_count = False
    list_per_page = 50
    actions = ("cancel", "retry")
    fieldsets = (
        (None, {"fields": ("id", "state", "error", "of_owner", "name", "tags")}),
        (
            "What",
            {
                "fields": (
                    ("of_strategy", "of_version"),
                    ("symbol", "interval"),
                    ("start", "end", "whole_days"),
                    "cash",
                    "parameters_",
                    "config_",
                )
            },
        ),
        (
            "Result",
            {
                "fields": (
                    ("return_", "sharpe_ratio", "drawdown"),
                    ("trade_list", "winrate", "equity"),
                    "warnings_",
                    "metrics_",
                    "reasons_",
                    "counters_",
                )
            },
        ),
        (
            "How",
            {
                "classes": ("collapse",),
                "fields": (
                    ("created_at", "started_at", "finished_at", "took"),
                    ("stage", "progress", "cancel_requested"),
                    ("attempts", "attempts_allowed", "messages"),
                    ("resend_at", "leased_until"),
                    ("bar_count", "snapshot", "other_snapshots"),
                    ("graph_hash", "engine_version", "metrics_version"),
                    "timings_",
                ),
            },
        ),
    )

    of_strategy = column("strategy", row_link, ordering="strategy__name")
    of_owner = column("owner", row_link, ordering="owner__email")
    return_ = column("total_return_pct", percent, title="return", ordering="total_return_pct")
    sharpe_ratio = column("sharpe", number, title="Sharpe", ordering="sharpe")
    drawdown = column("max_drawdown_pct", percent, title="max. drawdown")
    cash = column("capital", number)
    equity = column("final_equity", number)
    parameters_ = column("parameters", indented)
    config_ = column("config", indented, title="configuration")
    metrics_ = column("metrics", indented)
    reasons_ = column("metric_reasons", indented, title="not defined because")
    counters_ = column("counters", indented)
    warnings_ = column("warnings", indented)
    timings_ = column("timings", indented)

    @admin.display(description="status", ordering="status")
    def state(self, run: BacktestRun) -> str:
        """Return the status, and of a running one how far it is."""
        if run.status == "running":
            return badge(run.status, f"running {run.progress:.0%}")
        return badge(run.status)

    @admin.display(description="version")
    def of_version(self, run: BacktestRun) -> str:
        """Return a link to the version that ran."""
        return row_link(run.strategy_version, f"version {run.strategy_version.number}")

    @admin.display(description="win rate")
    def winrate(self, run: BacktestRun) -> str:
        """Return the share of trades that gained."""
        return number(run.winrate_pct, "{:.1f} %")

    @admin.display(description="trades", ordering="trade_count")
    def trade_list(self, run: BacktestRun) -> str:
        """Return a link to the trades."""
        if run.trade_count is None:
            return EMPTY
        return list_link(Trade, f"{run.trade_count:,}", run__id__exact=run.id)

    @admin.display(description="took")
    def took(self, run: BacktestRun) -> str:
        """Return how long the last attempt took, or takes."""
        if run.started_at is None:
            return EMPTY
        return duration((run.finished_at or timezone.now()) - run.started_at)

    @admin.display(description="error")
    def error(self, run: BacktestRun) -> str:
        """Return why there is no result."""
        if not run.error_code:
            return EMPTY
        return format_html("<b>{}</b> {}", run.error_code, run.error_message)

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
        changed = each(
            self, request, rows, lambda run: change(owner_id=run.owner_id, run_id=run.id)
        )
        self.message_user(request, f"Runs {done}: {changed}.")


@admin.register(Trade)
class TradeAdmin(ShownOnly, admin.ModelAdmin[Trade]):
    list_display = (
        "number",
        "side",
        "quantity",
        "entered",
        "exited",
        "held",
        "prices",
        "gain",
        "return_",
        "exit_reason",
        "of_run",
    )
    list_filter = ("side", "exit_reason")
    list_select_related = ("run",)
    search_fields = ("run__id__startswith", "run__symbol", "run__owner__email")
    search_help_text = "Id or symbol of the run, email of its owner"
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50

    of_run = column("run", row_link)
    entered = column("entry_time", moment, title="entry", ordering="entry_time")
    exited = column("exit_time", moment, title="exit", ordering="exit_time")
    gain = column("pnl", signed, title="P&L", ordering="pnl")
    return_ = column("return_pct", percent, title="return", ordering="return_pct")

    @admin.display(description="size", ordering="size")
    def quantity(self, trade: Trade) -> str:
        """Return how many units."""
        return number(trade.size, "{:,g}")

    @admin.display(description="held", ordering="duration_seconds")
    def held(self, trade: Trade) -> str:
        """Return how long it was open."""
        return duration(timedelta(seconds=trade.duration_seconds))

    @admin.display(description="prices")
    def prices(self, trade: Trade) -> str:
        """Return entry and exit price."""
        return f"{trade.entry_price:,.2f} → {trade.exit_price:,.2f}"


@admin.register(EquityCurve)
class EquityCurveAdmin(ShownOnly, admin.ModelAdmin[EquityCurve]):
    list_display = ("run", "bar_count", "fill_count", "kibibytes")
    list_select_related = ("run",)
    search_fields = ("run__id__startswith", "run__symbol", "run__owner__email")
    search_help_text = "Id or symbol of the run, email of its owner"
    fields = ("run", "bar_count", "fill_count", "kibibytes")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EquityCurve]:
        """Return the rows without their bytes, but with how many there are."""
        rows = super().get_queryset(request)
        size = OctetLength("series") + OctetLength("fills")
        return rows.defer("series", "fills").annotate(size=size)

    @admin.display(description="KiB", ordering="size")
    def kibibytes(self, curve: Any) -> str:
        """Return the size of both columns."""
        return f"{curve.size / 1024:,.1f}"
