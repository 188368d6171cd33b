"""The template `dca` worked out by hand: purchases for one amount at fixed distances, then waiting.

The reference engine holds one entry at a time, so a spreadsheet has to do.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.golden.by_hand import Costs, trips_of
from tests.golden.public_path import SHARES, bars_of, run
from tests.golden.test_by_hand import COSTS


def savings_plan(bars, *, amount, every, purchases, cash, costs: Costs):
    """Return rows of (entry bar, quantity, price paid), the money from the sale, and the equity."""
    rows, units, equity = [], 0.0, []
    spent = {every * number + 1 for number in range(purchases)}
    last = len(bars) - 1
    for bar, (open_, close) in enumerate(zip(bars.open.tolist(), bars.close.tolist(), strict=True)):
        if bar in spent:
            price = open_ * (1 + costs.slippage + costs.spread)
            bought = math.floor((amount - costs.per_order) / (price * (1 + costs.percent)))
            if bought:
                fee = costs.per_order + costs.percent * bought * price
                cash -= bought * price + fee
                units += bought
                rows.append((bar, float(bought), price, fee))
        if bar == last:
            price = close * (1 - costs.slippage)
            fee = costs.per_order + costs.percent * units * price
            cash += units * price - fee
            proceeds, units = (price, fee, units), 0.0
        equity.append(cash + units * close)
    return rows, proceeds, np.array(equity)


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("prices", ["adjusted", "raw"])
@pytest.mark.parametrize("symbol", SHARES)
def test_a_savings_plan_buys_as_computed_by_hand(symbol, prices, costs):
    bars = bars_of(symbol, prices)
    config, by_hand = COSTS[costs]
    _, result = run("dca", bars, {"cash": 20_000.0, **config})
    rows, (exit_price, exit_fee, units), equity = savings_plan(
        bars, amount=500, every=5, purchases=20, cash=20_000.0, costs=by_hand
    )
    found = trips_of(result.trades)
    last = len(bars) - 1
    assert [trip[:3] for trip in found] == [(bar, last, bought) for bar, bought, _, _ in rows]
    for trip, (_, bought, paid, fee) in zip(found, rows, strict=True):
        assert trip.entry_price == pytest.approx(paid, rel=1e-13)
        assert trip.exit_price == pytest.approx(exit_price, rel=1e-13)
        share = exit_fee * bought / units
        pnl = bought * (exit_price - paid) - fee - share
        assert trip.pnl == pytest.approx(pnl, rel=1e-9, abs=1e-7)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-12)
    assert len(found) == 20
