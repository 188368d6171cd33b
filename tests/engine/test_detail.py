"""The order inside a bar, gone through on finer bars: by hand, and what must hold for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.detail import Detail
from core.engine.program import Size, SizeKind, Stop, StopKind, TimeInForce
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.order_scenario import limit, stop, stop_limit, trailing
from tests.engine.scenario import DAY_NS, build, close, long, market, percent, play, short
from tests.engine.test_order_properties import runs as waiting_runs
from tests.engine.test_properties import runs

TEN = {"size": Size(SizeKind.UNITS, 10)}
GUARDED = {**TEN, "stop_loss": percent(0.05), "take_profit": percent(0.05)}
FINE_NS = DAY_NS // 24


def finer(*parts, start=0):
    """Hourly bars of days: for each day its (open, high, low, close) rows."""
    rows = [row for part in parts for row in part]
    stamps = [
        (start + day) * DAY_NS + hour * FINE_NS
        for day, part in enumerate(parts)
        for hour in range(len(part))
    ]
    columns = np.array(rows, dtype=float).reshape(-1, 4).T
    bars = Bars.from_arrays(
        ts=np.array(stamps, np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.ones(len(rows)),
    )
    first = np.concatenate([[0] * (start + 1), np.cumsum([len(part) for part in parts])])
    return Detail(bars, first.astype(np.int64))


def coarse(*parts):
    """The days that such hours make up."""
    rows = [
        (part[0][0], max(row[1] for row in part), min(row[2] for row in part), part[-1][3])
        for part in parts
    ]
    return market(rows)


def replay(parts, *signals, detail=None, bars=None, **options):
    bars = coarse(*parts) if bars is None else bars
    detail = finer(*parts) if detail is None else detail
    entries = options.pop("entries", 1)
    columns, program = build(len(bars), signals, options.pop("levels", ()), entries=entries)
    config = RunConfig.from_mapping(options)
    return simulate(bars, columns, program, config, detail=detail)


def at(price, *, to=None):
    """An hour that goes from one price to another and nowhere else."""
    end = price if to is None else to
    return (price, max(price, end), min(price, end), end)


STILL = [at(100)]


def test_finer_bars_tell_which_guard_came_first():
    first_up = [at(100, to=106), at(106, to=94), at(94, to=100)]
    first_down = [at(100, to=94), at(94, to=106), at(106, to=100)]
    without = play(coarse(STILL, first_up), long(0, **GUARDED))
    assert without.counters["ambiguous_bars"] == 1
    assert without.trades["exit_price"].tolist() == [95]
    for path, price, reason, hour in (
        (first_up, 105, ExitReason.TAKE_PROFIT, 0),
        (first_down, 95, ExitReason.STOP_LOSS, 0),
    ):
        result = replay([STILL, path], long(0, **GUARDED))
        assert result.trades["exit_price"].tolist() == [price]
        assert result.trades["exit_reason"].tolist() == [reason]
        assert result.trades["exit_ts"].tolist() == [DAY_NS + hour * FINE_NS]
        assert result.counters["ambiguous_bars"] == 0
        assert result.counters["without_detail"] == 0


def test_what_one_finer_bar_leaves_open_is_ambiguous_as_before():
    path = [at(100, to=101), (101, 106, 94, 100), at(100)]
    result = replay([STILL, path], long(0, **GUARDED))
    assert result.trades["exit_price"].tolist() == [95]
    assert result.counters["ambiguous_bars"] == result.counters["ambiguous_trades"] == 1
    assert result.trades["exit_ts"].tolist() == [DAY_NS + FINE_NS]


def test_a_limit_entry_is_guarded_by_what_came_after_it():
    # The high of 110 came before the limit at 98: a take-profit at 102.9 was not reached.
    path = [at(100, to=110), at(110, to=98), at(98, to=99)]
    result = replay([STILL, path, STILL], long(0, **GUARDED, **limit(98)))
    (entry, _) = result.fills
    assert (entry["price"], entry["ts"]) == (98, DAY_NS + FINE_NS)
    assert result.trades["exit_reason"].tolist() == [ExitReason.END]
    # And here the take-profit came after it, though the day closes below: unknown without hours.
    path = [at(100, to=98), at(98, to=104), at(104, to=99)]
    assert play(coarse(STILL, path, STILL), long(0, **GUARDED, **limit(98))).trades[
        "exit_reason"
    ].tolist() == [ExitReason.END]
    result = replay([STILL, path, STILL], long(0, **GUARDED, **limit(98)))
    assert result.trades["exit_price"].tolist() == pytest.approx([102.9])
    assert result.trades["exit_ts"].tolist() == [DAY_NS + FINE_NS]


def test_a_stop_entry_in_a_finer_bar_is_doubtful_in_that_bar_alone():
    # Up to the stop at 103 in the second hour; the low of 97 was in the first.
    path = [(100, 100, 97, 99), (99, 104, 99, 104), at(104)]
    guard = {**TEN, "stop_loss": percent(0.05)}
    whole = play(coarse(STILL, path, STILL), long(0, **guard, **stop(103)))
    assert whole.trades["exit_reason"].tolist() == [ExitReason.STOP_LOSS]
    assert whole.counters["ambiguous_bars"] == 1
    result = replay([STILL, path, STILL], long(0, **guard, **stop(103)))
    assert result.trades["exit_reason"].tolist() == [ExitReason.END]
    assert result.counters["ambiguous_bars"] == 0


def test_a_stop_limit_waits_at_its_limit_from_the_next_finer_bar_on():
    # Triggered at 102 in the first hour, back at 101 in the second; the day closes above both.
    path = [at(100, to=103), at(103, to=101), at(101, to=105)]
    whole = play(coarse(STILL, path, at_day(105)), long(0, **TEN, **stop_limit(102, 101)))
    assert len(whole.fills) == 0
    result = replay([STILL, path, at_day(105)], long(0, **TEN, **stop_limit(102, 101)))
    assert result.fills["price"].tolist() == [101, 105]


def at_day(price):
    return [at(price)]


def test_a_trailing_stop_follows_finer_bars():
    guard = {**TEN, "trailing": percent(0.05)}
    # Up to 120 and back to 110 within a day: the stop stood at 114 by then.
    path = [at(100, to=120), at(120, to=110), at(110)]
    whole = play(coarse(STILL, path, at_day(110)), long(0, **guard))
    assert whole.trades["exit_price"].tolist() == [110]
    assert whole.trades["exit_bar"].tolist() == [2]
    result = replay([STILL, path, at_day(110)], long(0, **guard))
    assert result.trades["exit_price"].tolist() == [114]
    assert result.trades["exit_reason"].tolist() == [ExitReason.TRAILING_STOP]
    assert result.trades["exit_bar"].tolist() == [1]


def test_an_entry_at_a_trailing_stop_follows_finer_bars():
    path = [at(100, to=90), at(90, to=96), at(96)]
    result = replay([STILL, path, at_day(96)], long(0, **TEN, **trailing(0.05)))
    # 5 % above the 90 of the first hour.
    assert result.fills["price"].tolist()[:1] == [94.5]
    assert result.fills["ts"].tolist()[:1] == [DAY_NS + FINE_NS]


def test_orders_live_by_the_bars_of_the_run():
    path = [at(100), at(100), at(100, to=95)]
    one_bar = limit(96, time_in_force=TimeInForce.BARS, bars=1)
    result = replay([STILL, path, at_day(95)], long(0, **TEN, **one_bar))
    assert result.fills["price"].tolist()[:1] == [96]
    too_late = replay([STILL, [at(100)] * 3, [at(100, to=95)]], long(0, **TEN, **one_bar))
    assert len(too_late.fills) == 0
    assert too_late.counters["expired"] == 1


def test_a_time_stop_closes_at_the_open_of_its_bar():
    path = [at(100), at(101), at(102)]
    result = replay([STILL, path, path, path], long(0, **TEN, max_bars=2))
    assert result.trades["exit_bar"].tolist() == [3]
    assert result.trades["exit_price"].tolist() == [100]


def test_all_finer_bars_share_the_volume_of_their_bar():
    # A tenth of 1,000 units: of 150 to sell at the stop, 50 are left for the next day's open.
    path = [at(100), at(100, to=94), at(94), at(94)]
    sized = {"size": Size(SizeKind.UNITS, 100), "stop_loss": percent(0.05)}
    result = replay(
        [STILL, STILL, STILL, path, at_day(94)],
        long(0, **sized),
        long(1, size=Size(SizeKind.UNITS, 50), stop_loss=percent(0.05)),
        participation=0.1,
        cash=100_000,
        entries=2,
    )
    assert result.fills["quantity"].tolist() == [100, 50, 100, 50]
    assert result.fills["bar"].tolist() == [1, 2, 3, 4]


def test_a_limit_order_reached_by_a_later_gap_has_rested():
    costs = {"commission": {"maker": 0.0, "taker": 0.01}}
    path = [at(100), (97, 97, 97, 97)]
    result = replay([STILL, path], long(0, **TEN, **limit(98)), **costs)
    assert result.fills["commission"].tolist()[0] == 0.0
    at_once = replay([STILL, [at(97), at(97)]], long(0, **TEN, **limit(98)), **costs)
    assert at_once.fills["commission"].tolist()[0] == pytest.approx(9.7)


def test_excursions_count_up_to_the_exit():
    path = [at(100, to=98), at(98, to=106), at(106, to=90)]
    result = replay([STILL, path], long(0, **TEN, take_profit=percent(0.05)))
    (trade,) = result.trades
    assert trade["mae"] == pytest.approx(-0.02)
    assert trade["mfe"] == pytest.approx(0.05)


def test_a_bar_without_finer_bars_is_done_as_before_and_counted():
    both = [at(100, to=106), at(106, to=94), at(94, to=100)]
    known = finer(STILL)
    none_after = Detail(known.bars, np.array([0, 1, 1], np.int64))
    result = replay([STILL, both], long(0, **GUARDED), detail=none_after)
    assert result.trades["exit_price"].tolist() == [95]
    assert result.counters["without_detail"] == result.counters["ambiguous_bars"] == 1
    assert "1 bar(s) in which orders or guards were looked at had no finer" in result.warnings[1]


def test_a_bar_in_which_nothing_may_happen_needs_no_finer_bars():
    known = finer(STILL)
    none_after = Detail(known.bars, np.array([0, 1, 1, 1], np.int64))
    result = replay([STILL] * 3, long(0, **GUARDED), detail=none_after)
    assert result.counters["without_detail"] == 0


def test_finer_bars_that_contradict_their_bar_are_told_and_not_used():
    path = [at(100, to=106), at(106, to=94), at(94, to=100)]
    beyond = [(100, 107, 100, 106), *path[1:]]
    short_of = [at(100, to=105), at(105, to=94), at(94, to=100)]
    for wrong in (beyond, short_of):
        detail = finer(STILL, wrong, STILL)
        bars = coarse(STILL, path, STILL)
        columns, program = build(3, [long(0, **GUARDED)])
        result = simulate(bars, columns, program, RunConfig(), detail=detail)
        assert result.trades["exit_price"].tolist() == [95]
        assert result.counters["without_detail"] == 1
        assert "1 of 3 bar(s) contradict them: bar 1 goes from 94 to 106" in result.warnings[0]


def test_finer_bars_of_something_else_are_refused():
    bars = coarse(STILL, [at(100, to=104)])
    columns, program = build(2, [long(0, **TEN)])
    for parts, code in (
        ([at_day(50), at_day(52)], "detail_contradicts"),
        ([[], []], "detail_elsewhere"),
    ):
        with pytest.raises(InvalidInput) as caught:
            simulate(bars, columns, program, RunConfig(), detail=finer(*parts))
        assert caught.value.code == code
    good = finer(STILL, [at(100, to=104)])
    for first, code in (
        ([0, 1], "shape_mismatch"),
        ([0, 2, 1], "out_of_range"),
        ([0, 1, 3], "out_of_range"),
        ([-1, 1, 2], "out_of_range"),
    ):
        broken = Detail(good.bars, np.array(first, np.int64))
        with pytest.raises(InvalidInput) as caught:
            simulate(bars, columns, program, RunConfig(), detail=broken)
        assert caught.value.code == code


def test_the_reference_profile_knows_no_finer_bars():
    with pytest.raises(InvalidInput, match="detail_interval"):
        replay([STILL, STILL], long(0, **TEN), profile="reference")


def test_auctions_of_the_bar_are_its_own():
    """The finer bars begin a cent off the bar's open and end off its close."""
    bars = market([(100, 100, 100, 100), (100, 103, 99, 102)])
    path = [(100.5, 103, 100.5, 103), (103, 103, 99, 101)]
    result = replay([STILL, path], long(0, **TEN, stop_loss=percent(0.003)), bars=bars)
    # Bought at 100; the first hour begins there and so does not touch 99.7.
    assert result.trades["exit_price"].tolist() == pytest.approx([99.7])
    assert result.trades["exit_ts"].tolist() == [DAY_NS + FINE_NS]
    assert result.counters["without_detail"] == 0


