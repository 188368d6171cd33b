"""Trailing stops, time stops, ticks, least notional and volume, with numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine.code_scenario import program_of
from tests.engine.order_scenario import limit, stop, trailing
from tests.engine.scenario import (
    at_level,
    close,
    flat,
    long,
    market,
    percent,
    play,
    short,
    times_level,
)

TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100.0, 101.0, 99.0, 100.0)


def mirrored(rows: Any) -> list[Any]:
    return [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]


def exits(result: Any) -> list[tuple[int, float, str]]:
    return [
        (t["exit_bar"], pytest.approx(t["exit_price"]), ExitReason(t["exit_reason"]).label)
        for t in result.trades
    ]


RISE = [CALM, CALM, (101, 110, 100.5, 109), (109, 112, 106.5, 108), (108, 108, 105, 106), CALM]


def test_a_trailing_stop_follows_the_best_price_of_closed_bars() -> None:
    # From 100: 95; after the high of 101: 95.95; of 110: 104.5; of 112: 106.4.
    result = play(market(RISE), long(0, trailing=percent(0.05), **TEN))
    assert exits(result) == [(4, 106.4, "trailing_stop")]


def test_a_trailing_stop_at_a_multiple_keeps_the_distance_of_its_decision() -> None:
    level = [[2.0, 50.0, 50.0, 50.0, 50.0, 50.0]]
    # 96; 97; 106 after the high of 110: not touched at 106.5; 108 after 112, opens there.
    result = play(market(RISE), long(0, trailing=times_level(2.0, 0), **TEN), levels=level)
    assert exits(result) == [(4, 108.0, "trailing_stop")]


def test_a_trailing_stop_of_a_short_mirrors() -> None:
    # Below 100: 105; below the low of 99: 103.95; of 90: 94.5; of 88: 92.4.
    result = play(market(mirrored(RISE)), short(0, trailing=percent(0.05), **TEN))
    assert exits(result) == [(4, 92.4, "trailing_stop")]


def test_a_trailing_stop_holds_in_the_bar_of_the_entry_from_the_price_paid() -> None:
    rows = [CALM, (100, 120, 95, 118), CALM]
    result = play(market(rows), long(0, trailing=percent(0.05), **TEN))
    assert exits(result) == [(1, 95.0, "trailing_stop")]  # the high of 120 is not yet closed


def test_a_series_is_followed_where_it_comes_nearer_and_never_away() -> None:
    level = [[95.0, 97.0, 96.0, 107.0, 90.0, 90.0]]
    # 95 in the bar of the entry, 97 then and after, 107 from the close of bar 3 on.
    result = play(market(RISE), long(0, trailing=at_level(0), **TEN), levels=level)
    assert exits(result) == [(4, 107.0, "trailing_stop")]
    level = [[95.0, np.nan, 96.0, np.nan, 90.0, 90.0]]
    result = play(market(RISE), long(0, trailing=at_level(0), **TEN), levels=level)
    assert exits(result) == [(5, 100.0, "end")]


def test_the_nearer_of_a_fixed_and_a_trailing_stop_acts() -> None:
    guards = {"stop_loss": percent(0.02), "trailing": percent(0.05), **TEN}
    rows = [CALM, CALM, (100, 101, 97, 98), CALM]
    assert exits(play(market(rows), long(0, **guards))) == [(2, 98.0, "stop_loss")]
    assert exits(play(market(RISE), long(0, **guards))) == [(4, 106.4, "trailing_stop")]


def test_a_trailing_stop_may_stand_at_a_register() -> None:
    rule = Rule(
        Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, 10),
        trailing=Stop(StopKind.PRICE, register=0),
    )  # fmt: skip
    bars = market(RISE)
    program = program_of("column 1", 1.0, "subtract", "store 0", columns=2, rules=[rule])
    first = np.arange(6) == 0
    # 99 of the decision, touched in the bar of the entry.
    result = simulate(bars, [first, bars.close], program, RunConfig())
    assert exits(result) == [(1, 99.0, "trailing_stop")]
    lower = program_of("column 1", 3.5, "subtract", "store 0", columns=2, rules=[rule])
    # 96.5; then below each close: 96.5, 105.5, and 104.5 is not nearer.
    result = simulate(bars, [first, bars.close], lower, RunConfig())
    assert exits(result) == [(4, 105.5, "trailing_stop")]


@pytest.mark.parametrize(("bars", "exit_bar"), [(1, 2), (2, 3), (4, 5)])
def test_a_time_stop_closes_at_the_open_after_so_many_bars(bars: int, exit_bar: int) -> None:
    rows = market([(100, 100, 100, 100), *[(101 + k, 120, 90, 100) for k in range(7)]])
    result = play(rows, long(0, max_bars=bars, **TEN))
    assert exits(result)[0] == (exit_bar, 100.0 + exit_bar, "time_stop")


def test_a_time_stop_counts_whole_bars_of_an_order_on_the_close() -> None:
    result = play(flat(*[100] * 6), long(0, max_bars=2, **TEN), trade_on_close=True)
    assert exits(result)[0][0] == 3


def test_each_entry_has_its_own_time() -> None:
    result = play(flat(*[100] * 9), long(0, 2, max_bars=3, **TEN), entries=2)
    assert [found[0] for found in exits(result)] == [4, 6]


def test_risk_may_be_measured_to_a_trailing_stop() -> None:
    size = {"size": Size(SizeKind.RISK_PERCENT, 0.01)}
    result = play(flat(100, 100, 100), long(0, trailing=percent(0.02), **size))
    assert result.fills["quantity"][0] == 50  # 1 % of 10,000 over 2


def test_prices_are_rounded_to_ticks_away_from_the_market() -> None:
    rows = market([CALM, (100, 106, 94, 100), (100, 101, 99, 100)])
    tick = {"tick_size": 0.25}
    paid = [
        (long(0, **limit(95.3), **TEN), 95.25),
        (long(0, **stop(104.8), **TEN), 105.0),
        (short(0, **limit(104.8), **TEN), 105.0),
        (short(0, **stop(95.3), **TEN), 95.25),
        (long(0, **limit(95.25), **TEN), 95.25),
    ]
    for signal, price in paid:
        assert play(rows, signal, **tick).fills["price"][0] == price
    guarded = long(0, stop_loss=percent(0.0333), **TEN)  # 96.67
    assert exits(play(rows, guarded, **tick)) == [(1, 96.5, "stop_loss")]
    # 0.1 + 0.2 is a whole number of cents but for rounding.
    cents = market([(0.5, 0.5, 0.5, 0.5), (0.5, 0.5, 0.1, 0.4), (0.4, 0.4, 0.4, 0.4)])
    result = play(cents, long(0, **limit(0.1 + 0.2), **TEN), tick_size=0.01)
    assert result.fills["price"][0] == pytest.approx(0.3)


def test_an_entry_worth_too_little_is_rejected() -> None:
    bars = flat(100, 100, 100)
    assert len(play(bars, long(0, **TEN), min_notional=1_000.0).fills) == 2
    result = play(bars, long(0, **TEN), min_notional=1_000.01)
    assert len(result.fills) == 0
    assert result.counters["rejected_notional"] == 1


def thin(rows: Any, volume: Any) -> Bars:
    bars = market(rows)
    return Bars.from_arrays(
        ts=bars.ts, open=bars.open, high=bars.high, low=bars.low, close=bars.close, volume=volume
    )


QUIET = (100.0, 100.0, 100.0, 100.0)


def test_an_entry_takes_no_more_than_its_share_of_volume() -> None:
    bars = thin([QUIET] * 4, [0, 65, 1000, 1000])
    result = play(bars, long(0, **TEN), participation=0.1)
    assert result.position.tolist() == [0, 6, 6, 0]
    assert result.counters["reduced_by_volume"] == 1
    none = play(thin([QUIET] * 4, [0, 5, 1000, 1000]), long(0, **TEN), participation=0.1)
    assert len(none.fills) == 0
    assert none.counters["rejected_volume"] == 1
    assert "1 order(s) were rejected for lack of volume" in none.warnings[0]


def test_what_volume_leaves_over_of_an_exit_follows_at_the_next_opens() -> None:
    bars = thin([QUIET] * 7, [0, 100, 100, 40, 0, 20, 100])
    result = play(bars, long(0, **TEN), close(2), participation=0.1)
    assert result.position.tolist() == [0, 10, 10, 6, 6, 4, 0]
    assert [ExitReason(r).label for r in result.fills["reason"][1:]] == ["signal"] * 3


def test_what_volume_leaves_over_of_a_stop_loss_follows_at_the_next_open() -> None:
    rows = [QUIET, QUIET, (100, 100, 94, 99), (99, 99, 99, 99), (98, 98, 98, 98), QUIET]
    result = play(
        thin(rows, [0, 100, 30, 20, 100, 100]), long(0, stop_loss=percent(0.05), **TEN),
        participation=0.1,
    )  # fmt: skip
    assert exits(result) == [(2, 95.0, "stop_loss"), (3, 99.0, "stop_loss"), (4, 98.0, "stop_loss")]
    assert result.trades["quantity"].tolist() == [3, 2, 5]


def test_orders_of_one_bar_share_its_volume() -> None:
    bars = thin([QUIET, QUIET, (100, 100, 90, 95), QUIET], [0, 1000, 150, 1000])
    signals = [long(0, **limit(price), **TEN) for price in (97, 95)]
    result = play(bars, *signals, entries=2, participation=0.1)
    assert result.fills["quantity"].tolist()[:2] == [10, 5]


def test_a_reversal_without_the_volume_to_close_opens_nothing() -> None:
    bars = thin([QUIET] * 5, [0, 1000, 1000, 60, 1000])
    result = play(bars, long(0, **TEN), short(2, **TEN), participation=0.1)
    assert result.position.tolist() == [0, 10, 10, 4, 0]


def test_what_volume_leaves_over_of_a_waiting_exit_follows() -> None:
    bars = thin([QUIET, QUIET, (100, 100, 94, 99), QUIET, QUIET], [0, 100, 40, 100, 100])
    result = play(bars, long(0, **TEN), close(1, **stop(95)), participation=0.1)
    assert exits(result) == [(2, 95.0, "signal"), (3, 100.0, "signal")]
    assert result.trades["quantity"].tolist() == [4, 6]


def test_a_trailing_entry_and_a_rule_without_columns_need_no_series() -> None:
    program = Program((), (Rule(Operation.OPEN_LONG, -1, **trailing(0.01)),))
    result = simulate(flat(100, 100, 102, 102), [], program, RunConfig())
    assert result.fills["bar"].tolist() == [2, 3]
