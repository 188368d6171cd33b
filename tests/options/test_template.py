"""The shipped template on real prices, against the same strategy written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.backtests.simulation import graph_simulate
from core.engine.config import RunConfig
from core.options.config import OptionsConfig
from core.options.result import OptionExitReason
from market.providers.sample import share_read
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get
from tests.options import by_hand

CASH = 200_000.0


def product(bars, **parameters):
    graph = graph_parse(template_get("cash_secured_put").document)
    return graph_simulate(
        graph=graph_document(graph),
        graph_hash=graph_hash(graph),
        parameters=parameters,
        bars=bars,
        config=RunConfig(cash=CASH, liquidate_at_end=False),
        periods_per_year=252.0,
        options=OptionsConfig(style="european"),
    )


@pytest.mark.parametrize(
    ("symbol", "prices", "delta", "trend"),
    [
        ("GOOG", "raw", 0.3, 100),
        ("MSFT", "adjusted", 0.3, 100),
        ("AAPL", "adjusted", 0.5, 20),
        ("IBM", "adjusted", 0.15, 50),
    ],
)
def test_the_template_trades_as_it_does_by_hand(symbol, prices, delta, trend):
    history = share_read(symbol)
    bars = history.bars if prices == "raw" else history.adjusted()
    found = product(bars, delta=delta, trend=trend)
    days = [day.astype(object) for day in bars.ts.astype("datetime64[ns]").astype("datetime64[D]")]
    expected = by_hand.simulate(days, bars.open, bars.close, cash=CASH, delta=delta, trend=trend)
    legs = found.result.option_trades
    ours = list(
        zip(
            legs["entry_bar"].tolist(),
            legs["exit_bar"].tolist(),
            legs["strike"].tolist(),
            [OptionExitReason(one).label for one in legs["exit_reason"].tolist()],
            strict=True,
        )
    )
    assert ours == [(*one[:3], one[5]) for one in expected["puts"]]
    assert len(ours) > 50
    sold = [one[3] for one in expected["puts"]]
    np.testing.assert_allclose(legs["entry_price"], sold, rtol=1e-9, atol=1e-12)
    back = [one[4] for one in expected["puts"]]
    np.testing.assert_allclose(legs["exit_price"], back, rtol=1e-9, atol=1e-12)
    shares = found.result.trades
    assert list(zip(shares["entry_price"], shares["exit_price"], strict=True)) == expected["shares"]
    np.testing.assert_allclose(found.result.equity, expected["equity"], rtol=1e-9)
    assert found.summary.values["trades"] == len(ours) + len(expected["shares"])
