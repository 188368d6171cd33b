"""Corners of orders that wait, with numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

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
    TimeInForce,
)
from core.engine.simulate import simulate
from tests.engine.order_scenario import limit, number, stop, trailing
from tests.engine.scenario import at_level, build, close, flat, long, market, play, short

TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100.0, 101.0, 99.0, 100.0)


def ordered(bars: Any, side: Operation, order: Order, *columns: Any) -> Any:
    """Decide at the close of bar 0 on ten units; series are columns from 1 on."""
    first = np.arange(len(bars)) == 0
    names = tuple(str(place) for place in range(len(columns) + 1))
    program = Program(names, (Rule(side, 0, Size(SizeKind.UNITS, 10), order=order),))
    return simulate(bars, [first, *columns], program, RunConfig())


def test_a_trailing_entry_may_keep_a_multiple_of_a_series_as_its_distance() -> None:
    # Twice 1.5 above the close of 100, and then above the low of 95, whatever the series does.
    rows = [CALM, (100, 101, 95, 96), (96, 98.5, 95.5, 98), CALM]
    distance = Price(PriceKind.SERIES, 2.0, column=1)
    order = Order(OrderKind.TRAILING_STOP, stop=distance)
    series = np.array([1.5, 9.0, 9.0, 9.0])
    bought = ordered(market(rows), Operation.OPEN_LONG, order, series)
    assert bought.fills[["bar", "price"]].tolist()[0] == (2, 98.0)
    rows = [CALM, (100, 105, 99, 104), (104, 104.5, 101.5, 102), CALM]
    sold = ordered(market(rows), Operation.OPEN_SHORT, order, series)
    assert sold.fills[["bar", "price"]].tolist()[0] == (2, 102.0)
    none = ordered(market(rows), Operation.OPEN_SHORT, order, np.zeros(4))
    assert none.counters["rejected_price"] == 1
    assert len(none.fills) == 0


@pytest.mark.parametrize("price", [np.nan, 0.0, -3.0, np.inf])
@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT])
def test_an_order_without_a_sound_price_never_fills(kind: OrderKind, price: float) -> None:
    unsound = Price(PriceKind.SERIES, column=1)
    sound = number(100.0)
    orders = {
        OrderKind.LIMIT: [Order(kind, limit=unsound)],
        OrderKind.STOP: [Order(kind, stop=unsound)],
        OrderKind.STOP_LIMIT: [
            Order(kind, limit=unsound, stop=sound),
            Order(kind, limit=sound, stop=unsound),
        ],
    }
    bars = market([CALM, CALM, CALM])
    for order in orders[kind]:
        for side in (Operation.OPEN_LONG, Operation.OPEN_SHORT):
            result = ordered(bars, side, order, np.full(3, price))
            assert result.counters["rejected_price"] == 1
            assert len(result.fills) == 0
            assert result.counters["waiting_at_end"] == 0


def test_an_order_that_is_replaced_waits_no_more() -> None:
    bars = flat(*[100] * 6)
    assert play(bars, long(0, 1, 2, **limit(90), **TEN)).counters["waiting_at_end"] == 1
    two = play(bars, long(0, 1, **limit(90), **TEN), long(1, 3, **limit(80), **TEN))
    assert two.counters["waiting_at_end"] == 2


def test_an_order_for_a_day_ends_with_the_session_of_its_first_bar() -> None:
    rows = market([CALM, CALM, CALM, CALM, (100, 101, 94, 100), CALM])
    columns, program = build(6, [long(0, **limit(95, time_in_force=TimeInForce.DAY), **TEN)])
    for sessions, filled in (
        ([0, 1, 1, 1, 1, 1], True),
        ([0, 1, 2, 2, 2, 2], False),
        ([0, 0, 1, 1, 1, 1], False),
    ):
        result = simulate(rows, columns, program, RunConfig(), sessions=np.array(sessions))
        assert (len(result.fills) > 0) == filled
        assert result.counters["expired"] == (not filled)


def test_guards_of_a_limit_order_are_judged_from_its_limit_and_of_a_stop_with_its_costs() -> None:
    rows = market([CALM, (100, 104, 94, 100), CALM, CALM])
    for order, take, sent in (
        (limit(95), 95.5, True),  # never more than 95 is paid
        (limit(95), 95.0, False),
        (stop(103), 103.5, False),  # 103 and the spread are 104.03
        (stop(103), 104.5, True),
    ):
        entry = long(0, **order, take_profit=at_level(0), **TEN)
        result = play(rows, entry, levels=[[take] * 4], spread=0.01)
        assert result.counters["rejected_stop"] == (not sent)
        assert (len(result.fills) > 0) == sent


def test_an_exit_that_waits_on_the_wrong_side_is_none() -> None:
    # The exit of a long is a sale; once the position is short it is gone, and stays gone.
    rows = [CALM, CALM, CALM, CALM, (100, 106, 99, 104), CALM]
    leave = close(1, **limit(105))
    result = play(market(rows), long(0, **TEN), leave, short(2, **TEN))
    assert result.fills["bar"].tolist() == [1, 3, 3, 5]
    assert result.counters["waiting_at_end"] == 0


def test_an_exit_that_waits_closes_its_part_once() -> None:
    high = (100, 106, 99, 104)
    result = play(market([CALM, CALM, high, high, CALM]), long(0, **TEN),
                  close(1, fraction=0.4, **limit(105)))  # fmt: skip
    assert result.position.tolist() == [0, 10, 6, 6, 0]
    assert result.fills["price"].tolist() == [100, 105, 100]


def test_an_exit_at_a_trailing_stop_follows_closed_bars() -> None:
    # Below the close of 100 at 95; behind the high of 110 at 104.5, which the next bar touches.
    rows = [CALM, CALM, (100, 110, 96, 109), (109, 109.5, 104, 105), CALM]
    result = play(market(rows), long(0, **TEN), close(1, **trailing(0.05)))
    assert result.fills[["bar", "price"]].tolist()[1] == (3, pytest.approx(104.5))
    rows = [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]
    result = play(market(rows), short(0, **TEN), close(1, **trailing(0.05)))
    assert result.fills[["bar", "price"]].tolist()[1] == (3, pytest.approx(90 * 1.05))


def test_a_part_that_volume_leaves_over_of_a_waiting_exit_stays_that_part() -> None:
    rows = [CALM, CALM, (100, 106, 94, 100), (100, 106, 94, 100), CALM, CALM]
    bars = dataclasses.replace(market(rows), volume=np.array([0.0, 100, 30, 100, 100, 100]))
    for order, prices in (
        (limit(105), [105, 105]),
        (stop(95), [95, 100]),
        (trailing(0.05), [95, 100]),
    ):
        columns, program = build(6, [long(0, **TEN), close(1, fraction=0.5, **order)])
        result = simulate(bars, columns, program, RunConfig(participation=0.1))
        assert result.position.tolist() == [0, 10, 7, 5, 5, 0]
        assert result.fills["price"].tolist()[1:3] == prices
        assert result.counters["waiting_at_end"] == 0


def test_exits_at_stops_and_at_limits_wait_side_by_side() -> None:
    signals = (
        long(0, **TEN), close(1, fraction=0.1, **stop(98)), close(1, fraction=0.2, **stop(97)),
        close(1, fraction=0.3, **limit(103)), close(1, fraction=0.4, **limit(104)),
    )  # fmt: skip
    wild = market([CALM, CALM, (100, 110, 90, 100), CALM])
    for order in (signals, (signals[0], *signals[:0:-1])):
        result = play(wild, *order)
        assert sorted(result.fills["price"].tolist()[1:-1]) == [97, 98, 103, 104]
        stops = [price < 100 for price in result.fills["price"].tolist()[1:-1]]
        assert stops == [True, True, False, False]


def test_a_limit_that_is_reached_inside_its_first_bar_rests_and_a_stop_never_does() -> None:
    fees = {"commission": {"maker": 0.001, "taker": 0.004}}
    rows = market([CALM, (100, 106, 89, 100), CALM])
    assert play(rows, long(0, **limit(90), **TEN), **fees).fills["commission"][0] == 0.9
    bought = play(rows, long(0, **stop(105), **TEN), **fees)
    assert bought.fills["commission"][0] == pytest.approx(4.2)
    rows = market([CALM, CALM, CALM, (100, 106, 89, 100), CALM])
    # A sale at 99.5 finds 100 at the first open after its decision.
    for order, fee in ((stop(95), 3.8), (limit(105), 1.05), (limit(99.5), 4.0)):
        fills = play(rows, long(0, **TEN), close(1, **order), **fees).fills
        assert fills["commission"][1] == pytest.approx(fee)


def test_exits_at_a_limit_do_not_slip_and_those_at_a_stop_do() -> None:
    rows = market([CALM, CALM, (100, 106, 94, 100), CALM])
    slips = {"slippage": {"bps": 100}}
    for order, price in ((limit(105), 105), (stop(95), 95 * 0.99)):
        result = play(rows, long(0, **TEN), close(1, **order), **slips)
        assert result.fills["price"][1] == pytest.approx(price)


def test_the_money_of_an_order_that_moves_the_price_pays_its_commission() -> None:
    result = play(
        flat(10, 10, 10), long(0), fractional=True, commission={"percent": 0.02, "per_order": 5},
        slippage={"model": "volume_share", "impact": 0.1},
    )  # fmt: skip
    entry = result.fills[0]
    assert entry["quantity"] * entry["price"] + entry["commission"] == pytest.approx(10_000)
    assert entry["price"] == pytest.approx(10 * (1 + 0.1 * (entry["quantity"] / 1_000) ** 2))


def test_a_price_that_moves_by_volume_leaves_other_models_alone() -> None:
    model = {"model": "volatility", "impact": 0.5, "window": 2}
    hundred = Size(SizeKind.UNITS, 50)
    result = play(flat(100, 110, 99, 99, 99), long(2, size=hundred), slippage=model)
    assert result.fills["price"][0] == pytest.approx(99 * (1 + 0.5 * 0.1 * np.sqrt(2)))
