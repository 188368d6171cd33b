"""The account adds up at every bar, and no order trades more than it was for."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.engine.program import Operation, OrderKind, SizeKind
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine import test_carrying, test_order_properties, test_properties
from tests.engine.scenario import DAY_NS

RUNS = st.one_of(test_properties.runs(), test_order_properties.runs())
OPENING = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
BY_RULES = (ExitReason.SIGNAL, ExitReason.REVERSAL)
TINY = 1e-9


def carried(bars: Any, result: Any, config: Any) -> Any:
    """Return what nights have cost so far at each bar, from the curves alone."""
    nights = np.diff(bars.ts // DAY_NS, prepend=bars.ts[0] // DAY_NS)
    before = np.maximum(np.arange(len(bars)) - 1, 0)
    shorts = np.maximum(-result.position, 0.0) * bars.close * config.borrow_rate
    owed = np.maximum(-result.cash, 0.0) * config.financing_rate
    return np.cumsum(nights * (shorts + owed)[before] / 365)


@given(test_properties.runs(), test_carrying.COSTS)
@settings(max_examples=40)
def test_at_every_bar_equity_is_what_trades_and_open_positions_made_less_costs(
    run: Any, costs: Any
) -> None:
    bars, columns, program, config = test_carrying.with_costs(run, costs)
    assume(config.liquidate_at_end)  # so that every entry is in a trade
    result = simulate(bars, columns, program, config)
    assume(not result.counters["ruined"])
    fills, trades = result.fills, result.trades
    nights = carried(bars, result, config)
    for bar in range(len(bars)):
        closed = trades[trades["exit_bar"] <= bar]
        held = trades[(trades["entry_bar"] <= bar) & (trades["exit_bar"] > bar)]
        open_pnl = held["side"] * held["quantity"] * (bars.close[bar] - held["entry_price"])
        # The commissions of entries that are still open are not in a trade yet.
        paid = fills["commission"][fills["bar"] <= bar].sum() - closed["commission"].sum()
        made = closed["pnl"].sum() + open_pnl.sum() - paid - nights[bar]
        np.testing.assert_allclose(result.equity[bar] - config.cash, made, atol=1e-6)
        np.testing.assert_allclose(
            result.position[bar], (held["side"] * held["quantity"]).sum(), atol=TINY
        )


@given(RUNS)
def test_a_trade_is_its_entry_and_its_exit_after_costs(run: Any) -> None:
    trades = simulate(*run).trades
    gross = trades["side"] * trades["quantity"] * (trades["exit_price"] - trades["entry_price"])
    np.testing.assert_allclose(trades["pnl"], gross - trades["commission"], rtol=1e-9, atol=1e-9)
    value = trades["quantity"] * trades["entry_price"]
    np.testing.assert_allclose(trades["return"] * value, trades["pnl"], rtol=1e-9, atol=1e-9)
    assert (trades["quantity"] > 0).all()
    assert (trades["commission"] >= 0).all()
    assert (trades["slippage"] >= 0).all()


@given(RUNS)
def test_what_is_bought_is_sold_in_trades_or_still_held(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    fills, trades = result.fills, result.trades
    traded = (fills["side"] * fills["quantity"]).sum()
    np.testing.assert_allclose(traded, result.position[-1], atol=TINY)
    turned = fills["quantity"].sum()
    np.testing.assert_allclose(
        turned, 2 * trades["quantity"].sum() + abs(result.position[-1]), atol=1e-6
    )
    np.testing.assert_allclose(
        fills["slippage"].sum(),
        (fills["quantity"] * np.abs(fills["price"] - fills["reference_price"])).sum(), atol=1e-6,
    )  # fmt: skip


@given(RUNS)
def test_an_entry_is_never_larger_than_its_size_says(run: Any) -> None:
    bars, columns, program, config = run
    cash, position = config.cash, 0.0
    for fill in simulate(bars, columns, program, config).fills:
        signed = fill["side"] * fill["quantity"]
        price = fill["reference_price"]
        opens = position * signed >= 0 and fill["reason"] == ExitReason.SIGNAL
        if opens:
            size = program.rules[fill["rule"]].size
            equity = cash + position * price
            spent = fill["quantity"] * fill["price"] + fill["commission"]
            if size.kind == SizeKind.UNITS:
                assert fill["quantity"] <= size.value + TINY
            else:
                money = size.value
                if size.kind == SizeKind.PERCENT_OF_EQUITY:
                    money *= equity / config.margin
                assert spent <= money * (1 + TINY) + TINY
            assert program.rules[fill["rule"]].operation in OPENING
            wanted = 1 if program.rules[fill["rule"]].operation == Operation.OPEN_LONG else -1
            assert fill["side"] == wanted
        cash -= signed * fill["price"] + fill["commission"]
        position += signed


@given(RUNS)
def test_an_exit_never_closes_more_than_there_is_nor_than_its_part(run: Any) -> None:
    bars, columns, program, config = run
    lot = 0.0 if config.fractional else config.lot_size
    position = 0.0
    for fill in simulate(bars, columns, program, config).fills:
        signed = fill["side"] * fill["quantity"]
        rule = program.rules[fill["rule"]] if fill["rule"] >= 0 else None
        leaves = position * signed < 0
        assert leaves or fill["reason"] == ExitReason.SIGNAL  # nothing else opens
        if leaves:
            assert fill["quantity"] <= abs(position) + TINY
        closes = rule is not None and rule.operation not in OPENING
        if closes and fill["reason"] in BY_RULES:
            assert leaves
            part = rule.fraction * abs(position)
            most = part if rule.fraction == 1.0 or not lot else max(lot, part + lot / 2)
            if not config.participation:  # what it leaves over follows in parts of the first
                assert fill["quantity"] <= most + TINY
        position += signed


@given(test_order_properties.runs())
def test_orders_at_a_limit_never_pay_more_and_stops_never_less(run: Any) -> None:
    bars, columns, program, config = run
    fills = simulate(bars, columns, program, config).fills
    position = 0.0
    for fill in fills:
        signed = fill["side"] * fill["quantity"]
        rule = program.rules[fill["rule"]] if fill["rule"] >= 0 else None
        entered = rule is not None and rule.operation in OPENING and position * signed >= 0
        if entered and rule.order.kind == OrderKind.LIMIT and rule.order.limit.column < 0:
            # Of all decisions before, one has to allow the price.
            seen = bars.close[: fill["bar"]][columns[rule.trigger][: fill["bar"]]]
            limits = seen * (1 + rule.order.limit.value)
            best = limits.max() if fill["side"] > 0 else -limits.min()
            assert fill["side"] * fill["price"] <= best * (1 + TINY * np.sign(best))
        position += signed
