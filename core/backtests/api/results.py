"""The shape of bodies that hold a result, for the API's documentation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.backtests.api.serializers import (
    RunErrorSerializer,
    RunListSerializer,
    RunSerializer,
    TradeSerializer,
)


def numbers(*, allow_null: bool = False, **options: Any) -> serializers.ListField:
    """Return a field for a series of numbers."""
    return serializers.ListField(child=serializers.FloatField(allow_null=allow_null), **options)


def dates() -> serializers.ListField:
    """Return a field for the times of a series."""
    return serializers.ListField(
        child=serializers.IntegerField(), help_text="Epoch milliseconds, UTC."
    )


class PriceChartSerializer(serializers.Serializer[Any]):
    """Prices with what the strategy drew and did."""

    dates = dates()
    close = numbers()
    overlays = serializers.DictField(
        child=numbers(allow_null=True), help_text="Indicators by label; null while they warm up."
    )
    panels = serializers.DictField(
        child=numbers(allow_null=True), required=False, help_text="Indicators on other scales."
    )
    sma1 = numbers(allow_null=True, required=False)
    sma2 = numbers(allow_null=True, required=False)
    buy_signals = numbers(allow_null=True, help_text="Price of a purchase at its bar, else null.")
    sell_signals = numbers(allow_null=True, help_text="Price of a sale at its bar, else null.")


class EquityChartSerializer(serializers.Serializer[Any]):
    """Account value at the close of each bar."""

    dates = dates()
    equity = numbers()


class AlertSerializer(serializers.Serializer[Any]):
    """An alert of a strategy's `alert` action; a backtest sends none."""

    time = serializers.DateTimeField(help_text="Of the bar at whose close it was given.")
    bar = serializers.IntegerField()
    symbol = serializers.CharField(required=False, help_text="In a portfolio alone.")
    node_id = serializers.CharField()
    message = serializers.CharField()


class InstrumentSerializer(serializers.Serializer[Any]):
    """What one instrument of a portfolio did."""

    symbol = serializers.CharField()
    bars = serializers.IntegerField()
    first = serializers.DateTimeField(help_text="Its first bar in the range.")
    last = serializers.DateTimeField()
    trades = serializers.IntegerField()
    winrate_pct = serializers.FloatField(allow_null=True)
    pnl = serializers.FloatField(
        help_text="What it added to the equity, commissions and borrowed shares included."
    )
    contribution_pct = serializers.FloatField(help_text="The same in percent of the capital.")
    profit_factor = serializers.FloatField(allow_null=True)
    commission = serializers.FloatField()
    exposure_pct = serializers.FloatField(help_text="Of its bars.")
    buy_hold_return_pct = serializers.FloatField(allow_null=True)


class QuickResultSerializer(serializers.Serializer[Any]):
    """The result of a backtest in one body; a run that failed has an `error` instead."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    metrics = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        allow_null=True,
        help_text="Null where undefined; `metric_reasons` of the run says why.",
    )
    synthetic_prices = serializers.BooleanField(
        required=False,
        help_text="Only where options were traded: at prices of a model, not of a market.",
    )
    price_chart = PriceChartSerializer(required=False)
    equity_chart = EquityChartSerializer(required=False)
    instruments = InstrumentSerializer(
        many=True, required=False, help_text="Of a portfolio: what each of them did."
    )
    trades = TradeSerializer(many=True, required=False)
    alerts = AlertSerializer(
        many=True,
        required=False,
        help_text="Where there are any: the first 1,000, listed, not sent.",
    )
    alert_count = serializers.IntegerField(required=False, help_text="All of them.")
    error = RunErrorSerializer(required=False)


class ResultSerializer(QuickResultSerializer):
    """The quick result, and the run that it is the result of."""

    run = RunSerializer()


class EquitySerializer(serializers.Serializer[Any]):
    """A part of the equity curve."""

    total = serializers.IntegerField(help_text="Bars in the range.")
    dates = dates()
    equity = numbers()
    drawdown_pct = numbers(help_text="Below the highest equity so far; 0 or negative.")
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ChartSerializer(serializers.Serializer[Any]):
    """A drawn chart."""

    chart_type = serializers.CharField()
    content_type = serializers.CharField()
    image = serializers.CharField(help_text="Base64.")


class ComparisonSerializer(serializers.Serializer[Any]):
    """Runs side by side."""

    runs = RunListSerializer(many=True)
    metrics = serializers.DictField(
        child=numbers(allow_null=True), help_text="Each metric, in the order of the runs."
    )
    equity = serializers.ListField(
        child=EquityChartSerializer(), help_text="Each curve from 100 on, thinned."
    )
