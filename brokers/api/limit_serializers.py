"""What goes in and out of the endpoints of risk limits; amounts are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.api import examples
from brokers.api.fields import PlainDecimalField
from brokers.models import RiskLimit
from core.api.forms import KnownFields


class LimitField(PlainDecimalField):
    """A limit: null limits nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, min_value=Decimal(0), **options)


@extend_schema_serializer(examples=[examples.NEW_LIMITS, examples.LIMITS_SET])
class RiskLimitFields(KnownFields, serializers.ModelSerializer[RiskLimit]):
    """Limits of the caller, or of an account, a deployment or a symbol."""

    account_id = serializers.UUIDField(required=False, allow_null=True)
    symbol = serializers.CharField(required=False, allow_blank=True, max_length=32)
    max_order_value = LimitField()
    max_position_value = LimitField()
    max_gross_exposure = LimitField()
    max_net_exposure = LimitField()
    max_daily_loss = LimitField()
    max_drawdown = LimitField(max_value=Decimal(1))
    price_collar = LimitField(max_value=Decimal(1))

    class Meta:
        model = RiskLimit
        fields = (
            "id", "account_id", "deployment_id", "symbol", "max_order_value", "max_position_value",
            "max_gross_exposure", "max_net_exposure", "max_daily_loss", "max_drawdown",
            "price_collar", "max_orders_per_minute", "max_quote_age_s", "allowed_symbols",
            "short_allowed", "in_session_only",
        )  # fmt: skip
        read_only_fields = ("id",)
        validators: list[Any] = []

    def validate_allowed_symbols(self, value: list[str]) -> list[str]:
        """Return the symbols as orders write them: no other would ever be allowed."""
        return [symbol.strip().upper() for symbol in value]
