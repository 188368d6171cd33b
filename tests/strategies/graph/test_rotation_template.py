"""The template `momentum_rotation` on several shares, as pandas works it out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import PortfolioResult, simulate_portfolio
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_get
from tests.golden.public_path import SHARES, bars_of

PLACES, FEE, CASH = 2, 0.001, 100_000.0


def frame_of(symbol: str) -> pd.DataFrame:
    """Adjusted bars of 2005 to 2011; some shares come later, one pauses and one leaves."""
    bars = bars_of(symbol, "adjusted")
    frame = pd.DataFrame(
        {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(bars.ts),
    ).loc["2005":"2011"]
    if symbol == "IBM":
        frame = frame[(frame.index < "2007-03-01") | (frame.index > "2007-05-31")]
    return frame.loc[:"2009"] if symbol == "MSFT" else frame


def frames() -> dict[str, pd.DataFrame]:
    return {symbol: frame_of(symbol) for symbol in sorted(SHARES)}


def traded(period: int, *, rotate: bool) -> PortfolioResult:
    plan = graph_compile(graph_parse(template_get("Rotation").document), {"period": period})
    listed = []
    for symbol, frame in frames().items():
        bars = Bars.from_arrays(
            ts=frame.index.as_unit("ns").asi8, **{name: frame[name] for name in frame}
        )
        found = plan_evaluate(plan, bars)
        listed.append(Listed(symbol, bars, found.columns, found.program.warmup))
    config = {
        "cash": CASH,
        "fractional": True,
        "commission": {"percent": FEE},
        "allocation": {"max_positions": PLACES, "rotate": rotate},
    }
    return simulate_portfolio(listed, plan.program, RunConfig.from_mapping(config))


def by_pandas(period: int, *, rotate: bool) -> tuple[list[tuple[object, ...]], pd.Series]:
    """Return purchases and sales, and the equity by day."""
    given = frames()
    opens = pd.DataFrame({symbol: frame["open"] for symbol, frame in given.items()})
    closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in given.items()})
    rises = pd.DataFrame(
        {symbol: frame["close"].pct_change(period) for symbol, frame in given.items()}
    ).reindex(closes.index)
    known = closes.ffill()
    asked = opens.combine_first(known.shift()).to_dict("index")
    ranks, worths = rises.ffill().to_dict("index"), known.to_dict("index")
    there = closes.notna().to_dict("index")
    cash, units, dealt, curve = CASH, {}, [], {}
    buys, sells, before = set(), set(), {}
    for day, worth in worths.items():
        here = {symbol for symbol, found in there[day].items() if found}
        prices, rank = asked[day], ranks[day]
        for symbol in sorted(sells & here):
            cash += units[symbol] * prices[symbol] * (1 - FEE)
            dealt.append((day, symbol, -units.pop(symbol), prices[symbol]))
        sells -= here
        for symbol in sorted(buys & here, key=lambda one: (-before[one], one)):
            equity = cash + sum(held * prices[one] for one, held in units.items())
            money = min(equity / PLACES, cash)
            if len(units) < PLACES and money > equity * 1e-9:
                units[symbol] = money / (prices[symbol] * (1 + FEE))
                cash -= money
                dealt.append((day, symbol, units[symbol], prices[symbol]))
        buys -= here
        for symbol in here:
            if symbol in units and rank[symbol] < 0:
                sells.add(symbol)
            if symbol not in units and rank[symbol] > 0:
                buys.add(symbol)
        if rotate:
            wanted = sorted(buys | (set(units) - sells), key=lambda one: (-rank[one], one))
            sells |= set(wanted[PLACES:]) & set(units)
        before = rank
        curve[day] = cash + sum(held * worth[one] for one, held in units.items())
    for symbol in sorted(units):
        cash += units[symbol] * worth[symbol] * (1 - FEE)
        dealt.append((closes.index[-1], symbol, -units[symbol], worth[symbol]))
    curve[closes.index[-1]] = cash
    return dealt, pd.Series(curve)


@pytest.mark.parametrize(("period", "rotate"), [(60, True), (60, False), (5, True)])
def test_the_rotation_trades_as_pandas_does(period, rotate):
    result = traded(period, rotate=rotate)
    dealt, curve = by_pandas(period, rotate=rotate)
    fills = result.fills
    assert len(dealt) == len(fills) > 50
    symbols = [result.symbols[number] for number in fills["instrument"]]
    assert symbols == [one[1] for one in dealt]
    assert pd.to_datetime(fills["ts"]).tolist() == [one[0] for one in dealt]
    np.testing.assert_allclose(
        fills["side"] * fills["quantity"], [one[2] for one in dealt], rtol=1e-9
    )
    np.testing.assert_allclose(fills["price"], [one[3] for one in dealt], rtol=1e-12)
    np.testing.assert_allclose(result.equity, curve, rtol=1e-9)
    assert set(symbols) == set(SHARES)


def test_the_signals_of_the_rotation_are_those_of_pandas():
    frame = frame_of("GOOG")
    plan = graph_compile(graph_parse(template_get("momentum_rotation").document), {"least": 0.1})
    bars = Bars.from_arrays(
        ts=frame.index.as_unit("ns").asi8, **{name: frame[name] for name in frame}
    )
    enter, leave, rank = plan_evaluate(plan, bars).columns
    rises = frame["close"].pct_change(60)
    assert enter.tolist() == (rises > 0.1).tolist()
    assert leave.tolist() == (rises < 0.1).tolist()
    np.testing.assert_allclose(rank, rises, rtol=1e-12)
