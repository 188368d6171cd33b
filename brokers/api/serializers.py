"""What goes in and out of the trading endpoints; amounts are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.api import examples
from brokers.choices import AssetType, OrderType, Side
from brokers.models import BrokerAccount, Fill, Order, Position


class PlainDecimalField(serializers.DecimalField):
    """A decimal string without the zeros that the column's scale adds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=24, decimal_places=8, normalize_output=True, **options)


@extend_schema_serializer(examples=[examples.NEW_TRADE])
class TradeInput(serializers.Serializer[dict[str, Any]]):
    """An order to execute."""

    symbol = serializers.CharField(max_length=20)
    trade_type = serializers.ChoiceField(choices=Side.choices)
    asset_type = serializers.ChoiceField(choices=AssetType.choices, default=AssetType.STOCK)
    quantity = PlainDecimalField(min_value=Decimal("0.00000001"))
    order_type = serializers.ChoiceField(choices=OrderType.choices, default=OrderType.MARKET)
    strategy_id = serializers.UUIDField(required=False, allow_null=True)
    account_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Your paper account where left out."
    )
    client_order_id = serializers.RegexField(
        r"^[A-Za-z0-9._:-]{1,48}$",
        required=False,
        help_text="Your own id: the same id is the same order, however often it is posted.",
        error_messages={"invalid": "Use 1 to 48 letters, digits and . _ : -"},
    )


@extend_schema_serializer(examples=[examples.TRADE])
class TradeOutput(serializers.ModelSerializer[Order]):
    """An order and what came of it."""

    trade_id = serializers.UUIDField(source="id")
    account_id = serializers.UUIDField()
    strategy_id = serializers.UUIDField(allow_null=True)
    trade_type = serializers.CharField(source="side")
    quantity = PlainDecimalField()
    filled_quantity = PlainDecimalField()
    executed_price = PlainDecimalField(source="average_price", allow_null=True)

    class Meta:
        model = Order
        fields = (
            "trade_id", "account_id", "strategy_id", "client_order_id", "symbol", "asset_type",
            "trade_type", "order_type", "quantity", "status", "filled_quantity", "executed_price",
            "reason_code", "reason", "created_at", "submitted_at", "finished_at",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.ACCOUNT])
class AccountOutput(serializers.ModelSerializer[BrokerAccount]):
    """A broker account."""

    initial_cash = PlainDecimalField()

    class Meta:
        model = BrokerAccount
        fields = ("id", "kind", "name", "currency", "initial_cash", "state", "created_at")


@extend_schema_serializer(examples=[examples.POSITION])
class PositionOutput(serializers.ModelSerializer[Position]):
    """What an account holds of a symbol."""

    quantity = PlainDecimalField()
    average_price = PlainDecimalField()
    realized_pnl = PlainDecimalField()

    class Meta:
        model = Position
        fields = ("symbol", "quantity", "average_price", "realized_pnl", "updated_at")


@extend_schema_serializer(examples=[examples.FILL])
class FillOutput(serializers.ModelSerializer[Fill]):
    """One execution."""

    trade_id = serializers.UUIDField(source="order_id")
    symbol = serializers.CharField(source="order.symbol")
    side = serializers.CharField(source="order.side")
    quantity = PlainDecimalField()
    price = PlainDecimalField()
    commission = PlainDecimalField()

    class Meta:
        model = Fill
        fields = (
            "trade_id", "execution_id", "symbol", "side", "quantity", "price", "commission",
            "executed_at",
        )  # fmt: skip
