"""Orders that wait for their price, by the fill contract, with numbers worked out by hand."""

from __future__ import annotations

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
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.order_scenario import alert, cancel, limit, stop, stop_limit, trailing
from tests.engine.scenario import build, close, flat, long, market, percent, play, short

TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100.0, 101.0, 99.0, 100.0)


def mirrored(rows: Any) -> list[Any]:
    return [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]


def entries(result: Any) -> list[tuple[int, float]]:
    fills = result.fills[result.fills["side"] > 0]
    return list(zip(fills["bar"].tolist(), fills["price"].tolist(), strict=True))


def trades(result: Any) -> list[tuple[int, float, int, float, str]]:
    return [
        (t["entry_bar"], t["entry_price"], t["exit_bar"], t["exit_price"],
         ExitReason(t["exit_reason"]).label)
        for t in result.trades
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bar", "price"),
    [((100, 101, 95.5, 98), None), ((100, 101, 95, 98), 95.0), ((94, 96, 93, 95), 94.0)],
    ids=["untouched", "touched", "gap: better, at the open"],
)
def test_a_limit_fills_at_its_price_or_at_a_better_open(bar: Any, price: float | None) -> None:
    rows = [CALM, bar, CALM]
    result = play(market(rows), long(0, **limit(95), **TEN))
    assert entries(result) == ([] if price is None else [(1, price)])
    assert result.counters["waiting_at_end"] == (price is None)
    result = play(market(mirrored(rows)), short(0, **limit(105), **TEN))
    assert trades(result)[:1] == ([] if price is None else [(1, 200 - price, 2, 100.0, "end")])


@pytest.mark.parametrize(
    ("bar", "price"),
    [((100, 104, 99, 102), None), ((100, 105, 99, 102), 105.0), ((107, 108, 106, 107), 107.0)],
    ids=["untouched", "touched", "gap: worse, at the open"],
)
def test_a_stop_fills_at_its_price_or_at_a_worse_open(bar: Any, price: float | None) -> None:
    rows = [CALM, bar, CALM]
    assert entries(play(market(rows), long(0, **stop(105), **TEN))) == (
        [] if price is None else [(1, price)]
    )
    found = trades(play(market(mirrored(rows)), short(0, **stop(95), **TEN)))
    assert [trade[1] for trade in found] == ([] if price is None else [200 - price])


@pytest.mark.parametrize(
    ("bars", "order", "entry"),
    [
        ([(100, 104, 99, 102)], (105, 107), None),
        ([(100, 106, 99, 102)], (105, 107), (1, 105.0)),
        ([(106, 109, 105, 108)], (105, 107), (1, 106.0)),  # at the open, where it triggers
        ([(109, 110, 108, 109)], (105, 107), None),
        ([(109, 110, 106, 109)], (105, 107), (1, 107.0)),  # down to the limit in the same bar
        ([(109, 110, 108, 109), (108, 108, 106, 107)], (105, 107), (2, 107.0)),
        ([(100, 106, 99, 104)], (105, 103), None),  # 99 may have been before 106
        ([(100, 106, 99, 103)], (105, 103), (1, 103.0)),  # the close was not
        ([(106, 106, 99, 104)], (105, 103), (1, 103.0)),  # triggered at the open
        ([(100, 106, 99, 104), (104, 104, 102, 103)], (105, 103), (2, 103.0)),
    ],
)
def test_a_stop_limit_fills_only_where_the_limit_can_be_reached_after_the_stop(
    bars: Any, order: Any, entry: Any
) -> None:
    rows = [CALM, *bars, (110, 111, 109, 110)]
    assert entries(play(market(rows), long(0, **stop_limit(*order), **TEN))) == (
        [] if entry is None else [entry]
    )
    turned = (200 - order[0], 200 - order[1])
    found = trades(play(market(mirrored(rows)), short(0, **stop_limit(*turned), **TEN)))
    assert [trade[:2] for trade in found] == ([] if entry is None else [(entry[0], 200 - entry[1])])


def test_a_trailing_stop_follows_closed_bars_and_acts_from_the_next() -> None:
    # 2 % above the close of 100 is 102; then above the lows 98 and 95: 99.96 and 96.90.
    rows = [CALM, (100, 101, 98, 99), (99, 99.5, 95, 96), (96, 97, 95.5, 96.5), CALM]
    result = play(market(rows), long(0, **trailing(0.02), **TEN))
    assert entries(result) == [(3, pytest.approx(95 * 1.02))]
    # A bar that falls and then rises by more than 2 % does not trigger by its own low.
    rows = [CALM, (100, 101.5, 90, 101), (101, 101.5, 100, 101), CALM]
    assert entries(play(market(rows), long(0, **trailing(0.02), **TEN))) == [(2, 101.0)]