def test_no_time_goes_back():
    """What closes at the close of a bar comes after what filled in its finer bars."""
    path = [at(100), at(100, to=97), at(97)]
    result = replay([STILL, path], long(0, **TEN, **limit(98)))
    assert result.fills["ts"].tolist() == [DAY_NS + FINE_NS] * 2
    assert result.trades["exit_ts"].tolist() == result.trades["entry_ts"].tolist()


def test_a_short_position_mirrors():
    path = [at(100, to=94), at(94, to=106), at(106, to=100)]
    result = replay([STILL, path], short(0, **GUARDED))
    assert result.trades["exit_price"].tolist() == [95]
    assert result.trades["exit_reason"].tolist() == [ExitReason.TAKE_PROFIT]


def test_an_exit_that_waits_is_looked_at_in_its_hour():
    path = [at(100, to=99), at(99, to=96), at(96, to=101)]
    result = replay([STILL, STILL, path], long(0, **TEN), close(1, **stop(97)))
    assert result.trades["exit_price"].tolist() == [97]
    assert result.trades["exit_ts"].tolist() == [2 * DAY_NS + FINE_NS]


# --- what holds for every market ------------------------------------------------------------------


def same(bars: Bars) -> Detail:
    """Finer bars that are the bars themselves."""
    return Detail(bars, np.arange(len(bars) + 1))


