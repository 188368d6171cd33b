"""What the API shows of runs and trades."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun, Trade
from core.backtests.runner import bounds_of
from core.backtests.trade_rows import COLUMNS, OPTION_COLUMNS


class RunErrorSerializer(serializers.Serializer[Any]):
    """Why a run has no result."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.ListField(child=serializers.DictField())


class RunListSerializer(serializers.ModelSerializer[BacktestRun]):
    """A run in a list."""

    strategy_id = serializers.UUIDField()
    strategy = serializers.CharField(source="strategy.name")
    version = serializers.IntegerField(source="strategy_version.number")
    ticker = serializers.CharField(
        source="symbol", help_text="Empty for a portfolio: `symbols` has its instruments."
    )
    symbols = serializers.ListField(child=serializers.CharField(), source="instruments")
    start = serializers.SerializerMethodField()
    end = serializers.SerializerMethodField()
    eta_s = serializers.SerializerMethodField()

    class Meta:
        model = BacktestRun
        fields = [
            "id",
            "name",
            "tags",
            "status",
            "stage",
            "progress",
            "eta_s",
            "strategy_id",
            "strategy",
            "version",
            "ticker",
            "symbols",
            "universe",
            "interval",
            "start",
            "end",
            "capital",
            "total_return_pct",
            "sharpe",
            "max_drawdown_pct",
            "winrate_pct",
            "trade_count",
            "final_equity",
            "created_at",
            "started_at",
            "finished_at",
        ]

    def get_start(self, run: BacktestRun) -> str:
        """Return the day or the time, as it was asked for."""
        return bounds_of(run)[0].isoformat().replace("+00:00", "Z")

    def get_end(self, run: BacktestRun) -> str:
        """Return the day or the time, as it was asked for."""
        return bounds_of(run)[1].isoformat().replace("+00:00", "Z")

    def get_eta_s(self, run: BacktestRun) -> float | None:
        """Return the seconds left, judged by the progress so far; null while nothing is known."""
        if run.status != RunStatus.RUNNING or run.started_at is None or run.progress <= 0:
            return None
        spent = (timezone.now() - run.started_at).total_seconds()
        return round(spent * (1 - run.progress) / run.progress, 1)


class RunSerializer(RunListSerializer):
    """A run with everything that decides and describes its result."""

    metrics = serializers.DictField(source="metrics_ordered")
    synthetic_prices = serializers.BooleanField(
        read_only=True,
        help_text="Whether options were traded at prices of a model, not of a market.",
    )
    error = serializers.SerializerMethodField()

    class Meta(RunListSerializer.Meta):
        fields = [
            *RunListSerializer.Meta.fields,
            "parameters",
            "config",
            "metrics",
            "synthetic_prices",
            "metric_reasons",
            "counters",
            "warnings",
            "bar_count",
            "snapshot",
            "other_snapshots",
            "graph_hash",
            "engine_version",
            "metrics_version",
            "timings",
            "attempts",
            "error",
        ]

    @extend_schema_field(RunErrorSerializer(allow_null=True))
    def get_error(self, run: BacktestRun) -> dict[str, Any] | None:
        """Return why there is no result, null where there is one or will be."""
        return error_of(run)


def error_of(run: BacktestRun) -> dict[str, Any] | None:
    """Return why a run ended without a result."""
    if not run.error_code:
        return None
    return {
        "code": run.error_code,
        "message": run.error_message,
        "details": run.error_details,
    }


class TradeSerializer(serializers.ModelSerializer[Trade]):
    """A closed round trip."""

    class Meta:
        model = Trade
        fields = [*COLUMNS, *OPTION_COLUMNS]
