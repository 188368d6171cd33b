"""Splits and dividends in a portfolio, by hand and against a run on the instrument alone."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.actions import Actions
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import simulate_portfolio
from core.engine.program import (
    Operation,
    Order,
    OrderKind,
    Price,
    PriceKind,
    Program,
    Rule,
    Size,
    SizeKind,
    Stop,
    StopKind,
)
from core.engine.simulate import simulate

BUY = Rule(Operation.OPEN_LONG, trigger=0)
HOLD = Program(columns=("enter",), rules=(BUY,))


def bars_of(closes, *, first=0):
    close = np.array(closes, float)
    open_ = np.concatenate([close[:1], close[:-1]])
    return Bars.from_arrays(
        ts=(first + np.arange(len(close))) * 86_400_000_000_000,
        open=open_,
        high=np.maximum(open_, close),
        low=np.minimum(open_, close),
        close=close,
        volume=np.ones(len(close)),
    )


def acts(length, *, splits=(), dividends=()):
    found = Actions(np.ones(length), np.zeros(length))
    for row, ratio in splits:
        found.splits[row] = ratio
    for row, cash in dividends:
        found.dividends[row] = cash
    return found


def always(length):
    return [np.arange(length) == 0]


def test_a_split_of_one_leaves_the_other_alone():
    """100 each buys 10 of B at 10 and 4 of A at 25; B is split 2 for 1 and pays 0.50 a unit.

    After the split there are 20 of B at 5, which pay 10; at 6 they are worth 120, A at 30 another
    120: 100 + 100 - 200 + 10 + 240 = 250.
    """
    split = bars_of([10, 10, 10, 5, 6])
    opened = np.array([10, 10, 10, 5, 5.0])
    split = Bars.from_arrays(
        ts=split.ts,
        open=opened,
        high=np.maximum(opened, split.close),
        low=np.minimum(opened, split.close),
        close=split.close,
        volume=split.volume,
    )
    found = simulate_portfolio(
        [
            Listed(
                "B", split, always(5), 0, None, acts(5, splits=[(3, 2.0)], dividends=[(3, 0.5)])
            ),
            Listed("A", bars_of([25, 25, 25, 25, 30]), always(5), 0),
        ],
        HOLD,
        RunConfig(cash=200.0),
    )
    assert found.equity.tolist() == [200, 200, 200, 210, 250]
    assert found.position[found.rows(1)].tolist()[3] == 20
    assert found.position[found.rows(0)].tolist()[3] == 4
    assert (found.counters["splits"], found.counters["dividends_received"]) == (1, 10)
    assert found.earned.tolist() == [20, 30]


def test_a_short_owes_the_dividend():
    program = Program(columns=("enter",), rules=(Rule(Operation.OPEN_SHORT, trigger=0),))
    found = simulate_portfolio(
        [
            Listed("A", bars_of([10, 10, 10]), always(3), 0, None, acts(3, dividends=[(2, 1.0)])),
            Listed("B", bars_of([10, 10, 10]), always(3), 0),
        ],
        program,
        RunConfig(cash=200.0),
    )
    assert found.equity.tolist() == [200, 200, 190]
    assert found.counters["dividends_paid"] == 10


@pytest.mark.parametrize("fractional", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_portfolio_of_one_is_the_run_alone(seed, fractional):
    rng = np.random.default_rng(seed)
    length = 300
    splits = np.where(rng.random(length) < 0.02, rng.choice([2.0, 1.5, 0.1], length), 1.0)
    dividends = np.where(rng.random(length) < 0.05, rng.random(length), 0.0)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, length))) / np.cumprod(splits)
    bars = bars_of(close)
    opened = np.where(splits != 1.0, close, bars.open)
    bars = Bars.from_arrays(
        ts=bars.ts,
        open=opened,
        high=np.maximum(opened, close) * 1.01,
        low=np.minimum(opened, close) * 0.99,
        close=close,
        volume=bars.volume,
    )
    program = Program(
        columns=("enter", "leave"),
        rules=(
            Rule(
                Operation.OPEN_LONG,
                trigger=0,
                size=Size(SizeKind.PERCENT_OF_EQUITY, 0.9),
                stop_loss=Stop(StopKind.PERCENT, 0.05),
                order=Order(OrderKind.LIMIT, limit=Price(PriceKind.OFFSET, -0.005)),
            ),
            Rule(Operation.CLOSE_LONG, trigger=1),
        ),
    )
    columns = [rng.random(length) < 0.1, rng.random(length) < 0.05]
    config = RunConfig(fractional=fractional)
    actions = Actions(splits, dividends)
    alone = simulate(bars, columns, program, config, actions=actions)
    found = simulate_portfolio([Listed("A", bars, columns, 0, None, actions)], program, config)
    assert len(alone.trades) > 3
    for name in ("equity", "cash", "position", "trades", "fills"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(found, name))
    assert alone.counters == found.counters
