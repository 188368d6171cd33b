"""Orders that wait, in the reference profile: equal to backtesting.py 0.6.6 to the last bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("backtesting", reason="the reference engine is optional (AGPL-3.0)")

from core.backtests.reference import reference_run
from core.engine.config import Commission, RunConfig
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
    TimeInForce,
)
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.order_scenario import cancel, limit, stop, stop_limit
from tests.engine.scenario import (
    at_level,
    build,
    long,
    market,
    percent,
    random_market,
    short,
)

EXACT = (
    "entry_bar", "exit_bar", "side", "quantity", "entry_price", "exit_price", "pnl",
    "commission", "entry_rule",
)  # fmt: skip
TEN = {"size": Size(SizeKind.UNITS, 10)}
CALM = (100, 101, 99, 100)


def assert_equal(
    bars: Any, columns: Any, program: Program, config: RunConfig, sessions: Any = None
) -> Any:
    profile = dataclasses.replace(config, profile="reference")
    ours = simulate(bars, columns, program, profile, sessions=sessions)
    theirs = reference_run(
        bars=bars, columns=columns, program=program, config=config, sessions=sessions
    )
    for field in EXACT:
        assert ours.trades[field].tolist() == theirs.trades[field].tolist(), field
    assert ours.equity.tolist() == theirs.equity.tolist()
    assert ours.counters["rejected_unaffordable"] == theirs.canceled
    return ours


def check(rows: Any, *signals: Any, levels: Any = (), sessions: Any = None, **config: Any) -> Any:
    """Play on both, and return (entry bar, entry price, exit bar, exit price) of each trade."""
    bars = market(rows)
    columns, program = build(len(bars), signals, levels, 0)
    days = None if sessions is None else np.array(sessions)
    ours = assert_equal(bars, columns, program, RunConfig.from_mapping(config), days)
    fields = ["entry_bar", "entry_price", "exit_bar", "exit_price"]
    return [tuple(trade) for trade in ours.trades[fields].tolist()]


def mirrored(rows: Any) -> list[Any]:
    return [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]


START = [CALM, CALM]
END = [CALM, CALM]


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100, 101, 96, 98), None),  # not down to it
        ((100, 101, 95, 98), 95.0),
        ((100, 101, 93, 98), 95.0),
        ((94, 96, 93, 95), 94.0),  # gaps to a better price
    ],
    ids=["untouched", "touched", "through", "gap"],
)
def test_a_limit_fills_at_its_price_or_better(bar: Any, price: float | None) -> None:
    rows = [*START, bar, *END]
    found = check(rows, long(1, **limit(95), **TEN))
    assert found == ([] if price is None else [(2, price, 4, 100.0)])
    found = check(mirrored(rows), short(1, **limit(105), **TEN))
    assert found == ([] if price is None else [(2, 200 - price, 4, 100.0)])


@pytest.mark.parametrize("on_close", [False, True])
@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100, 104, 99, 102), None),
        ((100, 105, 99, 102), 105.0),
        ((100, 108, 99, 102), 105.0),
        ((107, 108, 106, 107), 107.0),
    ],
    ids=["untouched", "touched", "through", "gap"],
)
def test_a_stop_fills_at_its_price_or_worse(bar: Any, price: float | None, on_close: bool) -> None:
    rows = [*START, bar, *END]
    if on_close and price is not None:
        price = 105.0  # it takes the close before for the open
    found = check(rows, long(1, **stop(105), **TEN), trade_on_close=on_close)
    assert [trade[:2] for trade in found] == ([] if price is None else [(2, price)])
    found = check(mirrored(rows), short(1, **stop(95), **TEN), trade_on_close=on_close)
    assert [trade[:2] for trade in found] == ([] if price is None else [(2, 200 - price)])


@pytest.mark.parametrize(
    ("bars", "order", "entry"),
    [
        ([(100, 104, 99, 102)], (105, 107), None),
        ([(100, 106, 99, 102)], (105, 107), (2, 105.0)),
        ([(106, 109, 105, 108)], (105, 107), (2, 105.0)),  # below what was traded: its fault
        ([(109, 110, 108, 109)], (105, 107), None),  # triggered, never down to the limit
        ([(109, 110, 108, 109), (108, 108, 106, 107)], (105, 107), (3, 107.0)),
        ([(109, 110, 108, 109), (106, 108, 105, 107)], (105, 107), (3, 106.0)),
        ([(100, 106, 99, 102)], (105, 103), None),  # the limit came before the stop, it says
        ([(100, 106, 99, 102), (104, 104, 102, 103)], (105, 103), (3, 103.0)),
        ([(100, 106, 99, 102)], (105, 105), None),
        ([(100, 106, 99, 102)], (105, 105.5), (2, 105.0)),
    ],
    ids=["untouched", "both", "gap over the stop", "gap over both", "later", "later, better",
         "limit below the stop", "limit below the stop, later", "limit at the stop",
         "limit just above the stop"],
)  # fmt: skip
def test_a_stop_limit_is_a_limit_once_triggered(bars: Any, order: Any, entry: Any) -> None:
    rows = [*START, *bars, *[(110, 111, 109, 110)] * 3]
    found = check(rows, long(1, **stop_limit(*order), **TEN))
    assert [trade[:2] for trade in found] == ([] if entry is None else [entry])
    order = (200 - order[0], 200 - order[1])
    found = check(mirrored(rows), short(1, **stop_limit(*order), **TEN))
    assert [trade[:2] for trade in found] == ([] if entry is None else [(entry[0], 200 - entry[1])])


GUARDS = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}


@pytest.mark.parametrize(
    ("bar", "order", "guards", "exit_bar"),
    [
        ((100, 101, 88, 90), limit(95), GUARDS, 3),  # its stop-loss is not seen in the bar
        ((100, 101, 94, 100.5), limit(95), GUARDS, 3),  # nor its take-profit
        ((100, 112, 101 - 2, 110), stop(105), GUARDS, 3),  # reaches both
        ((104, 112, 103, 110), stop(105), GUARDS, 2),  # the take-profit alone
        ((104, 112, 90, 110), stop(105), {"take_profit": percent(0.05)}, 2),
        ((104, 106, 90, 100), stop(105), {"stop_loss": percent(0.05)}, 3),
        ((104, 112, 103, 110), stop_limit(105, 107), GUARDS, 3),
    ],
    ids=["limit, stop-loss", "limit, take-profit", "stop, both", "stop, take-profit",
         "stop without a stop-loss", "stop, stop-loss", "stop-limit, take-profit"],
)  # fmt: skip
def test_guards_in_the_bar_of_an_entry_that_waited(
    bar: Any, order: Any, guards: Any, exit_bar: int
) -> None:
    last = (80, 81, 79, 80)
    rows = [*START, bar, last, last, last]
    found = check(rows, long(1, **order, **guards, **TEN))
    assert len(found) == 1
    assert found[0][2] == exit_bar
    kinds = {"limit": order["order"].limit, "stop": order["order"].stop}
    turned = {k: p and Price(PriceKind.NUMBER, 200 - p.value) for k, p in kinds.items()}
    other = {"order": dataclasses.replace(order["order"], **turned)}
    # The mirror of a fraction of 95 is not that of 105: take the very prices.
    base = (order["order"].limit or order["order"].stop).value
    levels = [[200 - base * 0.95] * 6, [200 - base * 1.05] * 6]
    named = zip(("stop_loss", "take_profit"), (at_level(0), at_level(1)), strict=True)
    guards = {name: level for name, level in named if name in guards}
    found = check(mirrored(rows), short(1, **other, **guards, **TEN), levels=levels)
    assert len(found) == 1
    assert found[0][2] == exit_bar


def test_an_order_waits_until_it_is_cancelled_replaced_or_over() -> None:
    dip = (100, 101, 94, 100)
    rows = [CALM] * 5 + [dip] + [CALM] * 3
    wait = [(5, 95.0, 8, 100.0)]
    assert check(rows, long(1, **limit(95), **TEN)) == wait
    assert check(rows, long(1, **limit(95), **TEN), cancel(3)) == []
    assert check(rows, long(1, 3, **limit(95), **TEN), cancel(3)) == wait  # the new one stays
    bars = {"time_in_force": TimeInForce.BARS}
    assert check(rows, long(1, **limit(95, **bars, bars=4), **TEN)) == wait
    assert check(rows, long(1, **limit(95, **bars, bars=3), **TEN)) == []
    day = {"time_in_force": TimeInForce.DAY}
    for sessions, found in (
        ([0, 0, 1, 1, 1, 1, 2, 2, 2], wait),  # placed at the close of 0, it is for 1
        ([0, 0, 1, 1, 1, 2, 2, 2, 2], []),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0], wait),
        (None, []),
    ):
        assert check(rows, long(1, **limit(95, **day), **TEN), sessions=sessions) == found


def test_a_new_order_cancels_the_old_and_closes_the_position_at_once() -> None:
    rows = [CALM] * 5 + [(100, 106, 94, 100)] + [CALM] * 3
    first, second = long(1, **limit(95), **TEN), short(3, **limit(105), **TEN)
    assert [trade[:2] for trade in check(rows, first, second)] == [(5, 105.0)]
    held = check(rows, long(1, **TEN), short(3, **limit(105), **TEN))
    assert held[0] == (2, 100.0, 4, 100.0)
    assert held[1][:2] == (5, 105.0)


def test_an_unsound_order_takes_the_one_that_waits_with_it() -> None:
    rows = [CALM] * 5 + [(100, 106, 94, 100)] + [CALM] * 3
    price = {"order": Order(OrderKind.LIMIT, limit=Price(PriceKind.SERIES, column=1))}
    signal = long(1, 3, **price, **TEN)
    levels = [[95.0, 95.0, 95.0, np.nan, 95, 95, 95, 95, 95]]
    assert check(rows, signal, levels=levels) == []
    levels[0][3] = 96.0
    assert [trade[:2] for trade in check(rows, signal, levels=levels)] == [(5, 96.0)]


@pytest.mark.parametrize("order", [limit(99.5), stop(100.5), stop_limit(100.5, 102)])
@pytest.mark.parametrize("last", [2, 3, 4])
@pytest.mark.parametrize("force", [None, 1, 2])
def test_the_last_bar_is_gone_through_twice(order: Any, last: int, force: int | None) -> None:
    if force:
        order = {"order": dataclasses.replace(
            order["order"], time_in_force=TimeInForce.BARS, bars=force)}  # fmt: skip
    rows = [CALM] * 4 + [(100, 102, 98, 101)]
    check(rows, long(last, **order, **TEN, take_profit=percent(0.005)))
    check(rows, short(1, **TEN), long(last, **order, **TEN))
    check(rows, long(last, **order, **TEN), liquidate_at_end=False)


def test_the_first_rule_of_all_fills_in_the_last_bar_that_decided_it() -> None:
    rows = [CALM] * 4 + [(100, 102, 98, 101)]
    assert len(check(rows, long(4, **TEN))) == 0  # it opens, and nothing closes it any more
    bars = market(rows)
    columns, program = build(5, [long(4, **TEN)])
    ours = assert_equal(bars, columns, program, RunConfig(commission=Commission(per_order=2.0)))
    assert ours.fills["bar"].tolist() == [4]
    columns, program = build(5, [long(1, **TEN)])
    assert assert_equal(bars, columns, program, RunConfig()).counters["closed_at_end"] == 1


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_costs_on_the_close_are_in_the_account_a_bar_later(spread: float) -> None:
    rows = [CALM, CALM, (100, 103, 99, 102), (102, 104, 101, 103), CALM, CALM]
    costs = {"spread": spread, "commission": {"per_order": 3.0}, "trade_on_close": True}
    assert len(check(rows, long(1, **TEN), short(3, **TEN), **costs)) == 2


@pytest.mark.parametrize("fraction", [0.5, 0.9, 0.013])
def test_a_fixed_fee_weighs_on_the_size_as_if_it_were_for_that_fraction(fraction: float) -> None:
    rows = [CALM, CALM, (103, 104, 97, 99), CALM, CALM]
    size = {"size": Size(SizeKind.PERCENT_OF_EQUITY, fraction)}
    for side in (long, short):
        # A hundredth of the money buys one unit, and none where it weighs 3 / 0.013.
        trades = check(rows, side(1, **size), commission={"per_order": 3.0})
        assert len(trades) == (fraction > 0.1)


@pytest.mark.parametrize(("order", "take"), [(stop(103), 103.5), (limit(95), 95.5)])
def test_guards_of_orders_that_wait_are_judged_without_the_spread(order: Any, take: float) -> None:
    rows = [CALM, CALM, (100, 104, 94, 100), CALM, CALM]
    entry = long(1, **order, take_profit=at_level(0), **TEN)
    assert len(check(rows, entry, levels=[[take] * 5], spread=0.01)) == 1


@pytest.mark.parametrize("last", [(40, 110, 39, 105), (40, 45, 39, 41), (90, 95, 10, 12)])
def test_the_last_bar_may_ruin_an_account_when_it_is_gone_through_again(last: Any) -> None:
    check([CALM] * 4 + [last], long(1), margin=0.4)
    check([CALM] * 4 + [last], long(1), short(4), margin=0.4)


def random_scenario(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 120))
    bars = random_market(rng, count, float(rng.choice([0.005, 0.02, 0.06])))
    rate = float(rng.choice([0.05, 0.2, 0.5]))
    columns = [
        *(rng.random((5, count)) < rate),
        bars.close * rng.uniform(0.93, 1.07, count),
        bars.close * rng.uniform(0.93, 1.07, count),
    ]
    columns[5][rng.random(count) < 0.05] = np.nan

    def price() -> Price:
        kinds = (
            Price(PriceKind.OFFSET, float(rng.uniform(-0.03, 0.03))),
            Price(PriceKind.SERIES, column=int(rng.integers(5, 7))),
            Price(PriceKind.NUMBER, float(np.round(rng.uniform(85, 115), 2))),
        )
        return kinds[rng.integers(3)]

    def order() -> Order:
        kind = OrderKind(int(rng.integers(1, 5)))
        force = TimeInForce(int(rng.integers(1, 4)))
        limited = kind in (OrderKind.LIMIT, OrderKind.STOP_LIMIT)
        stopped = kind in (OrderKind.STOP, OrderKind.STOP_LIMIT)
        return Order(
            kind, limit=price() if limited else None, stop=price() if stopped else None,
            time_in_force=force, bars=int(rng.integers(1, 6)),
        )  # fmt: skip

    def guard() -> Stop | None:
        kinds = (
            Stop(StopKind.PERCENT, float(rng.uniform(0.005, 0.1))),
            Stop(StopKind.MULTIPLE, float(rng.uniform(0.01, 0.05)), 6),
            None,
        )
        return kinds[rng.integers(3)]

    def size() -> Size:
        if rng.random() < 0.25:
            return Size(SizeKind.UNITS, float(rng.integers(1, 120)))
        return Size(SizeKind.PERCENT_OF_EQUITY, float(rng.choice([1.0, 0.9, 0.3])))

    rules = [
        Rule(
            Operation.OPEN_LONG if number % 2 else Operation.OPEN_SHORT, number, size(),
            stop_loss=guard(), take_profit=guard(), order=order(),
        )
        for number in range(3)
    ]  # fmt: skip
    rules.append(Rule(Operation.CLOSE, 3, fraction=float(rng.choice([1.0, 0.5]))))
    rules.append(Rule(Operation.CANCEL_ORDERS, 4))
    program = Program(
        tuple("abcdefg"), tuple(rules[k] for k in rng.permutation(5)),
        warmup=int(rng.integers(0, 5)),
    )  # fmt: skip
    config = RunConfig.from_mapping(
        {
            "cash": float(rng.choice([500.0, 10_000.0])),
            "commission": {"percent": float(rng.choice([0.0, 0.002])), "per_order": 1.0},
            "spread": float(rng.choice([0.0, 0.001])),
            "margin": float(rng.choice([1.0, 0.2])),
            "trade_on_close": bool(rng.random() < 0.2),
            "liquidate_at_end": bool(rng.random() < 0.8),
        }
    )
    return bars, columns, program, config, np.cumsum(rng.random(count) < 0.2)


@pytest.mark.parametrize("chunk", range(6))
def test_random_orders_trade_as_on_backtesting_py(chunk: int) -> None:
    trades = 0
    for seed in range(chunk * 50, chunk * 50 + 50):
        try:
            trades += len(assert_equal(*random_scenario(seed)).trades)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
    assert trades > 250


def test_what_the_reference_does_not_know_is_refused() -> None:
    bars = market([CALM] * 3)
    for options in (
        {"order": Order(OrderKind.TRAILING_STOP, stop=Price(PriceKind.OFFSET, 0.01))},
        {"trailing": percent(0.02)},
        {"max_bars": 3},
    ):
        columns, program = build(3, [long(1, **options)])
        with pytest.raises(InvalidInput, match="not known to the reference"):
            simulate(bars, columns, program, RunConfig(profile="reference"))
