"""Every template on every sample equals its re-computation by hand, with and without costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.golden.by_hand import SIGNALS, Costs, play, trips_of
from tests.golden.public_path import SHARES, TEMPLATES, bars_of, run

COSTS = {
    "free": ({}, Costs()),
    "costly": (
        {
            "commission": {"percent": 0.0015, "per_order": 1.0},
            "slippage": {"bps": 5},
            "spread": 0.0004,
        },
        Costs(percent=0.0015, per_order=1.0, slippage=0.0005, spread=0.0004),
    ),
}


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("prices", ["adjusted", "raw"])
@pytest.mark.parametrize("symbol", SHARES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_trades_as_computed_by_hand(template, symbol, prices, costs):
    bars = bars_of(symbol, prices)
    config, by_hand = COSTS[costs]
    _, result = run(template, bars, {"cash": 10_000.0, **config})
    trips, equity = play(
        bars, SIGNALS[template](pd.Series(bars.close)), cash=10_000.0, costs=by_hand
    )
    found = trips_of(result.trades)
    assert [trip[:3] for trip in found] == [trip[:3] for trip in trips]
    np.testing.assert_allclose(found, trips, rtol=1e-11, atol=1e-8)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-12)
    assert len(trips) >= (1 if template == "buy_and_hold" else 5)