def equal(one: Any, other: Any) -> None:
    for name in ("equity", "cash", "position", "fills", "trades", "alerts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.counters == other.counters
    assert one.warnings == other.warnings


@given(runs())
def test_bars_as_their_own_detail_change_no_bit(run: Any) -> None:
    bars, columns, program, config = run
    plain = simulate(bars, columns, program, config)
    equal(simulate(bars, columns, program, config, detail=same(bars)), plain)


@given(waiting_runs())
def test_bars_as_their_own_detail_change_no_bit_of_orders_that_wait(run: Any) -> None:
    bars, columns, program, config = run
    plain = simulate(bars, columns, program, config)
    equal(simulate(bars, columns, program, config, detail=same(bars)), plain)


def walked(bars: Bars, down_first: np.ndarray[Any, Any]) -> Detail:
    """Four finer bars for each: open, the one extreme, the other, close, in straight lines."""
    low_high = np.where(down_first, bars.low, bars.high)
    high_low = np.where(down_first, bars.high, bars.low)
    points = np.stack([bars.open, low_high, high_low, bars.close], axis=1)
    opens = points[:, [0, 0, 1, 2]].ravel()
    closes = points.ravel()
    ts = (bars.ts[:, None] + np.arange(4) * 1_000).ravel()
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return Detail(
        Bars(ts, opens, high, low, closes, np.ones(ts.size)), 4 * np.arange(len(bars) + 1)
    )


TURNS = st.lists(st.booleans(), min_size=40, max_size=40).map(np.array)


@given(runs(), TURNS)
def test_nothing_is_ambiguous_where_the_path_is_known(run: Any, turns: Any) -> None:
    bars, columns, program, config = run
    detail = walked(bars, np.resize(turns, len(bars)))
    result = simulate(bars, columns, program, config, detail=detail)
    assert result.counters["ambiguous_bars"] == 0
    assert result.counters["without_detail"] == 0


@given(waiting_runs(), TURNS)
def test_fills_on_finer_bars_lie_in_their_bar_and_explain_the_equity(run: Any, turns: Any) -> None:
    bars, columns, program, config = run
    detail = walked(bars, np.resize(turns, len(bars)))
    result = simulate(bars, columns, program, config, detail=detail)
    assert (np.diff(result.fills["ts"]) >= 0).all()
    assert (result.trades["exit_ts"] >= result.trades["entry_ts"]).all()
    inside = result.fills[result.fills["reason"] != ExitReason.END]
    price, bar = inside["reference_price"], inside["bar"]
    assert (price <= bars.high[bar]).all()
    assert (price >= bars.low[bar]).all()
    gained = -(result.fills["side"] * result.fills["quantity"] * result.fills["price"]).sum()
    paid = result.fills["commission"].sum()
    value = gained + result.position[-1] * bars.close[-1] - paid
    np.testing.assert_allclose(result.equity[-1] - config.cash, value, atol=1e-6)


def test_detail_of_random_walks_only_moves_what_was_unknown() -> None:
    """With one guard nothing is unknown of a market entry: finer bars change no price."""
    rng = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 500)))
    opens = np.roll(closes, 1)
    opens[0] = 100
    bars = market(
        [(o, max(o, c) * 1.01, min(o, c) * 0.99, c) for o, c in zip(opens, closes, strict=True)]
    )
    signal = np.flatnonzero(rng.random(500) < 0.2).tolist()
    columns, program = build(500, [long(*signal, **TEN, stop_loss=Stop(StopKind.PERCENT, 0.03))])
    plain = simulate(bars, columns, program, RunConfig(cash=1e6))
    known = simulate(
        bars, columns, program, RunConfig(cash=1e6), detail=walked(bars, rng.random(500) < 0.5)
    )
    assert len(plain.trades) > 10
    for name in ("entry_price", "exit_price", "exit_bar", "pnl"):
        np.testing.assert_array_equal(plain.trades[name], known.trades[name])
