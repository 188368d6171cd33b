"""What holds for every market and every order that waits."""

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
    TimeInForce,
)
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine.test_properties import markets

OFFSETS = st.builds(Price, st.just(PriceKind.OFFSET), st.sampled_from([-0.1, -0.02, 0.0, 0.03]))
SERIES = st.just(Price(PriceKind.SERIES, column=5))
PRICES = st.one_of(OFFSETS, SERIES)
GUARDS = st.one_of(
    st.none(),
    st.builds(Stop, st.just(StopKind.PERCENT), st.sampled_from([0.02, 0.1, 0.4])),
    st.just(Stop(StopKind.MULTIPLE, 2.0, 4)),
)
SIZES = st.one_of(
    st.builds(Size, st.just(SizeKind.UNITS), st.integers(1, 150).map(float)),
    st.builds(Size, st.just(SizeKind.PERCENT_OF_EQUITY), st.sampled_from([0.2, 0.5, 1.0])),
)


@st.composite
def orders(draw: Any) -> Order:
    kind = draw(st.sampled_from(OrderKind))
    limit = draw(PRICES) if kind in (OrderKind.LIMIT, OrderKind.STOP_LIMIT) else None
    stop = draw(PRICES) if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT) else None
    if kind == OrderKind.TRAILING_STOP:
        stop = Price(PriceKind.OFFSET, draw(st.sampled_from([0.01, 0.05])))
    force = draw(st.sampled_from(TimeInForce))
    return Order(kind, limit, stop, force, draw(st.integers(1, 5)))


@st.composite
def runs(draw: Any) -> tuple[Bars, list[Any], Program, RunConfig]:
    bars = draw(markets())
    count = len(bars)
    triggers = st.lists(st.booleans(), min_size=count, max_size=count).map(np.array)
    columns = [draw(triggers) for _ in range(4)] + [np.full(count, 7.0), bars.close * 0.97]
    entries = draw(st.integers(1, 3))
    opening = [
        Rule(
            operation, number, draw(SIZES), stop_loss=draw(GUARDS), take_profit=draw(GUARDS),
            trailing=draw(GUARDS), max_bars=draw(st.sampled_from([0, 0, 1, 4])),
            order=draw(orders()),
        )
        for number, operation in enumerate((Operation.OPEN_LONG, Operation.OPEN_SHORT))
    ]  # fmt: skip
    fraction = draw(st.sampled_from([1.0, 0.5]))
    rules = (
        *opening,
        Rule(Operation.CLOSE, 2, fraction=fraction, order=draw(orders())),
        Rule(draw(st.sampled_from([Operation.CANCEL_ORDERS, Operation.ALERT])), 3),
    )
    config = RunConfig.from_mapping(
        {
            "commission": {"percent": draw(st.sampled_from([0.0, 0.002]))},
            "slippage": {"bps": draw(st.sampled_from([0.0, 20.0]))},
            "spread": draw(st.sampled_from([0.0, 0.004])),
            "margin": draw(st.sampled_from([1.0, 0.3])),
            "exclusive": draw(st.booleans()),
            "fractional": draw(st.booleans()),
            "participation": draw(st.sampled_from([None, 0.02])),
            "tick_size": draw(st.sampled_from([0.0, 0.25])),
            "liquidate_at_end": draw(st.booleans()),
        }
    )
    return bars, columns, Program(tuple("abcdef"), rules, max_open_entries=entries), config


@given(runs())
def test_the_fills_alone_explain_cash_position_and_equity(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    position, cash = np.zeros(len(bars)), np.full(len(bars), config.cash)
    for fill in result.fills:
        signed = fill["side"] * fill["quantity"]
        position[fill["bar"] :] += signed
        cash[fill["bar"] :] -= signed * fill["price"] + fill["commission"]
    np.testing.assert_allclose(result.position, position, atol=1e-9)
    np.testing.assert_allclose(result.cash, cash, rtol=1e-9, atol=1e-6)
    value = result.cash + result.position * bars.close
    np.testing.assert_allclose(value, result.equity, rtol=1e-9, atol=1e-6)


@given(runs())
def test_no_fill_is_outside_its_bar_nor_in_the_bar_of_its_decision(run: Any) -> None:
    bars, columns, program, config = run
    fills = simulate(bars, columns, program, config).fills
    rounding = 1e-12 * bars.high[fills["bar"]]
    assert (fills["reference_price"] >= bars.low[fills["bar"]] - rounding).all()
    assert (fills["reference_price"] <= bars.high[fills["bar"]] + rounding).all()
    assert (fills["side"] * (fills["price"] - fills["reference_price"]) >= -rounding).all()
    assert (fills["quantity"] > 0).all()
    assert (np.diff(fills["bar"]) >= 0).all()
    for fill in fills[np.isin(fills["reason"], [ExitReason.SIGNAL, ExitReason.REVERSAL])]:
        rule = program.rules[fill["rule"]]
        assert columns[rule.trigger][: fill["bar"]].any()
        waits = rule.order.kind != OrderKind.MARKET
        if waits and rule.order.time_in_force == TimeInForce.BARS and not config.participation:
            since = max(fill["bar"] - rule.order.bars, 0)
            assert columns[rule.trigger][since : fill["bar"]].any()


@given(runs())
def test_volume_is_never_exceeded_by_what_rules_and_guards_do(run: Any) -> None:
    bars, columns, program, config = run
    if config.participation is None:
        return
    fills = simulate(bars, columns, program, config).fills
    forced = (ExitReason.END, ExitReason.LIQUIDATION, ExitReason.RUIN)
    ours = fills[~np.isin(fills["reason"], forced)]
    used = np.bincount(ours["bar"], weights=ours["quantity"], minlength=len(bars))
    assert (used <= config.participation * bars.volume + 1e-9).all()


@given(runs(), st.integers(2, 40))
def test_a_shorter_history_gives_the_same_fills_and_alerts(run: Any, length: int) -> None:
    bars, columns, program, config = run
    length = min(length, len(bars))
    whole = simulate(bars, columns, program, config)
    part = simulate(
        bars.slice(0, length), [column[:length] for column in columns], program, config
    )  # fmt: skip
    early = part.fills[part.fills["reason"] != ExitReason.END]
    assert early.tolist() == whole.fills[: len(early)].tolist()
    assert part.alerts.tolist() == whole.alerts[whole.alerts["bar"] < length].tolist()
    assert part.equity[:-1].tolist() == whole.equity[: length - 1].tolist()


@given(runs())
def test_no_more_lots_are_open_than_entries_are_allowed(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    for bar in range(len(bars)):
        inside = (result.trades["entry_bar"] <= bar) & (result.trades["exit_bar"] > bar)
        opened = {(t["entry_bar"], t["entry_rule"]) for t in result.trades[inside]}
        assert len(opened) <= program.max_open_entries
