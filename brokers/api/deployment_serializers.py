"""What goes in and out of the endpoints of deployments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from brokers.api import deployment_examples as examples
from brokers.api.fields import PlainDecimalField
from brokers.deployments.warnings import deployment_warnings
from brokers.models import Deployment, DeploymentTick, DriftReport
from core.api.forms import KnownFields
from strategies.api.fields import FaultsField


@extend_schema_serializer(examples=[examples.NEW])
class DeploymentInput(KnownFields):
    """A strategy to trade."""

    strategy_id = serializers.UUIDField()
    version = serializers.IntegerField(
        min_value=1, required=False, allow_null=True, help_text="The draft's where left out."
    )
    account_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Your paper account where left out."
    )
    symbol = serializers.CharField(max_length=20)
    interval = serializers.CharField(max_length=20, default="1d")
    capital = PlainDecimalField(min_value=Decimal("0.01"))
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    parameters = serializers.DictField(required=False, default=dict)
    config = serializers.DictField(required=False, default=dict)
    drift_threshold = serializers.DecimalField(
        max_digits=9,
        decimal_places=6,
        min_value=Decimal(0),
        required=False,
        help_text="Fraction of the capital; a session beyond it gives an alert.",
    )


@extend_schema_serializer(examples=[examples.STOP])
class StopInput(KnownFields):
    """How to stop."""

    liquidate = serializers.BooleanField(default=False)


@extend_schema_serializer(examples=[examples.SHOWN])
class DeploymentOutput(serializers.ModelSerializer[Deployment]):
    """A deployment."""

    strategy_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    version = serializers.IntegerField(source="strategy_version.number")
    capital = PlainDecimalField()
    status = serializers.CharField(source="state")
    reason = serializers.CharField(source="state_reason")

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            "id", "name", "strategy_id", "version", "account_id", "symbol", "interval", "capital",
            "parameters", "config", "drift_threshold", "status", "reason", "last_bar_ts",
            "next_close_at", "started_at", "stopped_at", "created_at",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.DETAILED])
class DeploymentDetailOutput(DeploymentOutput):
    """A deployment, and what keeps it from trading as it was asked to."""

    warnings = serializers.SerializerMethodField()

    class Meta(DeploymentOutput.Meta):
        fields = (*DeploymentOutput.Meta.fields, "warnings")

    @extend_schema_field(FaultsField)
    def get_warnings(self, deployment: Deployment) -> list[dict[str, Any]]:
        """Return what was found; nothing where all is well."""
        return [warning.as_dict() for warning in deployment_warnings(deployment)]


@extend_schema_serializer(examples=[examples.TICK, examples.OPTION_TICK])
class TickOutput(serializers.ModelSerializer[DeploymentTick]):
    """What was decided on a bar."""

    decided_at = serializers.DateTimeField(source="created_at")
    decision = serializers.DictField()
    notes = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = DeploymentTick
        fields = (
            "bar_ts", "status", "closed_at", "decided_at", "position", "equity", "pending",
            "decision", "notes",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.DRIFT])
class DriftOutput(serializers.ModelSerializer[DriftReport]):
    """One session against the backtester."""

    detail = serializers.DictField()

    class Meta:
        model = DriftReport
        fields = (
            "session", "live_pnl", "backtest_pnl", "difference", "signal", "data", "timing",
            "slippage", "fees", "detail",
        )  # fmt: skip


class FillDriftOutput(serializers.Serializer[Any]):
    """One fill beside its backtest's; null where a side has none."""

    session = serializers.DateField()
    side = serializers.ChoiceField(choices=["buy", "sell"])
    bar_ts = serializers.DateTimeField(allow_null=True)
    quantity = serializers.FloatField(allow_null=True)
    price = serializers.FloatField(allow_null=True)
    backtest_bar_ts = serializers.DateTimeField(allow_null=True)
    backtest_quantity = serializers.FloatField(allow_null=True)
    backtest_price = serializers.FloatField(allow_null=True)
    signal = serializers.FloatField()
    timing = serializers.FloatField()
    slippage = serializers.FloatField()
    fees = serializers.FloatField()


@extend_schema_serializer(examples=[examples.DRIFT_SERIES])
class DriftSeriesOutput(serializers.Serializer[Any]):
    """Sessions as columns, the oldest first."""

    sessions = serializers.ListField(child=serializers.DateField())
    live_pnl = serializers.ListField(child=serializers.FloatField())
    backtest_pnl = serializers.ListField(child=serializers.FloatField())
    difference = serializers.ListField(child=serializers.FloatField())
    live_pnl_total = serializers.ListField(child=serializers.FloatField())
    backtest_pnl_total = serializers.ListField(child=serializers.FloatField())
    difference_total = serializers.ListField(child=serializers.FloatField())
    parts = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="By name: signal, data, timing, slippage, fees.",
    )
    fills = FillDriftOutput(many=True)


@extend_schema_serializer(examples=[examples.DRIFT_CHART])
class DriftChartOutput(serializers.Serializer[Any]):
    """A chart in JSON."""

    content_type = serializers.CharField()
    image = serializers.CharField(help_text="A PNG in base64.")
