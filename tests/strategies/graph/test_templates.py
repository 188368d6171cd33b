"""The templates, and their trades as others compute them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib
from backtesting import Backtest, Strategy
from backtesting.lib import crossover
from backtesting.test import GOOG

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.simulate import simulate
from core.errors import InvalidInput
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_document, graph_parse
from strategies.graph.templates import TEMPLATES, template_get, template_list
from strategies.graph.validate import graph_faults


@pytest.fixture(scope="module")
def goog() -> Bars:
    return Bars.from_arrays(
        ts=GOOG.index.to_numpy(),
        open=GOOG.Open,
        high=GOOG.High,
        low=GOOG.Low,
        close=GOOG.Close,
        volume=GOOG.Volume,
    )


def signals(name: str, bars: Bars, **parameters) -> tuple[list[int], list[int]]:
    """Return the bars at which a template enters and leaves, by its columns."""
    plan = graph_compile(graph_parse(template_get(name).document), parameters)
    columns = plan_evaluate(plan, bars).columns
    enter, leave = columns if len(columns) == 2 else (columns[0], np.zeros(len(bars), bool))
    return np.flatnonzero(enter).tolist(), np.flatnonzero(leave).tolist()


def crossings(left: pd.Series, right: pd.Series | float) -> list[int]:
    """Return crossings above by the signs of the difference; ties keep the sign before them."""
    difference = left - right
    sign = np.sign(difference).replace(0, np.nan).ffill().where(difference.notna())
    return np.flatnonzero((sign > 0) & (sign.shift() < 0) & (difference > 0)).tolist()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_canonical_complete_and_explained(name):
    template = template_get(name)
    graph = graph_parse(template.document)
    assert graph_document(graph) == template.document
    assert graph_faults(graph) == ([], [])
    assert template.title
    assert len(template.description) > 60
    for parameter in template.document["parameters"]:
        assert parameter.keys() >= {"name", "type", "default", "min", "max", "title"}


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("SMA", "sma_cross"),
        ("ema", "ema_cross"),
        ("Rsi", "rsi"),
        ("MACD", "macd"),
        ("BUY_AND_HOLD", "buy_and_hold"),
        ("Buy and hold", "buy_and_hold"),
        ("sma-cross", "sma_cross"),
    ],
)
def test_a_template_answers_to_its_aliases_in_any_case(spelling, name):
    assert template_get(spelling).name == name


def test_an_unknown_template_names_those_there_are():
    with pytest.raises(InvalidInput, match="sma_cross, ema_cross, rsi, macd, buy_and_hold"):
        template_get("moon")


def test_a_template_may_be_changed_without_changing_the_next_one():
    template_get("rsi").document["nodes"].clear()
    assert template_get("rsi").document["nodes"]
    assert [template.name for template in template_list()] == list(TEMPLATES)


def test_sma_cross_agrees_with_pandas(goog):
    close = pd.Series(goog.close)
    fast, slow = close.rolling(10).mean(), close.rolling(20).mean()
    assert signals("sma", goog) == (crossings(fast, slow), crossings(slow, fast))


def test_ema_cross_agrees_with_pandas(goog):
    close = pd.Series(goog.close)

    def ema(period: int) -> pd.Series:  # seeded by the simple average, as TA-Lib does
        seeded = close.copy()
        seeded[: period - 1] = np.nan
        seeded[period - 1] = close[:period].mean()
        return seeded.ewm(span=period, adjust=False).mean()

    fast, slow = ema(20), ema(50)
    assert signals("ema", goog) == (crossings(fast, slow), crossings(slow, fast))


def test_rsi_agrees_with_pandas(goog):
    change = pd.Series(goog.close).diff()

    def wilder(moves: pd.Series) -> pd.Series:
        seeded = moves.copy()
        seeded[:14] = np.nan
        seeded[14] = moves[1:15].mean()
        return seeded.ewm(alpha=1 / 14, adjust=False).mean()

    gain, loss = wilder(change.clip(lower=0)), wilder(-change.clip(upper=0))
    rsi = 100 * gain / (gain + loss)
    seventy = pd.Series(70.0, index=rsi.index)
    expected = (crossings(rsi, 30.0), crossings(seventy, rsi))
    assert signals("rsi", goog) == expected
    assert signals("rsi", goog, oversold=40)[0] == crossings(rsi, 40.0)


def test_macd_agrees_with_talib(goog):
    macd, signal, _ = (pd.Series(line) for line in talib.MACD(goog.close, 12, 26, 9))
    assert signals("macd", goog) == (crossings(macd, signal), crossings(signal, macd))


def test_buy_and_hold_buys_the_second_open_and_holds_to_the_end(goog):
    plan = graph_compile(graph_parse(template_get("buy_and_hold").document))
    evaluation = plan_evaluate(plan, goog)
    result = simulate(goog, evaluation.columns, evaluation.program, RunConfig())
    (trade,) = result.trades
    units = 10_000 // goog.open[1]
    assert (trade["entry_bar"], trade["exit_bar"]) == (1, len(goog) - 1)
    assert trade["quantity"] == units
    assert result.equity[-1] == pytest.approx(10_000 + units * (goog.close[-1] - goog.open[1]))


def test_sma_cross_trades_as_the_reference_engine_does(goog):
    class SmaCross(Strategy):
        def init(self):
            self.fast = self.I(talib.SMA, self.data.Close, 10)
            self.slow = self.I(talib.SMA, self.data.Close, 20)

        def next(self):
            if crossover(self.fast, self.slow):
                self.buy()
            elif crossover(self.slow, self.fast):
                self.position.close()

    reference = Backtest(
        GOOG, SmaCross, cash=10_000, commission=0.002, exclusive_orders=True, finalize_trades=True
    ).run()
    plan = graph_compile(graph_parse(template_get("sma").document))
    evaluation = plan_evaluate(plan, goog, strict_cross=True)
    config = RunConfig.from_mapping({"profile": "reference", "commission": {"percent": 0.002}})
    result = simulate(goog, evaluation.columns, evaluation.program, config)
    theirs = reference["_trades"]
    assert result.trades["entry_bar"].tolist() == theirs["EntryBar"].tolist()
    assert result.trades["exit_bar"].tolist() == theirs["ExitBar"].tolist()
    assert result.trades["entry_price"].tolist() == theirs["EntryPrice"].tolist()
    assert result.trades["quantity"].tolist() == theirs["Size"].tolist()
    assert result.equity[-1] == reference["Equity Final [$]"]


def test_the_example_of_the_documentation_runs(goog):
    text = (Path(__file__).parents[3] / "docs" / "graph.md").read_text()
    example = json.loads(text.split("```json")[1].split("```")[0])
    graph = graph_parse(example)
    assert graph_faults(graph) == ([], [])
    evaluation = plan_evaluate(graph_compile(graph), goog)
    assert len(simulate(goog, evaluation.columns, evaluation.program, RunConfig()).trades) > 5
