"""What the paper venue charges, and when it fills: chosen per account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

BPS = Decimal(10_000)


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

    def commission(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the commission of an order: the engine's rule."""
        fee = self.per_order + quantity * price * self.percent + quantity * self.per_unit
        fee = max(fee, self.minimum)
        return fee if self.maximum is None else min(fee, self.maximum)

    def paid(self, price: Decimal, sign: int, *, opening: bool) -> Decimal:
        """Return what a market or stop order pays where the market is at `price`."""
        loss = self.slippage_bps / BPS + (self.spread if opening else Decimal(0))
        return price * (1 + sign * loss)


def terms_of(data: Mapping[str, Any]) -> Terms:
    """Return the terms in an account's row; amounts are decimal strings or numbers."""
    costs = {**data, **data.get("commission", {})}
    amounts = {
        name: Decimal(str(costs[name]))
        for name in (
            "slippage_bps", "spread", "percent", "per_order", "per_unit", "minimum", "maximum",
        )
        if costs.get(name) is not None
    }  # fmt: skip
    fill: Literal["quote", "next_open"] = (
        "next_open" if data.get("fill") == "next_open" else "quote"
    )
    return Terms(
        fill=fill,
        interval=str(data.get("interval", "")),
        **amounts,
    )
