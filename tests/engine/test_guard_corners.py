"""Corners of the guards of a position, with numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.program import Size, SizeKind, Stop, StopKind
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine.order_scenario import limit
from tests.engine.scenario import (
    at_level,
    build,
    close,
    flat,
    long,
    market,
    percent,
    play,
    short,
)

TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100.0, 101.0, 99.0, 100.0)
NAN = np.nan


def mirrored(rows: Any) -> list[Any]:
    return [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]


def exits(result: Any) -> list[tuple[int, float, str]]:
    return [
        (t["exit_bar"], pytest.approx(t["exit_price"]), ExitReason(t["exit_reason"]).label)
        for t in result.trades
    ]


def thin(rows: Any, volume: Any, *signals: Any) -> Any:
    """Play with a tenth of these volumes to be had."""
    bars = dataclasses.replace(market(rows), volume=np.array(volume, float))
    columns, program = build(len(rows), signals)
    return simulate(bars, columns, program, RunConfig(participation=0.1))


def test_a_guard_fills_against_the_position_under_the_rule_that_opened_it() -> None:
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05), **TEN}
    for bar in ((100, 101, 94, 96), (100, 106, 99, 104)):
        rows = [CALM, CALM, bar, CALM]
        for side, sign, seen in ((long, 1, rows), (short, -1, mirrored(rows))):
            fills = play(market(seen), close(0), side(0, **guards)).fills
            assert fills[["bar", "side", "quantity", "rule"]].tolist() == [
                (1, sign, 10, 1),
                (2, -sign, 10, 1),
            ]


def test_a_stop_loss_alone_and_a_time_stop_are_never_ambiguous() -> None:
    rows = [CALM, CALM, (100, 101, 94, 100), CALM]
    result = play(market(rows), long(0, stop_loss=percent(0.05), **TEN))
    assert exits(result) == [(2, 95.0, "stop_loss")]
    assert result.counters["ambiguous_bars"] == 0
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05), **TEN}
    wild = [CALM, CALM, (100, 106, 94, 100), CALM]
    result = play(market(wild), long(0, max_bars=1, **guards))
    assert exits(result) == [(2, 100.0, "time_stop")]  # at the open, before either guard
    assert result.counters["ambiguous_bars"] == 0


def test_an_ambiguous_bar_is_one_bar_however_many_entries_it_closes() -> None:
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05), **TEN}
    rows = [CALM, CALM, CALM, (100, 106, 94, 100), CALM]
    result = play(market(rows), long(0, 1, **guards), entries=2)
    assert result.counters["ambiguous_trades"] == 2
    assert result.counters["ambiguous_bars"] == 1
    assert result.counters["ambiguous_pnl"] == -100


def test_the_open_of_the_bar_of_the_exit_counts_as_an_excursion() -> None:
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.08), **TEN}
    rows = [CALM, CALM, (105, 106, 94, 95), CALM]
    trade = play(market(rows), long(0, **guards)).trades[0]
    assert (trade["mfe"], trade["mae"]) == (pytest.approx(0.05), pytest.approx(-0.05))
    rows = [CALM, CALM, (96, 109, 96, 108), CALM]
    trade = play(market(rows), long(0, **guards)).trades[0]
    assert (trade["mfe"], trade["mae"]) == (pytest.approx(0.08), pytest.approx(-0.04))


def test_what_volume_leaves_over_of_a_take_profit_waits_for_its_price() -> None:
    rows = [CALM, CALM, (100, 106, 99, 104), (103, 104, 102, 103), (103, 105, 102, 104), CALM]
    result = thin(rows, [0, 100, 30, 1000, 1000, 1000], long(0, take_profit=percent(0.05), **TEN))
    assert exits(result) == [(2, 105.0, "take_profit"), (4, 105.0, "take_profit")]
    assert result.trades["quantity"].tolist() == [3, 7]


def test_a_stop_loss_without_any_volume_follows_at_the_next_open() -> None:
    rows = [CALM, CALM, (100, 101, 94, 96), (97, 98, 96, 97), CALM]
    result = thin(rows, [0, 100, 0, 100, 100], long(0, stop_loss=percent(0.05), **TEN))
    assert exits(result) == [(3, 97.0, "stop_loss")]
    assert result.fills["quantity"].tolist() == [10, 10]


@pytest.mark.parametrize("guard", ["stop_loss", "trailing", "take_profit"])
@pytest.mark.parametrize("level", [NAN, 0.0, -5.0, 100.0, 120.0, np.inf])
def test_no_entry_is_sent_with_a_guard_that_is_missing_or_on_the_wrong_side(
    guard: str, level: float
) -> None:
    bars = flat(100, 100, 100)
    if guard == "take_profit" and 0.0 < level < np.inf:
        level = 200.0 - level  # the wrong side of a take-profit is below the price
    for side, seen in ((long, level), (short, 200.0 - level if level >= 80.0 else level)):
        result = play(bars, side(0, **{guard: at_level(0)}, **TEN), levels=[[seen, 95.0, 95.0]])
        assert result.counters["rejected_stop"] == 1
        assert len(result.fills) == 0


@pytest.mark.parametrize("guard", ["stop_loss", "trailing", "take_profit"])
def test_guards_of_cheap_instruments_are_guards(guard: str) -> None:
    level = 0.6 if guard == "take_profit" else 0.4
    sent = play(flat(0.5, 0.5, 0.5), long(0, **{guard: at_level(0)}, **TEN), levels=[[level] * 3])
    assert len(sent.fills) == 2
    level = 1.0 - level
    sent = play(flat(0.5, 0.5, 0.5), short(0, **{guard: at_level(0)}, **TEN), levels=[[level] * 3])
    assert len(sent.fills) == 2


def test_of_two_stops_the_nearer_acts_however_near_they_are() -> None:
    rows = [CALM, (100, 101, 98.2, 100), CALM]
    guards = {"stop_loss": percent(0.02), "trailing": percent(0.015), **TEN}
    # A trailing stop that has not moved, and yet is the nearer, is the one that acted.
    assert exits(play(market(rows), long(0, **guards)))[0] == (1, 98.5, "trailing_stop")
    assert exits(play(market(mirrored(rows)), short(0, **guards)))[0] == (1, 101.5, "trailing_stop")


def test_a_trailing_stop_stands_on_ticks_away_from_the_price() -> None:
    rows = [CALM, (100, 101, 94, 100), CALM]
    follows = {"trailing": percent(0.0333), **TEN}
    tick = {"tick_size": 0.25}
    assert exits(play(market(rows), long(0, **follows), **tick)) == [(1, 96.5, "trailing_stop")]
    turned = exits(play(market(mirrored(rows)), short(0, **follows), **tick))
    assert turned == [(1, 103.5, "trailing_stop")]
    # Behind the high of 102 it would be 98.6034.
    rows = [CALM, (100, 102, 99, 101), (101, 101, 98, 99), CALM]
    assert exits(play(market(rows), long(0, **follows), **tick)) == [(2, 98.5, "trailing_stop")]


def test_risk_is_measured_to_the_tick_of_a_trailing_stop() -> None:
    risk = {"size": Size(SizeKind.RISK_PERCENT, 0.01), "trailing": percent(0.0333)}
    assert play(flat(*[100] * 3), long(0, **risk), tick_size=0.5).fills["quantity"][0] == 28
    assert play(flat(*[100] * 3), short(0, **risk), tick_size=0.5).fills["quantity"][0] == 28


@pytest.mark.parametrize(
    ("bar", "outcome", "ambiguous"),
    [
        ((100, 101, 90, 92), (1, 90.25, "stop_loss"), 0),
        ((100, 101, 94, 98), (2, 99.75, "take_profit"), 0),
        ((100, 101, 94, 99.8), (1, 99.75, "take_profit"), 0),
    ],
    ids=["stop-loss after", "take-profit before", "the close beyond it"],
)
def test_a_short_at_a_limit_is_guarded_in_its_bar_by_what_can_be_known(
    bar: Any, outcome: Any, ambiguous: int
) -> None:
    rows = mirrored([CALM, bar, (99, 120, 98.9, 110), CALM])
    levels = [[200 - 90.25] * 4, [200 - 99.75] * 4]
    guards = {"stop_loss": at_level(0), "take_profit": at_level(1)}
    result = play(market(rows), short(0, **limit(105), **guards, **TEN), levels=levels)
    assert exits(result) == [(outcome[0], 200 - outcome[1], outcome[2])]
    assert result.counters["ambiguous_trades"] == ambiguous


def test_a_guard_may_be_a_multiple_of_a_series_above_and_below() -> None:
    double = Stop(StopKind.MULTIPLE, 2.0, column=-1)
    rows = market([CALM, CALM, (100, 107, 93, 100), CALM])
    taken = play(rows, long(0, take_profit=double, **TEN), levels=[[3.0] * 4])
    assert exits(taken) == [(2, 106.0, "take_profit")]
    stopped = play(rows, short(0, stop_loss=double, **TEN), levels=[[3.0] * 4])
    assert exits(stopped) == [(2, 106.0, "stop_loss")]
