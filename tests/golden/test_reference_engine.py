"""Templates trade as in backtesting.py 0.6.6: every trade and the equity of every bar, by ==."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("backtesting", reason="the reference engine is optional (AGPL-3.0)")

from tests.golden.oracle import STRATEGIES, backtest
from tests.golden.public_path import SHARES, bars_of, run

FREE = ({}, {})
COSTLY = (
    {"commission": {"percent": 0.0015, "per_order": 1.0}, "spread": 0.0004},
    {"commission": (1.0, 0.0015), "spread": 0.0004},
)
FIELDS = {
    "entry_bar": "EntryBar",
    "exit_bar": "ExitBar",
    "entry_price": "EntryPrice",
    "exit_price": "ExitPrice",
    "pnl": "PnL",
    "commission": "Commission",
}


@pytest.mark.parametrize("costs", [FREE, COSTLY], ids=["free", "costly"])
@pytest.mark.parametrize("prices", ["adjusted", "raw"])
@pytest.mark.parametrize("symbol", SHARES)
@pytest.mark.parametrize("template", STRATEGIES)
def test_a_template_trades_as_in_backtesting_py(template, symbol, prices, costs):
    ours, theirs = costs
    bars = bars_of(symbol, prices)
    config = {"profile": "reference", "cash": 10_000.0, **ours}
    evaluation, result = run(template, bars, config)
    panel = {**evaluation.overlays, **evaluation.panels}
    stats = backtest(bars, STRATEGIES[template](panel), cash=10_000.0, **theirs)
    trades = stats["_trades"]
    assert len(trades) == len(result.trades) >= (1 if template == "buy_and_hold" else 5)
    np.testing.assert_array_equal(result.trades["side"] * result.trades["quantity"], trades["Size"])
    for field, column in FIELDS.items():
        np.testing.assert_array_equal(result.trades[field], trades[column], field)
    # A ratio of two numbers that are equal: the reference divides in another order.
    np.testing.assert_allclose(result.trades["return"], trades["ReturnPct"], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(result.equity, stats["_equity_curve"]["Equity"])
