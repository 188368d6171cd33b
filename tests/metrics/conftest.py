from __future__ import annotations

import numpy as np
import pytest

DAY = 86_400_000_000_000
START = 1_577_836_800_000_000_000  # 2020-01-01

TRADE = np.dtype(
    [
        ("quantity", np.float64),
        ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("pnl", np.float64),
        ("return", np.float64),
        ("commission", np.float64),
        ("slippage", np.float64),
    ]
)


@pytest.fixture(scope="session")
def make_run():
    """Return a maker of `summarise`'s arguments from equity and the profits of trades."""

    def make(equity, pnl=(), *, step=DAY, **changed):
        curve = np.array(equity, dtype=np.float64)
        trades = np.zeros(len(pnl), dtype=TRADE)
        trades["quantity"] = 2.0
        trades["entry_price"] = 50.0
        trades["pnl"] = pnl
        trades["exit_price"] = 50.0 + trades["pnl"] / 2.0
        trades["return"] = trades["pnl"] / 100.0
        trades["commission"] = 0.25
        trades["slippage"] = 0.125
        return {
            "ts": START + np.arange(len(curve), dtype=np.int64) * step,
            "equity": curve,
            "trades": trades,
            "position": np.ones(len(curve)),
            "close": np.linspace(50.0, 60.0, len(curve)),
            "initial_cash": 100.0,
            "periods_per_year": 252.0,
        } | changed

    return make