def test_a_price_may_be_an_offset_from_the_close_or_a_series() -> None:
    rows = [(100, 101, 98, 98), *[(98, 98, 90, 97)] * 2]
    offset = Order(OrderKind.LIMIT, limit=Price(PriceKind.OFFSET, -0.01))
    assert entries(play(market(rows), long(0, order=offset, **TEN))) == [(1, 98 * 0.99)]
    columns, _ = build(3, [long(0)], [[93.0, 1.0, 1.0]])
    series = Order(OrderKind.LIMIT, limit=Price(PriceKind.SERIES, column=1))
    rule = Rule(Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, 10), order=series)
    result = simulate(market(rows), columns, Program(("a", "b"), (rule,)), RunConfig())
    assert entries(result) == [(1, 93.0)]


@pytest.mark.parametrize("price", [np.nan, 0.0, -3.0, np.inf])
def test_an_order_without_a_sound_price_is_rejected(price: float) -> None:
    columns = [np.array([True, False, False]), np.full(3, price)]
    order = Order(OrderKind.STOP, stop=Price(PriceKind.SERIES, column=1))
    program = Program(("a", "b"), (Rule(Operation.OPEN_LONG, 0, order=order),))
    result = simulate(flat(100, 100, 100), columns, program, RunConfig())
    assert result.counters["rejected_price"] == 1
    assert "1 order(s) were rejected: the price" in result.warnings[0]


def test_a_limit_is_never_exceeded_by_costs_and_a_stop_pays_them() -> None:
    rows = [CALM, (100, 104, 94, 100), CALM]
    costs = {"spread": 0.01, "slippage": {"bps": 50}}
    result = play(market(rows), long(0, **limit(95.95), **TEN), **costs)
    # An ask of 95.95 is a price of 95 in the bars.
    assert result.fills["price"][0] == pytest.approx(95.95)
    assert result.fills["price"][0] <= 95.95
    assert result.fills["reference_price"][0] == pytest.approx(95)
    assert entries(play(market(rows), long(0, **limit(94.93), **TEN), **costs)) == []
    result = play(market(rows), long(0, **stop(103), **TEN), **costs)
    assert result.fills["price"][0] == pytest.approx(103 * 1.015)
    better = play(market([CALM, (90, 94, 89, 93), CALM]), long(0, **limit(95), **TEN), **costs)
    assert better.fills["price"][0] == pytest.approx(90 * 1.01)


def test_a_limit_is_never_exceeded_by_rounding_either() -> None:
    bars = market([CALM, (100, 101, 50, 100), CALM])
    spread, price = 0.0123, 87.5
    assert price / (1 + spread) * (1 + spread) > price  # by one unit in the last place
    paid = play(bars, long(0, **limit(price), **TEN), spread=spread).fills["price"][0]
    assert paid == price


GUARDS = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}


@pytest.mark.parametrize(
    ("bar", "order", "outcome", "ambiguous"),
    [
        # Down to 95, and on to 90: the stop-loss at 90.25 comes after the entry for certain.
        ((100, 101, 90, 92), limit(95), (1, 90.25, "stop_loss"), 0),
        # 101 was before the entry; the close at 98 is below the take-profit of 99.75.
        ((100, 101, 94, 98), limit(95), (2, 99.75, "take_profit"), 0),
        # A close of 99.8 is beyond it and after the entry.
        ((100, 101, 94, 99.8), limit(95), (1, 99.75, "take_profit"), 0),
        # Up to 105 and on to 111: the take-profit at 110.25 comes after the entry.
        ((104, 111, 103, 108), stop(105), (1, 110.25, "take_profit"), 0),
        # 99 may have come before the entry at 105; it counts against it.
        ((104, 106, 99, 104), stop(105), (1, 99.75, "stop_loss"), 1),
        ((104, 106, 99, 99.5), stop(105), (1, 99.75, "stop_loss"), 0),  # the close tells
        ((104, 111, 99, 104), stop(105), (1, 99.75, "stop_loss"), 1),
        # A gap fills at the open: the whole bar counts.
        ((94, 100, 93, 98), limit(95), (1, 98.7, "take_profit"), 0),
    ],
)
def test_an_entry_is_guarded_in_its_bar_by_what_can_be_known(
    bar: Any, order: Any, outcome: Any, ambiguous: int
) -> None:
    rows = [CALM, bar, (99, 120, 98.9, 110), CALM]
    result = play(market(rows), long(0, **order, **GUARDS, **TEN))
    assert len(result.trades) == 1
    assert trades(result)[0][2:] == (outcome[0], pytest.approx(outcome[1]), outcome[2])
    assert result.counters["ambiguous_bars"] == ambiguous
    assert result.counters["ambiguous_trades"] == ambiguous


