"""Option contracts in the trading endpoints: named by their parts, and shown with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.adapters.kinds import ADAPTERS
from brokers.api import examples
from brokers.api.fields import PlainDecimalField, WordField
from brokers.models import Fill, Order, Position
from core.api.forms import KnownFields
from market.contracts import HOW_NAMED, ContractTerms, contract_terms

RIGHTS: Final = [("call", "Call"), ("put", "Put")]
# What eight digits of thousandths can say.
LEAST_STRIKE: Final = Decimal("0.001")
MOST_STRIKE: Final = Decimal("99999.999")


class OptionInput(KnownFields):
    """A contract on `symbol`, in place of its own symbol."""

    right = WordField(choices=RIGHTS)
    strike = serializers.DecimalField(
        max_digits=8, decimal_places=3, min_value=LEAST_STRIKE, max_value=MOST_STRIKE
    )
    expiry = serializers.DateField(help_text="The last day on which it can be traded.")


def contract_named(underlying: str, option: dict[str, Any]) -> str:
    """Return the symbol of a contract that is named by its parts."""
    if contract_terms(underlying) is not None:
        raise serializers.ValidationError(
            {"symbol": "With option it is the symbol of the underlying, not of a contract."}
        )
    named = ContractTerms(underlying, option["right"], option["strike"], option["expiry"])
    found = contract_terms(named.symbol)
    if found is None or found.underlying != underlying:
        message = f"There is no contract on {underlying}: one is named by {HOW_NAMED}."
        raise serializers.ValidationError({"symbol": message})
    return found.symbol


@extend_schema_serializer(examples=[examples.OPTION])
class OptionOutput(serializers.Serializer[Any]):
    """The contract that something is in; null of shares, coins and currencies."""

    underlying = serializers.CharField()
    right = serializers.ChoiceField(choices=RIGHTS)
    strike = PlainDecimalField()
    expiry = serializers.DateField()
    multiplier = PlainDecimalField(help_text="Quantity x price x multiplier is money.")
    synthetic_prices = serializers.BooleanField(
        help_text="Whether a model made its prices: nobody ever quoted them."
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(source="*", read_only=True, allow_null=True, **options)

    def to_representation(self, instance: Order | Fill | Position) -> Any:
        """Return the contract of an order, an execution or a position."""
        row = instance.order if isinstance(instance, Fill) else instance
        terms = contract_terms(row.symbol)
        if terms is None:
            return None
        told = {
            "underlying": terms.underlying,
            "right": terms.right,
            "strike": terms.strike,
            "expiry": terms.expiry,
            "multiplier": row.multiplier,
            "synthetic_prices": not ADAPTERS.get(instance.account.kind).capabilities.remote,
        }
        return super().to_representation(told)
