"""What goes in and out of the endpoints of broker accounts; amounts are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.adapters.kinds import ADAPTERS
from brokers.api import examples
from brokers.api.fields import PlainDecimalField
from brokers.choices import AccountState
from brokers.models import BrokerAccount
from core.api.forms import KnownFields
from core.engine.fees import PRESETS
from core.errors import InvalidInput
from core.options.config import OptionsConfig

SMALLEST: Final = Decimal("0.00000001")
POSITIVE: Final = {"min_value": "It must be above zero."}


class TermField(PlainDecimalField):
    """A cost of the paper venue, kept as a decimal string."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, min_value=Decimal(0), **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return a decimal string, which a JSON column can keep; it is checked as a number."""
        value = super().run_validation(data)
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class MismatchOutput(serializers.Serializer[Any]):
    """A position that differs."""

    symbol = serializers.CharField()
    ours = serializers.CharField()
    theirs = serializers.CharField()


class PaperTermsInput(KnownFields):
    """What the paper venue charges and when it fills."""

    fill = serializers.ChoiceField(choices=["quote", "next_open"], default="quote")
    interval = serializers.CharField(required=False, max_length=4)
    slippage_bps = TermField(max_value=Decimal(9999))
    spread = TermField(max_value=Decimal("0.99"))
    percent = TermField(max_value=Decimal("0.99"))
    per_order = TermField()
    per_unit = TermField()
    minimum = TermField()
    maximum = TermField()
    maker = TermField(max_value=Decimal("0.99"))
    taker = TermField(max_value=Decimal("0.99"))
    maximum_percent = TermField(max_value=Decimal("0.99"))
    buy_percent = TermField(max_value=Decimal("0.99"))
    sell_percent = TermField(max_value=Decimal("0.99"))
    sell_per_order = TermField()
    sell_per_unit = TermField()
    borrow_rate = TermField(max_value=Decimal(10))
    financing_rate = TermField(max_value=Decimal(10))
    preset = serializers.ChoiceField(choices=["none", *PRESETS], required=False)
    options = serializers.DictField(
        required=False, help_text="Of contracts: the keys of a backtest's `options`."
    )

    def validate_options(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse what a backtest's configuration would."""
        try:
            OptionsConfig.from_mapping(value)
        except InvalidInput as error:
            raise serializers.ValidationError(
                {fault.path or "options": [fault.message] for fault in error.details}
            ) from error
        return value


@extend_schema_serializer(examples=[examples.ACCOUNT])
class AccountOutput(serializers.ModelSerializer[BrokerAccount]):
    """A broker account."""

    initial_cash = PlainDecimalField()
    buying_power = PlainDecimalField(allow_null=True)
    has_credentials = serializers.SerializerMethodField()
    mismatch = MismatchOutput(many=True)

    class Meta:
        model = BrokerAccount
        fields = (
            "id", "kind", "name", "currency", "initial_cash", "buying_power", "live", "state",
            "state_reason", "has_credentials", "paper_terms", "reconciled_at", "mismatch",
            "created_at",
        )  # fmt: skip

    def get_has_credentials(self, account: BrokerAccount) -> bool:
        """Return whether credentials are stored; what they are is told to nobody."""
        return account.sealed is not None


@extend_schema_serializer(examples=[examples.NEW_ACCOUNT])
class AccountInput(KnownFields):
    """An account to connect."""

    kind = serializers.ChoiceField(choices=ADAPTERS.choices())
    name = serializers.CharField(max_length=100)
    credentials = serializers.DictField(
        child=serializers.CharField(allow_blank=True), default=dict, write_only=True
    )
    initial_cash = PlainDecimalField(required=False, min_value=Decimal(1))
    paper_terms = PaperTermsInput(required=False)


@extend_schema_serializer(examples=[examples.CREDENTIALS])
class CredentialsInput(KnownFields):
    """Credentials in place of those there are; they are never shown again."""

    credentials = serializers.DictField(child=serializers.CharField(), write_only=True)


@extend_schema_serializer(examples=[examples.LIVE])
class LiveInput(KnownFields):
    """The password, typed again."""

    password = serializers.CharField(write_only=True, max_length=1000, trim_whitespace=False)


@extend_schema_serializer(examples=[examples.STATE])
class StateInput(KnownFields):
    """What the account may do from now on."""

    state = serializers.ChoiceField(choices=AccountState.choices)


@extend_schema_serializer(examples=[examples.SYNC])
class SyncInput(KnownFields):
    """How to reconcile."""

    adopt = serializers.BooleanField(
        default=False, help_text="Take the broker's positions over where they differ."
    )


class BalanceOutput(serializers.Serializer[Any]):
    """Money of an account as its broker tells it."""

    currency = serializers.CharField()
    equity = PlainDecimalField()
    cash = PlainDecimalField()
    buying_power = PlainDecimalField()


@extend_schema_serializer(examples=[examples.CONNECTION])
class ConnectionOutput(serializers.Serializer[Any]):
    """What a test of the connection found."""

    connected = serializers.BooleanField()
    message = serializers.CharField()
    balance = BalanceOutput(allow_null=True)


@extend_schema_serializer(examples=[examples.KILL])
class KillInput(serializers.Serializer[dict[str, Any]]):
    """Which accounts to halt.

    Alone among the forms it passes over names it does not know: in an emergency nothing is worse
    than an answer of 422.
    """

    account_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="All your accounts where left out."
    )
    reason = serializers.CharField(max_length=200, default="by its owner")


@extend_schema_serializer(examples=[examples.KILLED])
class KillOutput(serializers.Serializer[Any]):
    """What the kill switch did."""

    accounts = serializers.IntegerField()
    canceled = serializers.IntegerField()
    pending = serializers.IntegerField(help_text="Cancels that their brokers have not confirmed.")