DIP = (100, 101, 94, 100)


def test_an_order_waits_until_it_is_cancelled_replaced_or_over() -> None:
    rows = market([CALM] * 5 + [DIP] + [CALM] * 3)
    assert entries(play(rows, long(1, **limit(95), **TEN))) == [(5, 95.0)]
    assert entries(play(rows, long(1, **limit(95), **TEN), cancel(3))) == []
    assert entries(play(rows, long(1, 3, **limit(95), **TEN), cancel(3))) == [(5, 95.0)]
    for bars, found in ((4, [(5, 95.0)]), (3, [])):
        force = {"time_in_force": TimeInForce.BARS, "bars": bars}
        result = play(rows, long(1, **limit(95, **force), **TEN))
        assert entries(result) == found
        assert result.counters["expired"] == (not found)


def test_an_order_for_a_day_is_for_the_session_after_its_decision() -> None:
    rows = market([CALM] * 5 + [DIP] + [CALM] * 3)
    columns, program = build(9, [long(1, **limit(95, time_in_force=TimeInForce.DAY), **TEN)])

    def found(sessions: Any) -> int:
        days = None if sessions is None else np.array(sessions)
        return len(entries(simulate(rows, columns, program, RunConfig(), sessions=days)))

    assert found([0, 0, 1, 1, 1, 1, 1, 2, 2]) == 1
    assert found([0, 0, 1, 1, 1, 2, 2, 2, 2]) == 0
    assert found([0, 0, 0, 0, 0, 0, 0, 0, 0]) == 1
    assert found(None) == 0  # daily bars: each is a day in UTC
    with pytest.raises(InvalidInput, match="one number a bar"):
        found([1, 2])


def test_a_signal_replaces_the_order_of_its_own_rule_only() -> None:
    prices = [[95.0] * 9, [97.0] * 9]
    columns, _ = build(9, [long(1, 2, **TEN), long(1, **TEN)], prices)
    columns[2][2] = 96.0
    rules = tuple(
        Rule(
            Operation.OPEN_LONG, number, Size(SizeKind.UNITS, 10), max_entries=5,
            order=Order(OrderKind.LIMIT, limit=Price(PriceKind.SERIES, column=2 + number)),
        )
        for number in (0, 1)
    )  # fmt: skip
    rows = market([CALM] * 5 + [DIP] + [CALM] * 3)
    result = simulate(rows, columns, Program(tuple("abcd"), rules), RunConfig())
    assert entries(result) == [(5, 96.0), (5, 97.0)]  # in order of priority


def test_an_order_that_finds_the_position_full_is_rejected_at_its_price() -> None:
    rows = market([CALM, CALM, (100, 101, 96, 100), DIP, CALM])
    signals = (long(0, **limit(97), **TEN), long(0, **limit(95), **TEN))
    result = play(rows, *signals)
    assert entries(result) == [(2, 97.0)]
    assert result.counters["rejected_full"] == 1
    assert entries(play(rows, *signals, entries=2)) == [(2, 97.0), (3, 95.0)]


def test_a_waiting_entry_from_the_opposite_side_reverses_where_it_fills() -> None:
    rows = market([CALM, CALM, CALM, (100, 106, 99, 104), CALM])
    result = play(rows, long(0, **TEN), short(1, **limit(105), **TEN))
    assert trades(result) == [(1, 100.0, 3, 105.0, "reversal"), (3, 105.0, 4, 100.0, "end")]
    both = play(rows, long(0, **TEN), short(1, **limit(105), **TEN), close(1))
    assert trades(both)[0] == (1, 100.0, 2, 100.0, "signal")  # the exit at once, the order later
    assert trades(both)[1][:2] == (3, 105.0)


