"""Finer bars in portfolios: by hand, and what a run on an instrument alone says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.detail import Detail
from core.engine.listed import Listed
from core.engine.portfolio import simulate_portfolio
from core.engine.program import Operation, Program, Rule
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.order_scenario import limit
from tests.engine.scenario import DAY_NS, percent
from tests.engine.test_detail import FINE_NS, STILL, at, coarse, finer

GUARDED = Rule(Operation.OPEN_LONG, 0, stop_loss=percent(0.05), take_profit=percent(0.05))
UP_FIRST = [at(100, to=106), at(106, to=94), at(94, to=100)]
DOWN_FIRST = [at(100, to=94), at(94, to=106), at(106, to=100)]


def listed(symbol, *parts, enter=(0,), later=0):
    """An instrument from the hours of its days; `later` is the hour at which its days begin."""
    detail = finer(*parts)
    hours = replace(detail.bars, ts=detail.bars.ts + later * FINE_NS)
    days = coarse(*parts)
    days = replace(days, ts=days.ts + later * FINE_NS)
    trigger = np.isin(np.arange(len(days)), enter)
    return Listed(symbol, days, [trigger], 0, detail=Detail(hours, detail.first))


def together(*instruments, rule=GUARDED, **config):
    program = Program(("enter",), (rule,))
    config = {"cash": 1_000.0, "fractional": True} | config
    return simulate_portfolio(instruments, program, RunConfig.from_mapping(config))


def test_each_instrument_goes_through_its_own_finer_bars():
    result = together(listed("A", STILL, UP_FIRST, STILL), listed("B", STILL, DOWN_FIRST, STILL))
    # 500 in each: A rises to 105 in its first hour, B falls to 95 in its own.
    assert result.trades["exit_price"].tolist() == [105, 95]
    assert result.trades["exit_reason"].tolist() == [ExitReason.TAKE_PROFIT, ExitReason.STOP_LOSS]
    assert result.trades["exit_ts"].tolist() == [DAY_NS, DAY_NS]
    assert result.trades["exit_bar"].tolist() == [1, 1]
    assert result.equity.tolist() == [1_000, 1_000, 1_000]
    assert result.counters["ambiguous_bars"] == result.counters["without_detail"] == 0
    without = [replace(one, detail=None) for one in (
        listed("A", STILL, UP_FIRST, STILL), listed("B", STILL, DOWN_FIRST, STILL)
    )]  # fmt: skip
    plain = together(*without)
    assert plain.trades["exit_price"].tolist() == [95, 95]
    assert plain.counters["ambiguous_bars"] == 2


def test_what_fills_late_in_a_bar_belongs_to_the_moment_of_its_bar():
    path = [at(100), at(100), at(100, to=94), at(94)]
    # B's days begin an hour after A's: A's third hour comes after the open of B's day.
    result = together(
        listed("A", STILL, path, [at(94)], enter=(0,)),
        listed("B", STILL, STILL, STILL, enter=(), later=1),
    )
    (trade,) = result.trades
    assert trade["exit_ts"] == DAY_NS + 2 * FINE_NS
    assert result.ts[trade["exit_bar"]] == DAY_NS
    assert result.fills["bar"].tolist() == [2, 2]
    assert result.equity[2] == pytest.approx(1_000 - 500 * 0.05)


def test_a_limit_order_is_guarded_by_what_came_after_it_beside_another():
    path = [at(100, to=98), at(98, to=104), at(104, to=99)]
    rule = replace(GUARDED, **limit(98.0))
    result = together(listed("A", STILL, path), listed("B", STILL, STILL), rule=rule)
    (trade,) = result.trades
    assert trade["exit_price"] == pytest.approx(102.9)
    assert trade["entry_ts"] == DAY_NS
    assert trade["exit_ts"] == DAY_NS + FINE_NS
    assert result.equity[-1] == pytest.approx(1_000 + 500 * 0.05)


def test_the_time_of_an_instrument_never_goes_back_and_that_of_others_is_their_own():
    late = [at(100), at(100), at(100, to=94), at(94)]
    result = together(listed("A", STILL, late, [at(94)]), listed("B", STILL, DOWN_FIRST, STILL))
    assert result.trades["exit_ts"].tolist() == [DAY_NS + 2 * FINE_NS, DAY_NS]


def test_bars_without_finer_ones_are_counted_for_each_instrument():
    gaps = listed("A", STILL, UP_FIRST, STILL)
    none = Detail(gaps.detail.bars, np.minimum(gaps.detail.first, 1))
    result = together(replace(gaps, detail=none), listed("B", STILL, DOWN_FIRST, STILL))
    assert result.trades["exit_price"].tolist() == [95, 95]
    assert result.counters["without_detail"] == 1


def test_finer_bars_are_for_all_instruments_or_for_none():
    one, other = listed("A", STILL, UP_FIRST), listed("B", STILL, UP_FIRST)
    with pytest.raises(InvalidInput, match="no finer bars of B") as caught:
        together(one, replace(other, detail=None))
    assert caught.value.details[0].path == "detail"


def test_finer_bars_of_something_else_are_refused_by_name():
    one, other = listed("A", STILL, UP_FIRST), listed("B", STILL, UP_FIRST)
    twice = replace(other.detail, bars=scaled(other.detail.bars, 2.0))
    with pytest.raises(InvalidInput, match=r"^B: "):
        together(one, replace(other, detail=twice))


def scaled(bars: Bars, factor: float) -> Bars:
    prices = (bars.open * factor, bars.high * factor, bars.low * factor, bars.close * factor)
    return Bars(bars.ts, *prices, bars.volume)


@pytest.mark.parametrize("seed", range(6))
def test_a_portfolio_of_one_is_the_run_alone(seed: int) -> None:
    one = walk(seed, 120)
    rules = (
        replace(GUARDED, **limit(99.0)) if seed % 2 else GUARDED,
        Rule(Operation.CLOSE_LONG, 1),
    )
    program, config = Program(("enter", "leave"), rules), RunConfig(cash=1e5)
    alone = simulate(one.bars, one.columns, program, config, detail=one.detail)
    found = simulate_portfolio([one], program, config)
    assert len(alone.trades) > 5
    for name in ("equity", "cash", "position", "trades", "fills"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(found, name))
    assert alone.counters == found.counters


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_instruments_are_given_changes_nothing(seed: int) -> None:
    program = Program(("enter", "leave"), (GUARDED, Rule(Operation.CLOSE_LONG, 1)))
    some = [replace(walk(10 * seed + number, 60), symbol=f"S{number}") for number in range(4)]
    first, other = (
        simulate_portfolio(order, program, RunConfig(cash=1e5)) for order in (some, some[::-1])
    )
    np.testing.assert_array_equal(first.trades, other.trades)
    np.testing.assert_array_equal(first.equity, other.equity)
    assert (
        first.fills["bar"] == np.searchsorted(first.ts, first.fills["ts"] // DAY_NS * DAY_NS)
    ).all()


def walk(seed: int, days: int) -> Listed:
    """Days of four hours that walk about 100, and random signals."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 1.5, 4 * days)
    level = np.maximum(100.0 + np.cumsum(steps - 0.02 * np.cumsum(steps)), 20.0)
    path: list[Any] = [100.0, *level.tolist()]
    hours = [at(path[place], to=path[place + 1]) for place in range(4 * days)]
    parts = [hours[4 * day : 4 * day + 4] for day in range(days)]
    columns = [rng.random(days) < 0.4, rng.random(days) < 0.1]
    return Listed("W", coarse(*parts), columns, 0, detail=finer(*parts))
