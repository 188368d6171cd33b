"""What the paper venue charges, and when it fills: chosen per account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from core.engine.fees import Commission
from core.options.config import OptionsConfig
from market.contract_prices import DEFAULTS

BPS: Final = Decimal(10_000)
_AMOUNTS: Final = (
    *("slippage_bps", "spread", "percent", "per_order", "per_unit", "minimum", "maximum"),
    *("maker", "taker", "maximum_percent", "buy_percent", "sell_percent"),
    *("sell_per_order", "sell_per_unit", "borrow_rate", "financing_rate"),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Costs and fill rule of a paper account; the words are those of a backtest's config.

    Attributes
    ----------
    fill : "quote" or "next_open"
        A market order fills at the latest price at once, or at the open of the next bar, as in a
        backtest: the rule to replay history with.
    interval : str
        Of the bars that waiting orders are matched with; empty: those of the latest price.
    slippage_bps : Decimal
        What market and stop orders lose.
    spread : Decimal
        Fraction of the price, paid in full by orders that open a position.
    percent, per_order, per_unit, minimum, maximum, maximum_percent : Decimal
        Commission of an order.
    maker, taker : Decimal or None
        In place of `percent`: of limit orders that have rested in the book, and of all others.
    buy_percent, sell_percent, sell_per_order, sell_per_unit : Decimal
        What comes on top of it on one side, whatever its bounds.
    borrow_rate, financing_rate : Decimal
        Of the value of what is short and of cash below zero: fractions a year, a 365th a night.
    options : OptionsConfig
        The model's prices of contracts, their spread and commission, what short ones tie up, and
        how they are settled: in place of all above but `fill` and `interval`.
    """

    fill: Literal["quote", "next_open"] = "quote"
    interval: str = ""
    slippage_bps: Decimal = Decimal(0)
    spread: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    per_order: Decimal = Decimal(0)
    per_unit: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    maximum: Decimal | None = None
    maker: Decimal | None = None
    taker: Decimal | None = None
    maximum_percent: Decimal | None = None
    buy_percent: Decimal = Decimal(0)
    sell_percent: Decimal = Decimal(0)
    sell_per_order: Decimal = Decimal(0)
    sell_per_unit: Decimal = Decimal(0)
    borrow_rate: Decimal = Decimal(0)
    financing_rate: Decimal = Decimal(0)
    options: OptionsConfig = DEFAULTS

    @property
    def replays(self) -> bool:
        """Whether it is as late as the bars say, and not the clock."""
        return self.fill == "next_open"

    def commission(
        self, quantity: Decimal, price: Decimal, *, sign: int, rested: bool = False
    ) -> Decimal:
        """Return the commission of an order and the levies on its side: the engine's rule.

        `sign` is 1 for a purchase and -1 for a sale.
        """
        notional = quantity * price
        fee = self.per_order + notional * self._percent(rested=rested) + quantity * self.per_unit
        fee = max(fee, self.minimum)
        if self.maximum is not None:
            fee = min(fee, self.maximum)
        if self.maximum_percent is not None:
            fee = min(fee, notional * self.maximum_percent)
        if sign > 0:
            return fee + notional * self.buy_percent
        levies = notional * self.sell_percent + quantity * self.sell_per_unit
        return fee + levies + self.sell_per_order

    def _percent(self, *, rested: bool) -> Decimal:
        taken = self.percent if self.taker is None else self.taker
        return self.maker if rested and self.maker is not None else taken

    def paid(self, price: Decimal, sign: int, *, opening: bool) -> Decimal:
        """Return what a market or stop order pays where the market is at `price`."""
        loss = self.slippage_bps / BPS + (self.spread if opening else Decimal(0))
        return price * (1 + sign * loss)


def terms_of(data: Mapping[str, Any]) -> Terms:
    """Return the terms in an account's row; amounts are decimal strings or numbers.

    A `preset` stands for the schedule of a broker, as in a backtest.
    """
    costs = Commission.completed({**data, **data.get("commission", {})})
    amounts = {name: Decimal(str(costs[name])) for name in _AMOUNTS if costs.get(name) is not None}
    fill: Literal["quote", "next_open"] = (
        "next_open" if data.get("fill") == "next_open" else "quote"
    )
    options = data.get("options")
    return Terms(
        fill=fill,
        interval=str(data.get("interval", "")),
        options=OptionsConfig.from_mapping(options) if options else DEFAULTS,
        **amounts,
    )