@pytest.mark.parametrize(
    ("options", "bar", "expected"),
    [
        (limit(105), (100, 106, 99, 100), (2, 105.0)),
        (stop(95), (100, 101, 94, 100), (2, 95.0)),
        (stop_limit(96, 95.5), (100, 101, 95, 97), (2, 96.0)),
        (trailing(0.03), (100, 101, 97, 100), (2, 97.0)),
    ],
)
def test_exits_wait_for_their_price_too(options: Any, bar: Any, expected: Any) -> None:
    result = play(market([CALM, CALM, bar, CALM]), long(0, **TEN), close(1, **options))
    assert [trade[2:4] for trade in trades(result)] == [expected]
    assert trades(result)[0][4] == "signal"


def test_an_exit_that_waits_is_cancelled_with_its_position() -> None:
    rows = [CALM, CALM, CALM, CALM, (100, 106, 99, 100), CALM]
    leave, later = close(1, **limit(105)), close(2)
    result = play(market(rows), long(0, 3, **TEN), leave, later)
    # The second position is not the one that the order was for.
    assert trades(result) == [(1, 100.0, 3, 100.0, "signal"), (4, 100.0, 5, 100.0, "end")]


def test_within_a_bar_exits_at_stops_come_first_and_exits_at_limits_after_the_guards() -> None:
    wild = market([CALM, CALM, (100, 110, 90, 100), CALM])
    entry = long(0, **GUARDS, **TEN)
    assert trades(play(wild, entry, close(1, **stop(96))))[0][3:] == (96.0, "signal")
    assert trades(play(wild, entry, close(1, **limit(104))))[0][3:] == (95.0, "stop_loss")


def test_alerts_are_rows_of_their_own() -> None:
    bars = flat(*[100] * 5)
    result = play(bars, long(0, **TEN), alert(0, 2, 4))
    told = result.alerts[["bar", "ts", "rule"]].tolist()
    assert told == [(bar, bars.ts[bar], 1) for bar in (0, 2, 4)]
    assert result.fills["bar"].tolist() == [1, 4]
    assert result.fills["reason"].all()
    assert len(play(bars, long(0, **TEN)).alerts) == 0


def test_an_alert_is_given_at_a_margin_call_and_orders_are_cancelled_by_it() -> None:
    bars = market([CALM, CALM, (92, 92, 92, 92), (91, 91, 80, 91), (91, 91, 91, 91)])
    result = play(
        bars, long(0), alert(2), long(1, **limit(85), **TEN), margin=0.2,
        maintenance_margin=0.15, entries=5,
    )  # fmt: skip
    assert result.counters["liquidations"] == 1
    assert result.alerts["bar"].tolist() == [2]
    assert len(entries(result)) == 1


def test_every_fault_of_an_order_is_told_with_its_node() -> None:
    price, series = Price(PriceKind.NUMBER, 1.0), Price(PriceKind.SERIES, column=0)
    rules = (
        Rule(Operation.OPEN_LONG, 0, order=Order(OrderKind.LIMIT), source="a"),
        Rule(Operation.OPEN_LONG, 0, order=Order(OrderKind.MARKET, limit=price), source="b"),
        Rule(Operation.CLOSE, 0, order=Order(OrderKind.STOP, stop=series), source="c"),
        Rule(Operation.OPEN_LONG, 0, max_bars=-1, source="d"),
        Rule(
            Operation.OPEN_LONG, 0, source="e",
            order=Order(OrderKind.LIMIT, limit=price, time_in_force=TimeInForce.BARS),
        ),
        Rule(
            Operation.OPEN_LONG, 0, source="f",
            order=Order(OrderKind.TRAILING_STOP, stop=Price(PriceKind.OFFSET, -0.1)),
        ),
        Rule(
            Operation.OPEN_LONG, 0, source="g",
            order=Order(OrderKind.LIMIT, limit=Price(PriceKind.SERIES, register=0)),
        ),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        simulate(flat(1, 1), [np.zeros(2, np.bool_)], Program(("x",), rules), RunConfig())
    assert {detail.path: detail.node_id for detail in caught.value.details} == {
        "program.rules[0].order.limit": "a",
        "program.rules[1].order.limit": "b",
        "program.rules[2].order.stop.column": "c",
        "program.rules[3].max_bars": "d",
        "program.rules[4].order.bars": "e",
        "program.rules[5].order.stop.value": "f",
        "program.rules[6].order.limit.register": "g",
    }
