"""What positions cost over night, with numbers worked out by hand, and the account that adds up."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Order, OrderKind, Price, PriceKind, Size, SizeKind
from core.engine.simulate import simulate
from tests.engine.scenario import DAY_NS, build, close, flat, long, play, short
from tests.engine.test_properties import runs

TEN = {"size": Size(SizeKind.UNITS, 10)}


def at_times(bars, *hours):
    """The same bars, opened at these hours since the epoch."""
    return dataclasses.replace(bars, ts=np.array(hours) * 3_600 * 10**9)


def run_at(bars, *signals, **config):
    columns, program = build(len(bars), signals)
    return simulate(bars, columns, program, RunConfig.from_mapping(config))


def test_a_short_pays_a_365th_of_the_rate_on_its_value_at_the_close_before_each_day():
    result = play(flat(100, 100, 110, 120, 120), short(0, **TEN), close(2), borrow_rate=0.365)
    # Sold at bar 1 and bought back at the open of bar 3: two nights, at 1,000 and at 1,100.
    assert result.counters["borrow_paid"] == pytest.approx(1.0 + 1.1)
    assert result.equity.tolist() == pytest.approx([10_000, 10_000, 9_899, 9_797.9, 9_797.9])
    assert result.trades["pnl"].tolist() == [-200]
    assert result.cash[-1] == result.equity[-1]
    assert "Borrowing shares cost 2.10" in " ".join(result.warnings)


def test_a_long_position_borrows_no_shares_and_a_short_one_no_money():
    everything = {"borrow_rate": 0.365, "financing_rate": 0.365}
    assert play(flat(*[100] * 4), long(0, **TEN), **everything).equity.tolist() == [10_000] * 4
    sold = play(flat(*[100] * 4), short(0, **TEN), **everything)
    assert sold.counters["financing_paid"] == 0
    assert sold.counters["borrow_paid"] == pytest.approx(2.0)


def test_money_that_is_borrowed_bears_interest():
    twice = Size(SizeKind.PERCENT_OF_EQUITY, 1.0)
    result = play(flat(100, 100, 100, 100), long(0, size=twice), margin=0.5, financing_rate=0.365)
    # 20,000 bought with 10,000: 10 on the first night, and 10.01 on the second.
    assert result.counters["financing_paid"] == pytest.approx(10.0 + 10.01)
    assert result.equity.tolist() == pytest.approx([10_000, 10_000, 9_990, 9_979.99])
    assert "Borrowing money cost 20.01" in " ".join(result.warnings)


def test_days_count_and_bars_do_not():
    friday, monday = 24 * 1, 24 * 4
    hours = (friday, friday + 1, friday + 2, monday, monday + 1)
    bars = at_times(flat(*[100] * 5), *hours)
    over_weekend = run_at(bars, short(0, **TEN), borrow_rate=0.365)
    assert over_weekend.counters["borrow_paid"] == pytest.approx(3.0)
    inside_a_day = run_at(bars, short(0, **TEN), close(1), borrow_rate=0.365)
    assert inside_a_day.counters["borrow_paid"] == 0
    assert inside_a_day.trades["exit_bar"].tolist() == [2]


def test_a_position_opened_at_the_close_before_pays_for_that_night():
    result = play(flat(100, 100, 100), short(0, **TEN), trade_on_close=True, borrow_rate=0.365)
    assert result.position.tolist()[:2] == [-10, -10]
    assert result.equity.tolist() == pytest.approx([10_000, 9_999, 9_998])


def test_costs_over_night_may_end_a_run():
    ruin = play(flat(*[100] * 4), short(0, **TEN), cash=1_000, borrow_rate=10.0, financing_rate=0)
    assert ruin.counters["ruined"] == 0
    dear = run_at(
        at_times(flat(*[100] * 3), 0, 1, 24 * 40), short(0, **TEN), cash=1_000, borrow_rate=10.0
    )
    assert dear.counters["ruined"] == 1
    assert dear.equity[-1] == pytest.approx(1_000 - 40 / 365 * 10 * 1_000)


LIMIT = Order(OrderKind.LIMIT, limit=Price(PriceKind.OFFSET, -0.02))
COSTS = st.fixed_dictionaries(
    {
        "borrow_rate": st.sampled_from([0.0, 0.1, 2.0]),
        "financing_rate": st.sampled_from([0.0, 0.2, 2.0]),
        "maker": st.sampled_from([None, 0.0005, 0.004]),
        "buy_percent": st.sampled_from([0.0, 0.0015]),
        "sell_percent": st.sampled_from([0.0, 0.003]),
        "sell_per_order": st.sampled_from([0.0, 3.0]),
        "sell_per_unit": st.sampled_from([0.0, 0.02]),
        "maximum_percent": st.sampled_from([None, 0.001]),
        "model": st.sampled_from(["fixed", "volume_share", "volatility"]),
        "waits": st.booleans(),
        "days": st.lists(st.integers(0, 4), min_size=40, max_size=40),
    }
)


def with_costs(run: Any, costs: dict[str, Any]) -> Any:
    """Return a run under further costs, its bars some days apart, some entries at a limit."""
    bars, columns, program, config = run
    days = np.cumsum(costs["days"][: len(bars)])
    ts = days * DAY_NS + np.arange(len(bars)) * 1_000
    bars = Bars(ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    if costs["waits"]:
        first = dataclasses.replace(program.rules[0], order=LIMIT)
        program = dataclasses.replace(program, rules=(first, *program.rules[1:]))
    levies = {name: costs[name] for name in ("buy_percent", "sell_percent", "sell_per_order",
              "sell_per_unit", "maximum_percent", "maker")}  # fmt: skip
    config = dataclasses.replace(
        config,
        commission=dataclasses.replace(config.commission, **levies),
        slippage=dataclasses.replace(config.slippage, model=costs["model"], impact=0.5, window=3),
        borrow_rate=costs["borrow_rate"],
        financing_rate=costs["financing_rate"],
    )
    return bars, columns, program, config


@given(runs(), COSTS)
def test_the_change_of_equity_is_what_trades_made_less_all_costs(run: Any, costs: Any) -> None:
    bars, columns, program, config = with_costs(run, costs)
    result = simulate(bars, columns, program, config)
    fills, trades = result.fills, result.trades
    at_market = -(fills["side"] * fills["quantity"] * fills["reference_price"]).sum()
    gains = at_market + result.position[-1] * bars.close[-1]
    carried = result.counters["borrow_paid"] + result.counters["financing_paid"]
    paid = fills["slippage"].sum() + fills["commission"].sum() + carried
    np.testing.assert_allclose(result.equity[-1] - config.cash, gains - paid, atol=1e-6)
    if not result.position[-1]:
        net = trades["pnl"].sum() - carried
        np.testing.assert_allclose(result.equity[-1] - config.cash, net, atol=1e-6)


@given(runs(), COSTS)
def test_what_is_paid_over_night_follows_from_the_curves(run: Any, costs: Any) -> None:
    bars, columns, program, config = with_costs(run, costs)
    result = simulate(bars, columns, program, config)
    last = len(bars) - 1
    if result.counters["ruined"]:
        # A fill at the close before may write off more than there was, one bar before the ruin.
        assume(not config.trade_on_close)
        last = int(np.argmax(result.equity <= 0.0))
    nights = np.diff(bars.ts // DAY_NS)[:last]
    short_value = np.maximum(-result.position, 0.0) * bars.close
    borrowed = (nights * short_value[:last]).sum() * config.borrow_rate / 365
    owed = (nights * np.maximum(-result.cash, 0.0)[:last]).sum() * config.financing_rate / 365
    np.testing.assert_allclose(result.counters["borrow_paid"], borrowed, rtol=1e-9)
    np.testing.assert_allclose(result.counters["financing_paid"], owed, rtol=1e-9)


@given(runs(), COSTS)
def test_no_entry_costs_more_than_equity_buys(run: Any, costs: Any) -> None:
    bars, columns, program, config = with_costs(run, costs | {"days": [0] * 40})
    result = simulate(bars, columns, program, config)
    cash, position = config.cash, 0.0
    for fill in result.fills:
        price, signed = fill["reference_price"], fill["side"] * fill["quantity"]
        if abs(position + signed) > abs(position):
            free = (cash + position * price) / config.margin - abs(position) * price
            assert fill["quantity"] * fill["price"] + fill["commission"] <= free * (1 + 1e-9)
        cash -= signed * fill["price"] + fill["commission"]
        position += signed
