"""The two forms in which a backtest is asked for, and their translation into one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from core.backtests.api.fields import CostField, DayOrTimeField, capital_field
from core.backtests.models.run import NAME_LENGTH, SYMBOL_LENGTH, TAG_LENGTH, UNIVERSE_LENGTH
from core.backtests.services.creation import RunRequest
from core.engine.allocation import INSTRUMENTS_AT_MOST
from core.spelling import did_you_mean

STRATEGY_LENGTH = 100
BPS_PER_UNIT = 10_000


class RunForm(serializers.Serializer[Any]):
    """`POST backtests`."""

    strategy_id = serializers.CharField(
        max_length=STRATEGY_LENGTH, help_text="Id of a strategy, or the name of a template."
    )
    version = serializers.IntegerField(
        min_value=1, required=False, help_text="A published version; without it the draft is."
    )
    symbols = serializers.ListField(
        child=serializers.CharField(max_length=SYMBOL_LENGTH),
        max_length=INSTRUMENTS_AT_MOST,
        default=list,
        help_text="One instrument, or those of a portfolio, which share the capital.",
    )
    universe = serializers.CharField(
        max_length=UNIVERSE_LENGTH,
        default="",
        allow_blank=True,
        help_text="Name or id of a list of instruments, in place of `symbols`.",
    )
    start = DayOrTimeField(help_text="A day means the whole session.")
    end = DayOrTimeField(help_text="Included, if it is a day.")
    interval = serializers.CharField(max_length=10, default="1d")
    capital = capital_field(required=False)
    parameters = serializers.DictField(default=dict)
    config = serializers.DictField(
        default=dict,
        help_text="Costs, margin, contract of fills; `detail_interval` for finer bars inside of "
        "bars, `adjustment` for what is in the prices: `all`, `splits` or `raw`.",
    )
    name = serializers.CharField(max_length=NAME_LENGTH, default="", allow_blank=True)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=TAG_LENGTH), default=list, max_length=20
    )

    aliases: ClassVar[Mapping[str, str]] = {
        "initial_capital": "capital",
        "ticker": "symbols",
        "symbol": "symbols",
        "strategy": "strategy_id",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Read the form in any accepted spelling; name faults as the caller spelt the field."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        spelt: dict[str, str] = {}
        canonical: dict[str, Any] = {}
        faults: dict[str, list[str]] = {}
        for key, value in data.items():
            name = self.aliases.get(key, key)
            if name in canonical:
                faults[key] = [f"This means the same as {spelt[name]!r}: send one of them."]
            elif name not in self.fields:
                faults[key] = [unknown_key(key, [*self.fields, *self.aliases])]
            else:
                single = name == "symbols" and isinstance(value, str)
                canonical[name], spelt[name] = [value] if single else value, key
        try:
            found = super().to_internal_value(canonical)
        except serializers.ValidationError as error:
            known: Any = error.detail
            faults |= {spelt.get(name, name): inner for name, inner in known.items()}
        if faults:
            raise serializers.ValidationError(faults)
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Want instruments from one place, and money from one place at least."""
        if bool(attrs["symbols"]) == bool(attrs["universe"]):
            told = 'Name an instrument, as ["GOOG"], several of them, or a universe.'
            if attrs["symbols"]:
                told = "Send symbols or a universe, not both."
            raise serializers.ValidationError({"symbols": [told]}, code="required")
        if "capital" not in attrs and "cash" not in attrs.get("config", {}):
            raise serializers.ValidationError(
                {"capital": ["Say how much to start with, such as 10000."]}, code="required"
            )
        return attrs

    def request(self) -> RunRequest:
        """Return what was asked for, once the form is valid."""
        data = self.validated_data
        return RunRequest(
            strategy=data["strategy_id"],
            version=data.get("version"),
            symbols=tuple(data["symbols"]),
            universe=data["universe"],
            start=data["start"],
            end=data["end"],
            interval=data["interval"],
            capital=data.get("capital"),
            parameters=data["parameters"],
            config=data["config"],
            name=data["name"],
            tags=tuple(data["tags"]),
        )


class QuickForm(serializers.Serializer[Any]):
    """`POST backtest`: the form a front end posts; fields it does not know are not looked at."""

    ticker = serializers.CharField(max_length=SYMBOL_LENGTH)
    startDate = DayOrTimeField()  # noqa: N815 - the front end's spelling
    endDate = DayOrTimeField()  # noqa: N815 - the front end's spelling
    strategy = serializers.CharField(
        max_length=STRATEGY_LENGTH, help_text="Name of a template, or id of a strategy."
    )
    capital = capital_field()
    interval = serializers.CharField(max_length=10, default="1d")
    commission = CostField(required=False, help_text="Fraction of the notional, each way.")
    slippage = CostField(required=False, help_text="Fraction of the price, each way.")
    parameters = serializers.DictField(default=dict)

    def to_internal_value(self, data: Any) -> Any:
        """Read the form, with `initial_capital` for `capital`."""
        if isinstance(data, Mapping) and "capital" not in data and "initial_capital" in data:
            data = {**data, "capital": data["initial_capital"]}
        return super().to_internal_value(data)

    def request(self) -> RunRequest:
        """Return what was asked for, once the form is valid."""
        data = self.validated_data
        return RunRequest(
            strategy=data["strategy"],
            symbols=(data["ticker"],),
            start=data["startDate"],
            end=data["endDate"],
            interval=data["interval"],
            capital=data["capital"],
            parameters=data["parameters"],
            config=costs_config(data.get("commission"), data.get("slippage")),
        )


def costs_config(
    commission: float | dict[str, Any] | None, slippage: float | dict[str, Any] | None
) -> dict[str, Any]:
    """Return the configuration of a run for costs given as fractions, or as objects."""
    config: dict[str, Any] = {}
    if commission is not None:
        is_object = isinstance(commission, dict)
        config["commission"] = commission if is_object else {"percent": commission}
    if slippage is not None:
        # Rounded, so that 0.0005 is 5 and not 5.000000000000001.
        bps = slippage if isinstance(slippage, dict) else round(slippage * BPS_PER_UNIT, 9)
        config["slippage"] = bps if isinstance(bps, dict) else {"bps": bps}
    return config


def form_of(data: Any) -> RunForm | QuickForm:
    """Return the form that a body of `POST backtest` is written in."""
    is_full = isinstance(data, Mapping) and bool(
        {"strategy_id", "symbols", "universe", "start"} & data.keys()
    )
    return RunForm(data=data) if is_full else QuickForm(data=data)


def unknown_key(key: str, known: list[str]) -> str:
    """Return what to say of a field that does not exist."""
    return f"There is no such field.{did_you_mean(key, known)} There are: {', '.join(known)}."
