"""The savings plan, against its purchases computed by hand with pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from backtesting.test import GOOG

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.simulate import simulate
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_get

CONFIG = {"cash": 10_000, "commission": {"percent": 0.001}, "slippage": {"bps": 5}}


def run(parameters, prices=GOOG, **config):
    bars = Bars.from_arrays(
        ts=prices.index.to_numpy(),
        open=prices.Open,
        high=prices.High,
        low=prices.Low,
        close=prices.Close,
        volume=prices.Volume,
    )
    plan = graph_compile(graph_parse(template_get("DCA").document), parameters)
    evaluation = plan_evaluate(plan, bars)
    return simulate(
        bars, evaluation.columns, evaluation.program, RunConfig.from_mapping(CONFIG | config)
    )


@pytest.mark.parametrize(
    ("parameters", "every", "amount", "purchases"),
    [({}, 5, 500.0, 20), ({"every": 21, "amount": 1_000, "purchases": 7}, 21, 1_000.0, 7)],
)
@pytest.mark.parametrize("fractional", [True, False])
def test_purchases_and_equity_agree_with_pandas(parameters, every, amount, purchases, fractional):
    result = run(parameters, fractional=fractional)
    # Decided at the closes 0, every, 2 every…; filled at the next open, slippage on top.
    paid = GOOG.Open.shift(-1).iloc[: every * purchases : every] * 1.0005
    units = amount / (paid * 1.001)
    units = units if fractional else np.floor(units)
    bought = result.fills[: len(paid)]
    assert bought["bar"].tolist() == [1 + every * number for number in range(purchases)]
    np.testing.assert_allclose(bought["price"], paid, rtol=1e-12)
    np.testing.assert_allclose(bought["quantity"], units, rtol=1e-9)

    held = pd.Series(0.0, GOOG.index)
    spent = pd.Series(0.0, GOOG.index)
    days = GOOG.index[bought["bar"]]
    held[days], spent[days] = units.to_numpy(), (units * paid * 1.001).to_numpy()
    equity = 10_000 - spent.cumsum() + held.cumsum() * GOOG.Close
    # The last bar sells all that is held.
    np.testing.assert_allclose(result.equity[:-1], equity[:-1], rtol=1e-9)


def test_it_stops_where_the_money_is_spent():
    result = run({"amount": 4_000, "purchases": 5}, fractional=True)
    bought = result.fills[result.fills["side"] > 0]
    assert bought["bar"].tolist() == [1, 6]
    assert any("rejected" in warning for warning in result.warnings)
