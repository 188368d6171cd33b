"""What goes in and out of the trading endpoints; amounts are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from brokers.adapters.kinds import ADAPTERS
from brokers.api import examples
from brokers.api.contracts import OptionInput, OptionOutput, contract_named
from brokers.api.fields import PlainDecimalField, WordField
from brokers.choices import AccountState, AssetType, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, Fill, Order, Position, RiskLimit
from core.api.forms import KnownFields
from core.engine.fees import PRESETS
from core.errors import InvalidInput
from core.options.config import OptionsConfig
from market.api.serializers import PriceOutput

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
    commission = PlainDecimalField()
    taken = PlainDecimalField(help_text="Units of a purchase that were kept as its commission.")
    charged_in = serializers.CharField(
        help_text="The coin that the commission was charged in. With a commission of 0 nobody "
        "says what that was worth."
    )
    option = OptionOutput()

    class Meta:
        model = Fill
        fields = (
            "trade_id", "execution_id", "symbol", "option", "side", "quantity", "price",
            "commission", "taken", "charged_in", "executed_at",
        )  # fmt: skip
