"""Templates on bands and breakouts, worked out a second time in pandas and a plain loop."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import market
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_get
from tests.golden.by_hand import Costs, Trip, play, trips_of

CASH = 10_000.0


@cache
def goog() -> pd.DataFrame:
    """The sample as its file has it, read by pandas."""
    return pd.read_csv(Path(market.__file__).parent / "sample" / "GOOG.csv.gz", parse_dates=["ts"])


@cache
def bars() -> Bars:
    frame = goog()
    fields = {name: frame[name] for name in ("open", "high", "low", "close", "volume")}
    return Bars.from_arrays(ts=frame.ts.to_numpy().astype("datetime64[ns]"), **fields)


def evaluated(name: str, **parameters):
    return plan_evaluate(
        graph_compile(graph_parse(template_get(name).document), parameters), bars()
    )


def traded(name: str, **parameters):
    evaluation = evaluated(name, **parameters)
    return simulate(bars(), evaluation.columns, evaluation.program, RunConfig())


def signals(name: str, **parameters) -> tuple[list[int], list[int]]:
    """Return the bars from the warm-up on at which a template decides to enter and to leave."""
    evaluation = evaluated(name, **parameters)
    enter, leave = (c for c in evaluation.columns if c.dtype == np.bool_)
    first = evaluation.program.warmup
    return tuple((np.flatnonzero(found[first:]) + first).tolist() for found in (enter, leave))


def bands(close: pd.Series, period: int, deviations: float):
    middle = close.rolling(period).mean()
    width = deviations * close.rolling(period).std(ddof=0)
    return middle - width, middle, middle + width


def true_range(frame: pd.DataFrame) -> pd.Series:
    before = frame.close.shift()
    moves = [frame.high - frame.low, (frame.high - before).abs(), (frame.low - before).abs()]
    return pd.concat(moves, axis=1).max(axis=1)


def wilder(values: pd.Series, period: int) -> pd.Series:
    """Seeded by the plain mean of values 1 to `period`: the first bar has no true range."""
    seeded = values.copy()
    seeded[:period] = np.nan
    seeded[period] = values[1 : period + 1].mean()
    return seeded.ewm(alpha=1 / period, adjust=False).mean()


def bollinger_reversion(frame: pd.DataFrame, period=20, deviations=2.0):
    lower, middle, _ = bands(frame.close, period, deviations)
    below = frame.close < lower
    return below & (frame.close > lower).shift(fill_value=False), frame.close > middle


def donchian_breakout(frame: pd.DataFrame, entry_period=20, exit_period=10):
    enter, leave = [], []
    for bar, close in enumerate(frame.close):
        highs = frame.high[max(bar - entry_period, 0) : bar]
        lows = frame.low[max(bar - exit_period, 0) : bar]
        enter.append(len(highs) == entry_period and close > highs.max())
        leave.append(bar >= entry_period and close < lows.min())
    return pd.Series(enter), pd.Series(leave)


def supertrend(frame: pd.DataFrame, period=10, multiplier=3.0):
    """The usual recursion, as charting platforms print it; the first trend is up."""
    reach = multiplier * wilder(true_range(frame), period)
    middle = (frame.high + frame.low) / 2
    enter, leave = [False] * len(frame), [False] * len(frame)
    up, ceiling, floor = True, math.inf, -math.inf
    before = math.nan
    for bar, (close, mid, half) in enumerate(zip(frame.close, middle, reach, strict=True)):
        if bar < period:
            continue
        ceiling = min(mid + half, ceiling) if before <= ceiling else mid + half
        floor = max(mid - half, floor) if before >= floor else mid - half
        enter[bar], leave[bar] = not up and close > ceiling, up and close < floor
        up = (up or enter[bar]) and not leave[bar]
        before = close
    return pd.Series(enter), pd.Series(leave)


def la_bomba(frame: pd.DataFrame, squeeze_bars=120, squeeze_age=10, volume_factor=1.5):
    lower, middle, upper = bands(frame.close, 20, 2.0)
    bandwidth = (upper - lower) / middle
    squeezed = (bandwidth == bandwidth.rolling(squeeze_bars).min()).astype(float)
    squeezed[: 19 + squeeze_bars - 1] = np.nan
    recently = squeezed.rolling(squeeze_age).max() == 1
    busy = frame.volume >= volume_factor * frame.volume.rolling(20).mean()
    return recently & busy & (frame.close > upper), frame.close < middle


BY_HAND = {
    "bollinger_reversion": bollinger_reversion,
    "donchian_breakout": donchian_breakout,
    "supertrend": supertrend,
    "la_bomba": la_bomba,
}
CASES = [
    ("bollinger_reversion", {}),
    ("bollinger_reversion", {"period": 30, "deviations": 1.5}),
    ("donchian_breakout", {}),
    ("donchian_breakout", {"entry_period": 55, "exit_period": 20}),
    ("supertrend", {}),
    ("supertrend", {"period": 14, "multiplier": 2}),
    ("la_bomba", {}),
    ("la_bomba", {"squeeze_bars": 60, "squeeze_age": 20, "volume_factor": 1}),
]


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_a_template_decides_as_computed_in_pandas(name, parameters):
    enter, leave = BY_HAND[name](goog(), **parameters)
    first = evaluated(name, **parameters).program.warmup
    expected = tuple((np.flatnonzero(found[first:]) + first).tolist() for found in (enter, leave))
    assert signals(name, **parameters) == expected
    assert len(expected[0]) >= 10


@pytest.mark.parametrize(("name", "parameters"), CASES[:6])
def test_a_template_without_stops_trades_as_computed_by_hand(name, parameters):
    enter, leave = (found.to_numpy() for found in BY_HAND[name](goog(), **parameters))
    trips, equity = play(bars(), (enter, leave), cash=CASH, costs=Costs())
    result = traded(name, **parameters)
    np.testing.assert_allclose(trips_of(result.trades), trips, rtol=1e-11, atol=1e-8)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-12)
    assert len(trips) >= 15


def play_with_stop(enter, leave, distance) -> tuple[list[Trip], list[str]]:
    """Orders at the next open; a stop `distance` below the fill holds from the bar of the fill."""
    frame, cash = goog(), CASH
    trips, reasons, order, units, paid, entered, stop = [], [], "", 0, 0.0, 0, 0.0
    for bar, (open_, low, close) in enumerate(zip(frame.open, frame.low, frame.close, strict=True)):
        sold = None
        if order == "buy":
            units, paid, entered = math.floor(cash / open_), open_, bar
            stop = open_ - distance[bar - 1]
        elif order == "sell":
            sold = (open_, "signal")
        if units and sold is None and low <= stop:
            sold = (min(open_, stop), "stop_loss")
        if units and sold is None and bar == len(frame) - 1:
            sold = (close, "end")
        if units and sold is not None:
            price, reason = sold
            pnl = units * (price - paid)
            trips.append(Trip(entered, bar, units, paid, price, pnl))
            reasons.append(reason)
            cash, units = cash + pnl, 0
        order = "buy" if enter[bar] and not units else "sell" if leave[bar] and units else ""
    return trips, reasons


@pytest.mark.parametrize(
    ("parameters", "least"),
    [
        ({}, 6),
        ({"stop_atr": 1}, 6),
        ({"squeeze_bars": 60, "squeeze_age": 20, "volume_factor": 1, "stop_atr": 0.75}, 15),
    ],
)
def test_la_bomba_trades_with_its_stop_as_computed_by_hand(parameters, least):
    own = {key: parameters[key] for key in parameters if key != "stop_atr"}
    enter, leave = la_bomba(goog(), **own)
    distance = parameters.get("stop_atr", 2) * wilder(true_range(goog()), 14)
    trips, reasons = play_with_stop(enter, leave, distance)
    result = traded("LA_BOMBA", **parameters)
    np.testing.assert_allclose(trips_of(result.trades), trips, rtol=1e-10, atol=1e-8)
    assert [ExitReason(one).label for one in result.trades["exit_reason"]] == reasons
    assert len(trips) >= least
    assert {"signal", "stop_loss"} <= set(reasons)


def test_a_breakout_is_measured_against_the_bars_before_and_never_itself():
    # Of its own channel a bar is part: no close is above the highest high that includes it.
    document = template_get("donchian_breakout").document
    graph = graph_parse(document)
    shift = next(node for node in document["nodes"] if node["id"] == "highest")
    assert shift["params"] == {"operation": "shift", "n": 1}
    enter, _ = plan_evaluate(graph_compile(graph), bars()).columns
    shift["params"]["n"] = 0
    itself, _ = plan_evaluate(graph_compile(graph_parse(document)), bars()).columns
    assert enter.sum() > 200
    assert not itself.any()


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("LA_BOMBA", "la_bomba"),
        ("la bomba", "la_bomba"),
        ("Bollinger", "bollinger_reversion"),
        ("DONCHIAN", "donchian_breakout"),
        ("SuperTrend", "supertrend"),
        ("super-trend", "supertrend"),
    ],
)
def test_a_template_answers_to_its_aliases(spelling, name):
    assert template_get(spelling).name == name
