"""Corners of the rules, each decided by one word of them, with numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Size, SizeKind
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine.code_scenario import value
from tests.engine.order_scenario import alert, limit, stop, stop_limit, trailing
from tests.engine.scenario import build, close, flat, long, market, play, short

TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100.0, 101.0, 99.0, 100.0)
NAN = np.nan


def exits(result: Any) -> list[tuple[int, float, str]]:
    return [
        (t["exit_bar"], pytest.approx(t["exit_price"]), ExitReason(t["exit_reason"]).label)
        for t in result.trades
    ]


# What acts of several decisions.


def test_the_exit_that_closes_most_acts_wherever_it_stands() -> None:
    result = play(flat(*[100] * 5), long(0, **TEN), close(1, fraction=0.8), close(1, fraction=0.3))
    assert result.position.tolist() == [0, 10, 2, 2, 0]


def test_the_first_rule_of_all_may_be_an_exit() -> None:
    assert play(flat(*[100] * 5), close(2), long(0, **TEN)).position.tolist() == [0, 10, 10, 0, 0]
    both = play(flat(*[100] * 5), close(1), long(0, 1, **TEN), entries=2)
    assert both.position.tolist() == [0, 10, 0, 0, 0]


def test_an_entry_at_the_market_leaves_the_orders_of_other_rules_waiting() -> None:
    rows = [CALM, CALM, CALM, (100, 101, 94, 100), CALM]
    result = play(market(rows), long(0, **limit(95), **TEN), long(1, **TEN), entries=2)
    assert result.fills["bar"].tolist() == [2, 3, 4]
    assert result.fills["price"].tolist() == [100, 95, 100]


def test_what_volume_leaves_over_follows_though_other_rules_are_true() -> None:
    bars = flat(*[100] * 6)
    bars = dataclasses.replace(bars, volume=np.array([0.0, 100, 40, 40, 40, 0]))
    columns, program = build(6, [alert(2, 3), close(1), long(0, **TEN)])
    config = RunConfig.from_mapping({"participation": 0.1})
    result = simulate(bars, columns, program, config)
    assert result.position.tolist() == [0, 10, 6, 2, 0, 0]
    assert result.fills["rule"].tolist() == [2, 1, 1, 1]
    assert result.alerts["bar"].tolist() == [2, 3]


def test_only_alerts_that_are_true_are_given_at_a_margin_call() -> None:
    account = {"margin": 0.5, "maintenance_margin": 0.4}
    result = play(flat(100, 100, 75, 75), long(0), alert(2), alert(1), **account)
    assert result.counters["liquidations"] == 1
    assert result.alerts[["bar", "rule"]].tolist() == [(1, 2), (2, 1)]


# Reversals.


def test_both_legs_of_a_reversal_slip_at_the_market_and_neither_at_a_limit() -> None:
    slips = {"slippage": {"bps": 100}}
    result = play(flat(*[100] * 4), long(0, **TEN), short(1, **TEN), **slips)
    assert result.fills["price"].tolist() == pytest.approx([101, 99, 99, 101])
    rows = market([CALM, CALM, (100, 106, 99, 100), CALM])
    result = play(rows, long(0, **TEN), short(1, **limit(105), **TEN), **slips)
    assert result.fills["price"].tolist() == pytest.approx([101, 105, 105, 101])
    netted = play(flat(*[100] * 4), long(0, **TEN), short(1, **TEN), exclusive=False, **slips)
    assert netted.fills["price"].tolist() == pytest.approx([101, 99])
    netted = play(rows, long(0, **TEN), short(1, **limit(105), **TEN), exclusive=False, **slips)
    assert netted.fills["price"].tolist() == pytest.approx([101, 105])


def test_an_entry_that_nets_the_whole_position_opens_nothing() -> None:
    result = play(flat(*[100] * 4), long(0, **TEN), short(1, **TEN), exclusive=False)
    assert result.position.tolist() == [0, 10, 0, 0]
    assert result.fills["quantity"].tolist() == [10, 10]
    assert exits(result) == [(2, 100, "reversal")]


def test_a_reversal_that_volume_cuts_short_is_counted_once() -> None:
    bars = dataclasses.replace(flat(*[100] * 5), volume=np.array([0.0, 1000, 1000, 60, 1000]))
    columns, program = build(5, [long(0, **TEN), short(2, **TEN)])
    result = simulate(bars, columns, program, RunConfig(participation=0.1))
    assert result.position.tolist() == [0, 10, 10, 4, 0]
    assert result.counters["reduced_by_volume"] == 1


# Money.


def test_a_part_of_a_position_is_closed_to_the_nearest_lot() -> None:
    thirty = {"size": Size(SizeKind.UNITS, 30)}
    for fraction, left in ((0.5, 10), (0.4, 20), (0.1, 20), (1.0, 0)):
        result = play(flat(*[100] * 4), long(0, **thirty), close(1, fraction=fraction), lot_size=10)
        assert result.position[2] == left
    split = play(flat(*[100] * 4), long(0, **thirty), close(1, fraction=0.5), fractional=True)
    assert split.position[2] == 15


@pytest.mark.parametrize(("price", "ruined"), [(50.0, 1), (50.0025, 0), (49.0, 1)])
def test_an_account_with_nothing_left_is_ruined(price: float, ruined: int) -> None:
    result = play(flat(100, 100, price, 200), long(0), margin=0.5)
    assert result.counters["ruined"] == ruined
    assert result.equity[2] == pytest.approx(200 * price - 10_000)
    assert len(result.trades) == 1


def test_the_commission_must_be_paid_as_well() -> None:
    hundred = {"size": Size(SizeKind.UNITS, 100)}
    result = play(flat(100, 100, 100), long(0, **hundred), commission={"per_order": 1})
    assert result.counters["rejected_unaffordable"] == 1
    assert len(result.fills) == 0
    assert len(play(flat(100, 100, 100), long(0, **hundred), cash=10_001,
                    commission={"per_order": 1}).fills) == 2  # fmt: skip


def test_adding_to_a_position_counts_its_open_profit() -> None:
    fifth = {"size": Size(SizeKind.PERCENT_OF_EQUITY, 0.2)}
    result = play(flat(100, 100, 150, 150), long(0, 1, **fifth), entries=2)
    assert result.position.tolist() == [0, 20, 34, 0]  # a fifth of 11,000 at 150 is 14
    lost = play(flat(100, 100, 50, 50), long(0, 1, **fifth), entries=2)
    assert lost.position.tolist() == [0, 20, 56, 0]  # a fifth of 9,000 at 50 is 36
    # 6,000 are tied up, and 11,000 are there: 33 at 150 cost 4,950, 34 would cost 5,100.
    units = long(1, size=Size(SizeKind.UNITS, 33)), long(1, size=Size(SizeKind.UNITS, 34))
    for more, position in zip(units, (73, 40), strict=True):
        first = long(0, size=Size(SizeKind.UNITS, 40))
        held = play(flat(100, 100, 150, 150), first, more, entries=2, cash=9_000)
        assert held.position[2] == position


def test_a_sum_of_money_pays_for_the_commission_by_unit_too() -> None:
    result = play(flat(100, 100, 100), long(0), commission={"per_unit": 1.0})
    assert result.fills["quantity"][0] == 99  # of 101 each


def test_an_order_that_rests_is_sized_and_paid_as_maker() -> None:
    rows = market([CALM, (110, 111, 109, 110), (100, 101, 99, 100), CALM])
    fees = {"commission": {"maker": 0.0, "taker": 0.05}}
    result = play(rows, long(0, **limit(100)), **fees)
    assert result.fills[["bar", "quantity"]].tolist()[0] == (2, 100)
    taken = play(rows, long(1), **fees)
    assert taken.fills[["bar", "quantity"]].tolist()[0] == (2, 95)


def test_fixed_ratio_takes_losses_from_profits() -> None:
    ratio = Size(SizeKind.FIXED_RATIO, 100.0, start=5.0)
    one = {"size": Size(SizeKind.UNITS, 1)}
    prices = (100, 100, 250, 250, 200, 200, 200)  # 150 won, 50 lost: exactly another contract
    for last, units in ((200, 10), (199, 5)):
        bars = flat(*prices[:4], last, *[last] * 3)
        result = play(bars, long(0, 2, **one), close(1, 3), short(5, size=ratio))
        assert result.trades["pnl"].tolist()[:2] == [150, last - 250]
        assert result.fills["quantity"][4] == units


def test_each_night_of_a_weekend_bears_interest() -> None:
    friday, monday = 24, 24 * 4
    hours = np.array([friday, friday + 1, monday, monday + 1])
    bars = dataclasses.replace(flat(*[100] * 4), ts=hours * 3_600 * 10**9)
    columns, program = build(4, [long(0)])
    config = RunConfig.from_mapping({"margin": 0.5, "financing_rate": 0.365})
    result = simulate(bars, columns, program, config)
    assert result.counters["financing_paid"] == pytest.approx(3 * 10.0)


def test_kelly_counts_trades_after_costs() -> None:
    # 14 of 20 won 3 after costs of 1, the others lost 2: half of Kelly's 0.5 of 10,030.
    gains = [4.0, -1.0, 4.0, -1.0, 4.0, 4.0, 4.0, -1.0, 4.0, 4.0] * 2
    prices = [100.0, *[price for gain in gains for price in (100.0, 100.0 + gain)], *[100.0] * 3]
    entries = range(0, 2 * len(gains), 2)
    result = play(
        flat(*prices),
        long(*entries, size=Size(SizeKind.UNITS, 1)),
        close(*[bar + 1 for bar in entries]),
        short(2 * len(gains) + 1, size=Size(SizeKind.KELLY, 0.5, start=0.1)),
        commission={"per_order": 0.5},
        fractional=True,
    )
    (entry,) = result.fills[result.fills["rule"] == 2][:1]
    assert entry["quantity"] == pytest.approx((10_030 * 0.25 - 0.5) / 100)


# Prices of orders.


def test_a_trailing_entry_is_never_pushed_away() -> None:
    # Above the low of 95 it stands at 96.9, and stays there though the next low is higher.
    rows = [CALM, (100, 101, 95, 96), (96, 96.8, 96, 96.5), (96.5, 97, 96.4, 97), CALM]
    result = play(market(rows), long(0, **trailing(0.02), **TEN))
    assert (result.fills["bar"][0], result.fills["price"][0]) == (3, pytest.approx(96.9))
    # Below the high of 105 at 102.9, though the next high is lower.
    rows = [CALM, (100, 105, 99, 104), (104, 104, 103, 103.5), (103.5, 104, 102.5, 103), CALM]
    result = play(market(rows), short(0, **trailing(0.02), **TEN))
    assert (result.fills["bar"][0], result.fills["price"][0]) == (3, pytest.approx(102.9))


@pytest.mark.parametrize("price", [0.1 + 0.2, 70_000.07, 1_234.56])
def test_a_price_that_is_whole_on_paper_loses_no_tick(price: float) -> None:
    bars = market([(price,) * 4, (price, price * 1.5, price * 0.5, price), (price,) * 4])
    orders = (long, limit), (long, stop), (short, limit), (short, stop)
    for side, order in orders:
        result = play(bars, side(0, **order(price), size=Size(SizeKind.UNITS, 0.1)),
                      tick_size=0.01, fractional=True)  # fmt: skip
        assert result.fills["price"][0] == pytest.approx(price, rel=1e-12)


def test_a_stop_limit_buys_at_a_limit_just_above_its_stop() -> None:
    bars = market([CALM, (100, 106, 99, 104), CALM])
    result = play(bars, long(0, **stop_limit(105, 105.5), **TEN))
    assert result.fills["price"][0] == 105


def test_more_rows_are_made_room_for_than_bars() -> None:
    count = 300
    bars = Bars.from_arrays(
        ts=np.arange(count), volume=np.ones(count),
        **{name: np.full(count, 100.0) for name in ("open", "high", "low", "close")},
    )  # fmt: skip
    result = play(bars, long(*range(0, count, 2)), short(*range(1, count, 2)))
    assert len(result.trades) == count - 1
    assert len(result.fills) == 2 * (count - 1)


# The code.


@pytest.mark.parametrize(
    ("left", "standard", "reference"),
    [
        ([1, 1, 3, 3], [0, 0, 1, 0], [0, 0, 1, 0]),
        ([1, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0]),
        ([3, 3, 2, 3], [0, 0, 0, 0], [0, 0, 0, 0]),
        ([1, 1, NAN, 3], [0, 0, 0, 0], [0, 0, 0, 0]),
        ([1, 3, 1, 3], [0, 1, 0, 1], [0, 0, 0, 1]),
        ([2, 3, 3, 3], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
    ids=["crossing", "touch", "touch from above", "missing", "twice", "from being equal"],
)
def test_crossings_survive_a_touch_but_in_the_reference(
    left: list[float], standard: list[float], reference: list[float]
) -> None:
    columns = [np.array(left, float), np.full(4, 2.0)]
    steps = ("column 0", "column 1", "cross_above")
    bars = flat(*[1] * 4)
    assert value(bars, columns, *steps).tolist() == standard
    strict = value(bars, columns, *steps, config={"profile": "reference"})
    assert strict[1:].tolist() == reference[1:]


def test_memory_looks_back_so_many_bars() -> None:
    bars = flat(*[1] * 6)
    truths = [np.array([0, 1, 0, 0, 1, 0], float)]
    numbers = [np.arange(6.0)]
    np.testing.assert_array_equal(
        value(bars, truths, "column 0", "bars_since"), [NAN, 0, 1, 2, 0, 1]
    )
    np.testing.assert_array_equal(value(bars, numbers, "column 0", "shift 0 0"), np.arange(6))
    np.testing.assert_array_equal(
        value(bars, numbers, "column 0", "shift 0 1"), [NAN, 0, 1, 2, 3, 4]
    )
    np.testing.assert_array_equal(
        value(bars, numbers, "column 0", "shift 0 3"), [NAN, NAN, NAN, 0, 1, 2]
    )
    both = value(bars, numbers, "column 0", "shift 0 2", "column 0", "shift 3 1", "subtract")
    np.testing.assert_array_equal(both, [NAN, NAN, -1, -1, -1, -1])
