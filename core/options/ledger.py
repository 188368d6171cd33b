"""Fills and trades of options, collected row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.fees import Fees
from core.options.contract import Contract, contract_symbol
from core.options.result import OPTION_FILL, OPTION_TRADE


class Ledger:
    """What has been executed so far."""

    def __init__(self, underlying: str, multiplier: float) -> None:
        self._underlying = underlying
        self._multiplier = multiplier
        self._fills: list[tuple[Any, ...]] = []
        self._trades: list[tuple[Any, ...]] = []

    @property
    def fills(self) -> NDArray[Any]:
        """All fills as `OPTION_FILL`."""
        return np.array(self._fills, OPTION_FILL)

    @property
    def trades(self) -> NDArray[Any]:
        """All trades as `OPTION_TRADE`."""
        return np.array(self._trades, OPTION_TRADE)

    def fill(
        self,
        contract: Contract,
        *,
        position: int,
        moment: tuple[int, int, float, float],
        quantity: float,
        price: float,
        mid: float,
        commission: float,
        rule: int,
        reason: int,
    ) -> None:
        """Note an execution; `moment` is bar, time, price of the underlying and volatility."""
        bar, ts, spot, vol = moment
        self._fills.append(
            (
                *self._named(contract),
                position,
                bar,
                ts,
                1 if quantity > 0.0 else -1,
                abs(quantity),
                price,
                mid,
                commission,
                abs(quantity) * abs(price - mid) * self._multiplier,
                rule,
                reason,
                spot,
                vol,
            )
        )

    def trade(self, leg: Any, *, rule: int, number: int) -> None:
        """Note the leg that the last fill has closed; `leg` is its record."""
        bar, ts, _, quantity, price, mid, fee, slippage, _, reason = self._fills[-1][6:16]
        contract = self._fills[-1][:5]
        side = 1 if leg["quantity"] > 0.0 else -1
        entry, shares = float(leg["entry_price"]), quantity * self._multiplier
        costs = fee + float(leg["commission"])
        pnl = side * shares * (price - entry) - costs
        best, worst = max(float(leg["highest"]), mid), min(float(leg["lowest"]), mid)
        if side < 0:
            best, worst = worst, best
        self._trades.append(
            (
                *contract,
                number,
                int(leg["entry_bar"]),
                bar,
                int(leg["entry_ts"]),
                ts,
                side,
                quantity,
                entry,
                price,
                pnl,
                pnl / (entry * shares),
                costs,
                slippage + shares * abs(entry - float(leg["entry_mid"])),
                rule,
                reason,
                min(side * (worst - entry) / entry, 0.0),
                max(side * (best - entry) / entry, 0.0),
            )
        )

    def _named(self, contract: Contract) -> tuple[Any, ...]:
        return (
            contract_symbol(contract, self._underlying),
            int(contract.right),
            contract.strike,
            contract.expiry,
            self._multiplier,
        )


def commission_of(terms: Fees, contracts: float, value: float) -> float:
    """Return the commission of one order in one contract worth `value`, as the engine's costs."""
    fee = terms.per_order + value * terms.percent + contracts * terms.per_unit
    fee = max(fee, terms.minimum)
    return fee if terms.maximum is None else min(fee, terms.maximum)
