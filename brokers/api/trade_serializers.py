"""What goes in and out of the endpoints of trades; amounts are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.api import examples
from brokers.api.contracts import OptionInput, OptionOutput, contract_named
from brokers.api.fields import PlainDecimalField, WordField
from brokers.choices import AssetType, OrderType, Side, TimeInForce
from brokers.models import Order
from core.api.forms import KnownFields

SMALLEST: Final = Decimal("0.00000001")
POSITIVE: Final = {"min_value": "It must be above zero."}


@extend_schema_serializer(
    examples=[examples.NEW_TRADE, examples.NEW_OPTION_TRADE, examples.NEW_CONTRACT_TRADE]
)
class TradeInput(KnownFields):
    """An order to execute."""

    symbol = serializers.CharField(
        max_length=32,
        help_text="Of an option its contract, such as AAPL270115P00150000, or its underlying.",
    )
    option = OptionInput(
        required=False, allow_null=True, help_text="A contract on `symbol`, by its parts."
    )
    trade_type = WordField(choices=Side.choices)
    asset_type = WordField(choices=AssetType.choices, default=AssetType.STOCK)
    quantity = PlainDecimalField(min_value=SMALLEST, error_messages=POSITIVE)
    order_type = WordField(choices=OrderType.choices, default=OrderType.MARKET)
    time_in_force = WordField(
        choices=TimeInForce.choices,
        required=False,
        help_text="A day where left out, or until canceled where the broker knows no days.",
    )
    limit_price = PlainDecimalField(required=False, allow_null=True)
    stop_price = PlainDecimalField(required=False, allow_null=True)
    trail_amount = PlainDecimalField(required=False, allow_null=True)
    trail_fraction = PlainDecimalField(required=False, allow_null=True)
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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put the symbol of a contract in place of its parts."""
        option = attrs.pop("option", None)
        if option is None:
            return attrs
        if "asset_type" in self.initial_data and attrs["asset_type"] != AssetType.OPTION:
            raise serializers.ValidationError(
                {"asset_type": "With option it is option, or left out."}
            )
        symbol = contract_named(attrs["symbol"].strip().upper(), option)
        return attrs | {"symbol": symbol, "asset_type": AssetType.OPTION}


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
    limit_price = PlainDecimalField(allow_null=True)
    stop_price = PlainDecimalField(allow_null=True)
    trail_amount = PlainDecimalField(allow_null=True)
    trail_fraction = PlainDecimalField(allow_null=True)
    replaces_id = serializers.UUIDField(allow_null=True)
    option = OptionOutput()

    class Meta:
        model = Order
        fields = (
            "trade_id", "account_id", "strategy_id", "deployment_id", "client_order_id",
            "broker_order_id", "symbol", "asset_type", "option", "trade_type", "order_type",
            "time_in_force", "quantity", "limit_price", "stop_price", "trail_amount",
            "trail_fraction", "status", "filled_quantity", "executed_price", "reason_code",
            "reason", "external", "replaces_id", "cancel_requested_at", "created_at",
            "submitted_at", "finished_at",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.REPLACEMENT])
class ReplaceInput(KnownFields):
    """What an order shall be instead; what is left out stays."""

    quantity = PlainDecimalField(required=False, min_value=SMALLEST, error_messages=POSITIVE)
    limit_price = PlainDecimalField(required=False, min_value=SMALLEST, error_messages=POSITIVE)
    stop_price = PlainDecimalField(required=False, min_value=SMALLEST, error_messages=POSITIVE)
