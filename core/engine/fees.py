"""Commission: what an order costs, and the schedules of the supported brokers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.engine.section import Section, bounded, fault
from core.errors import Detail


@dataclass(frozen=True, slots=True)
class Fees(Section):
    """Commission of one order: ``per_order + percent x notional + per_unit x units``, clamped.

    Attributes
    ----------
    percent : float
        Fraction of the notional, charged on the way in and on the way out.
    per_order, per_unit : float
        Account currency.
    minimum, maximum : float
        Bounds of the sum of an order; no upper bound where `maximum` is None.
    """

    percent: float = bounded(0.0, minimum=0.0, below=1.0)
    per_order: float = bounded(0.0, minimum=0.0)
    per_unit: float = bounded(0.0, minimum=0.0)
    minimum: float = bounded(0.0, minimum=0.0)
    maximum: float | None = bounded(None, minimum=0.0)

    def conflicts(self) -> list[Detail]:
        """Return the fault of bounds that leave nothing between them."""
        if self.maximum is None or self.maximum >= self.minimum:
            return []
        rule = f"must be at least the minimum, {self.minimum}"
        return [fault("maximum", "conflict", rule, f">= {self.minimum}", self.maximum)]


@dataclass(frozen=True, slots=True)
class Commission(Fees):
    """Commission of an order in the instrument of a run, with what the law adds to it.

    Attributes
    ----------
    maker, taker : float or None
        Fraction of the notional in place of `percent`: of limit orders that have rested, and of
        all others.
    maximum_percent : float or None
        Upper bound as a fraction of the notional, stronger than `minimum`.
    buy_percent, sell_percent : float
        Taxes and levies on purchases and on sales, fractions of the notional; outside the bounds.
    sell_per_order, sell_per_unit : float
        Likewise, on sales, in account currency.
    preset : str
        A broker's schedule, of `PRESETS`: in `from_mapping` it stands for its keys, and the keys
        beside it replace its own. Made directly, a section holds what it is given.
    """

    maker: float | None = bounded(None, minimum=0.0, below=1.0)
    taker: float | None = bounded(None, minimum=0.0, below=1.0)
    maximum_percent: float | None = bounded(None, above=0.0, below=1.0)
    buy_percent: float = bounded(0.0, minimum=0.0, below=1.0)
    sell_percent: float = bounded(0.0, minimum=0.0, below=1.0)
    sell_per_order: float = bounded(0.0, minimum=0.0)
    sell_per_unit: float = bounded(0.0, minimum=0.0)
    preset: Literal[
        "none",
        "alpaca",
        "interactive_brokers_fixed",
        "interactive_brokers_tiered",
        "zerodha",
        "zerodha_intraday",
        "dhan",
        "dhan_intraday",
        "binance",
    ] = "none"

    @classmethod
    def completed(cls, mapping: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the keys with those that the preset stands for."""
        preset = mapping.get("preset")
        return (PRESETS.get(preset, {}) if isinstance(preset, str) else {}) | dict(mapping)


_TAF: Final = 0.000166
_CAT: Final = 0.0000265
_GST: Final = 1.18
# NSE's transaction charge and SEBI's ten rupees a crore, with the tax on both.
_NSE: Final = (0.0000307 + 0.000001) * _GST
_DELIVERY: Final = {"buy_percent": 0.001 + 0.00015 + _NSE, "sell_percent": 0.001 + _NSE}
_INTRADAY: Final = {
    "percent": 0.0003 * _GST,
    "maximum": 20.0 * _GST,
    "buy_percent": 0.00003 + _NSE,
    "sell_percent": 0.00025 + _NSE,
}

PRESETS: Final[Mapping[str, dict[str, float]]] = {
    "alpaca": {"per_unit": _CAT, "sell_per_unit": _TAF},
    "interactive_brokers_fixed": {
        "per_unit": 0.005,
        "minimum": 1.0,
        "maximum_percent": 0.01,
        "sell_per_unit": _TAF,
    },
    "interactive_brokers_tiered": {
        "per_unit": 0.0035,
        "minimum": 0.35,
        "maximum_percent": 0.01,
        "sell_per_unit": _TAF,
    },
    "zerodha": {**_DELIVERY, "sell_per_order": 13.0 * _GST},
    "zerodha_intraday": _INTRADAY,
    "dhan": {**_DELIVERY, "sell_per_order": 12.5 * _GST},
    "dhan_intraday": _INTRADAY,
    "binance": {"maker": 0.001, "taker": 0.001},
}
"""Published schedules of 2025, for shares (binance: spot) in the market's currency.

Compared with the brokers' own pages; charges change at the turn of a year, and the keys beside a
preset replace its own.

- alpaca: no commission; FINRA's trading activity fee on sales (its cap of $8.30 an order is left
  out), the consolidated audit trail's on both sides, SEC fee zero from 14 May 2025 on.
  https://alpaca.markets/support/regulatory-fees
- interactive_brokers_fixed, interactive_brokers_tiered: US shares, Pro accounts, the first tier up
  to 300,000 shares a month; at most 1 % of the order. The audit trail's fee, and of the tiered
  schedule the clearing ($0.0002 a share), exchange and pass-through fees, which depend on the
  venue, are left out. https://www.interactivebrokers.com/en/pricing/commissions-stocks.php
- From 2026 on FINRA takes $0.000195 a share, and from 4 April 2026 the SEC $20.60 a million sold:
  `{"sell_per_unit": 0.000195, "sell_percent": 0.0000206}` beside the preset of a US broker.
- zerodha, dhan: NSE shares for delivery without brokerage; securities transaction tax 0.1 % on
  both sides, stamp duty 0.015 % on purchases, NSE (0.00307 %, its investors' fund included) and
  SEBI charges with 18 % GST, and the depository's charge a sale: 13 rupees at zerodha, 12.50 at
  dhan, with GST, once a day in truth. https://zerodha.com/charges, https://dhan.co/pricing
- zerodha_intraday, dhan_intraday: 0.03 % up to 20 rupees an order with GST; transaction tax 0.025 %
  on sales, stamp duty 0.003 % on purchases.
- binance: spot, regular users without the discount of a quarter for paying in BNB.
  https://www.binance.com/en/fee/trading
"""
