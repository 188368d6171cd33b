"""What holds for all splits and dividends, whatever the market and the orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.engine.config import RunConfig
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
from tests.engine.scenario import market
from tests.engine.test_actions import happening

GUARDS = st.one_of(
    st.none(),
    st.builds(Stop, st.just(StopKind.PERCENT), st.floats(0.02, 0.1)),
    st.just(Stop(StopKind.MULTIPLE, 2.0, 3)),
    st.just(Stop(StopKind.PRICE, column=4)),
)
ORDERS = st.sampled_from(
    [
        Order(),
        Order(OrderKind.LIMIT, limit=Price(PriceKind.OFFSET, -0.02)),
        Order(OrderKind.LIMIT, limit=Price(PriceKind.SERIES, column=4)),
        Order(OrderKind.STOP, stop=Price(PriceKind.OFFSET, 0.02)),
        Order(OrderKind.TRAILING_STOP, stop=Price(PriceKind.OFFSET, 0.03)),
        Order(OrderKind.TRAILING_STOP, stop=Price(PriceKind.SERIES, 1.5, 3)),
    ]
)


def walk(rng: np.random.Generator, count: int) -> list[tuple[float, float, float, float]]:
    """Prices that nothing is rounded of: no two of them are equal by chance."""
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, count)))
    opens = np.append(100.0, closes[:-1]) * np.exp(rng.normal(0, 0.01, count))
    highs = np.maximum(opens, closes) * (1 + rng.uniform(0, 0.02, count))
    lows = np.minimum(opens, closes) * (1 - rng.uniform(0, 0.02, count))
    return list(zip(opens, highs, lows, closes, strict=True))


@st.composite
def worlds(draw: Any) -> tuple[Bars, dict[int, float], Program, list[Any], RunConfig]:
    """Bars in the units after all splits, the splits, and a program on them."""
    count = draw(st.integers(20, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bars = market(walk(rng, count))
    ratios = st.sampled_from([2.0, 1.5, 4.0, 0.1, 0.5])
    splits = draw(st.dictionaries(st.integers(1, count - 1), ratios, min_size=1, max_size=3))
    share = st.sampled_from([0.3, 1.0])
    kinds = st.sampled_from([SizeKind.PERCENT_OF_EQUITY, SizeKind.CASH])
    kind = draw(kinds)
    size = Size(kind, draw(share) * (1.0 if kind == SizeKind.PERCENT_OF_EQUITY else 3_000.0))
    rules = (
        Rule(Operation.OPEN_LONG, 0, size, stop_loss=draw(GUARDS), trailing=draw(GUARDS),
             take_profit=draw(st.sampled_from([None, Stop(StopKind.PERCENT, 0.05)])),
             order=draw(ORDERS)),
        Rule(Operation.OPEN_SHORT, 1, size, trailing=Stop(StopKind.PERCENT, 0.05)),
        Rule(Operation.CLOSE, 2, fraction=draw(st.sampled_from([1.0, 0.5])), order=draw(ORDERS)),
    )  # fmt: skip
    triggers = [rng.random(count) < 0.3 for _ in range(3)]
    config = RunConfig.from_mapping(
        {
            "fractional": True,
            "commission": {"percent": 0.001},
            "slippage": {"bps": 5, "model": draw(st.sampled_from(["fixed", "volatility"]))},
            "margin": draw(st.sampled_from([1.0, 0.5])),
            "maintenance_margin": draw(st.sampled_from([None, 0.4])),
            "borrow_rate": 0.1,
            "trade_on_close": draw(st.booleans()),
            "participation": draw(st.sampled_from([None, 0.5])),
        }
    )
    volume = Bars(bars.ts, bars.open, bars.high, bars.low, bars.close, np.full(count, 100.0))
    return volume, splits, Program(tuple("abcde"), rules, max_open_entries=2), triggers, config


def as_traded(bars: Bars, splits: dict[int, float]) -> tuple[Bars, np.ndarray[Any, Any]]:
    """Return bars in the units of their days, and what a price is multiplied by."""
    factor = np.ones(len(bars))
    for bar, ratio in splits.items():
        factor[:bar] *= ratio
    prices = (bars.open, bars.high, bars.low, bars.close)
    return Bars(bars.ts, *(price * factor for price in prices), bars.volume / factor), factor


@given(worlds())
def test_raw_bars_with_splits_are_worth_what_adjusted_bars_are(world: Any) -> None:
    bars, splits, program, triggers, config = world
    distance, level = np.full(len(bars), 2.0), bars.close * 0.97
    adjusted = simulate(bars, [*triggers, distance, level], program, config)
    raw, factor = as_traded(bars, splits)
    columns = [*triggers, distance * factor, level * factor]
    applied = simulate(raw, columns, program, config, actions=happening(len(bars), splits))
    np.testing.assert_allclose(applied.equity, adjusted.equity, rtol=1e-9)
    np.testing.assert_allclose(applied.cash, adjusted.cash, rtol=1e-9, atol=1e-5)
    np.testing.assert_allclose(applied.position * factor, adjusted.position, rtol=1e-9, atol=1e-9)
    assert len(applied.trades) == len(adjusted.trades)
    np.testing.assert_allclose(applied.trades["pnl"], adjusted.trades["pnl"], rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(applied.trades["exit_reason"], adjusted.trades["exit_reason"])


@given(worlds(), st.booleans(), st.lists(st.integers(0, 19), max_size=4))
def test_the_account_adds_up_across_splits_and_dividends(
    world: Any, fractional: bool, paid: list[int]
) -> None:
    bars, splits, program, triggers, config = world
    raw, _ = as_traded(bars, splits)
    config = RunConfig.from_mapping({**config.as_dict(), "fractional": fractional})
    actions = happening(len(bars), splits, dict.fromkeys(paid, 0.5))
    columns = [*triggers, np.full(len(bars), 2.0), raw.close * 0.97]
    result = simulate(raw, columns, program, config, actions=actions)
    value = result.cash + result.position * raw.close
    np.testing.assert_allclose(value, result.equity, rtol=1e-9, atol=1e-6)
    if not fractional:
        np.testing.assert_array_equal(result.position, np.rint(result.position))
    if result.counters["ruined"]:
        return
    counters = result.counters
    beside = counters["dividends_received"] - counters["dividends_paid"] - counters["borrow_paid"]
    net = result.trades["pnl"].sum() + beside - counters["financing_paid"]
    np.testing.assert_allclose(result.equity[-1] - config.cash, net, atol=1e-5)
