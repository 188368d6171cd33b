"""What goes out of the endpoints of positions and executions; amounts are decimal strings."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.api import examples
from brokers.api.contracts import OptionOutput
from brokers.api.fields import PlainDecimalField
from brokers.models import Fill, Position
from market.api.serializers import PriceOutput


@extend_schema_serializer(examples=[examples.POSITION, examples.SHORT_PUT])
class PositionOutput(serializers.ModelSerializer[Position]):
    """What an account holds of a symbol, and what that is worth at the last price we have.

    The price is the close of the last stored bar, of a contract the model's; where there is none,
    what follows from it is null.
    """

    quantity = PlainDecimalField()
    average_price = PlainDecimalField()
    realized_pnl = PlainDecimalField()
    option = OptionOutput()
    latest = PriceOutput(source="worth.latest", read_only=True, allow_null=True)
    market_value = PlainDecimalField(source="worth.value", read_only=True, allow_null=True)
    unrealized_pnl = PlainDecimalField(source="worth.profit", read_only=True, allow_null=True)

    class Meta:
        model = Position
        fields = (
            "symbol", "option", "quantity", "average_price", "latest", "market_value",
            "unrealized_pnl", "realized_pnl", "updated_at",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.FILL])
class FillOutput(serializers.ModelSerializer[Fill]):
    """One execution."""

    trade_id = serializers.UUIDField(source="order_id")
    symbol = serializers.CharField(source="order.symbol")
    side = serializers.CharField(source="order.side")
    quantity = PlainDecimalField()
    price = PlainDecimalField()
    commission = PlainDecimalField(
        allow_null=True,
        help_text="In the money that the price is in. Null while the broker has not told it, or "
        "where nobody says what that was worth.",
    )
    taken = PlainDecimalField(help_text="Units of a purchase that were kept as its commission.")
    charged_in = serializers.CharField(
        help_text="The coin, or other money, that the commission was charged in; empty where that "
        "is what the price is in."
    )
    option = OptionOutput()

    class Meta:
        model = Fill
        fields = (
            "trade_id", "execution_id", "symbol", "option", "side", "quantity", "price",
            "commission", "taken", "charged_in", "executed_at",
        )  # fmt: skip
