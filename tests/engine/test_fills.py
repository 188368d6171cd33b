"""The fill contract, rule by rule, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.program import Operation, Size, SizeKind
from core.engine.result import ExitReason
from tests.engine.scenario import (
    Signal,
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


def reasons(result):
    return [ExitReason(reason).label for reason in result.trades["exit_reason"]]


def test_a_market_order_fills_at_the_next_open():
    bars = market(
        [(100, 103, 99, 102), (104, 106, 103, 105), (106, 108, 105, 107), (109, 110, 108, 108)]
    )
    result = play(bars, long(0, **TEN), close(2))
    entry, leave = result.fills
    assert (entry["bar"], entry["side"], entry["quantity"], entry["price"]) == (1, 1, 10, 104)
    assert (leave["bar"], leave["side"], leave["quantity"], leave["price"]) == (3, -1, 10, 109)
    assert entry["ts"] == bars.ts[1]
    trade = result.trades[0]
    assert (trade["entry_bar"], trade["exit_bar"], trade["side"]) == (1, 3, 1)
    assert trade["pnl"] == 50
    assert trade["return"] == pytest.approx(50 / 1040)
    assert reasons(result) == ["signal"]
    assert result.position.tolist() == [0, 10, 10, 0]
    assert result.cash.tolist() == [10_000, 8_960, 8_960, 10_050]
    assert result.equity.tolist() == [10_000, 10_010, 10_030, 10_050]


def test_trade_on_close_fills_at_the_decisions_close_and_says_so():
    bars = market([(100, 103, 99, 102), (104, 106, 103, 105), (106, 108, 105, 107)])
    result = play(bars, long(0, **TEN), close(1), trade_on_close=True)
    assert result.fills["bar"].tolist() == [0, 1]
    assert result.fills["price"].tolist() == [102, 105]
    assert result.position.tolist() == [10, 0, 0]
    assert result.equity.tolist() == [10_000, 10_030, 10_030]
    assert "trade_on_close" in result.warnings[0]


@pytest.mark.parametrize(
    ("bar", "price"),
    [((100, 101, 94, 96), 95.0), ((93, 96, 92, 95), 93.0)],
    ids=["inside", "gap: worse, at the open"],
)
def test_a_stop_loss_fills_at_its_price_or_at_a_worse_open(bar, price):
    result = play(market([CALM, CALM, bar, CALM]), long(0, stop_loss=percent(0.05), **TEN))
    assert reasons(result) == ["stop_loss"]
    assert result.trades[0]["exit_bar"] == 2
    assert result.trades[0]["exit_price"] == price
    mirrored = tuple(200 - value for value in (bar[0], bar[2], bar[1], bar[3]))
    result = play(market([CALM, CALM, mirrored, CALM]), short(0, stop_loss=percent(0.05), **TEN))
    assert reasons(result) == ["stop_loss"]
    assert result.trades[0]["exit_price"] == 200 - price


@pytest.mark.parametrize(
    ("bar", "price"),
    [((100, 106, 99, 104), 105.0), ((107, 108, 106, 107), 107.0)],
    ids=["inside", "gap: better, at the open"],
)
def test_a_take_profit_fills_at_its_price_or_at_a_better_open(bar, price):
    result = play(market([CALM, CALM, bar, CALM]), long(0, take_profit=percent(0.05), **TEN))
    assert reasons(result) == ["take_profit"]
    assert result.trades[0]["exit_price"] == price
    mirrored = tuple(200 - value for value in (bar[0], bar[2], bar[1], bar[3]))
    result = play(market([CALM, CALM, mirrored, CALM]), short(0, take_profit=percent(0.05), **TEN))
    assert result.trades[0]["exit_price"] == 200 - price


def test_a_guard_that_is_touched_exactly_fills():
    bars = market([CALM, CALM, (100, 105, 95, 100)])
    assert reasons(play(bars, long(0, stop_loss=percent(0.05), **TEN))) == ["stop_loss"]
    assert reasons(play(bars, long(0, take_profit=percent(0.05), **TEN))) == ["take_profit"]


def test_the_stop_loss_wins_an_ambiguous_bar_and_the_bar_is_counted():
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}
    result = play(market([CALM, CALM, (100, 106, 94, 100)]), long(0, **guards, **TEN))
    assert reasons(result) == ["stop_loss"]
    assert result.counters["ambiguous_bars"] == result.counters["ambiguous_trades"] == 1
    assert result.counters["ambiguous_pnl"] == -50
    assert "1 trade(s) with a P&L of -50.00" in result.warnings[0]


def test_a_bar_that_opens_beyond_the_stop_loss_is_not_ambiguous():
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}
    result = play(market([CALM, CALM, (94, 106, 93, 100)]), long(0, **guards, **TEN))
    assert result.trades[0]["exit_price"] == 94
    assert result.counters["ambiguous_bars"] == 0


def test_a_bar_that_opens_beyond_the_take_profit_fills_there_whatever_comes_after():
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}
    bars = market([CALM, CALM, (107, 108, 90, 95)])
    result = play(bars, long(0, **guards, **TEN))
    assert reasons(result) == ["take_profit"]
    assert result.trades[0]["exit_price"] == 107
    assert result.counters["ambiguous_bars"] == 0
    late = market([CALM, CALM, CALM, (107, 108, 90, 95), CALM])
    assert reasons(play(late, long(1, **guards, **TEN), profile="reference")) == ["stop_loss"]


def test_a_short_is_covered_at_an_open_beyond_its_take_profit():
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}
    result = play(market([CALM, CALM, (93, 110, 92, 105)]), short(0, **guards, **TEN))
    assert reasons(result) == ["take_profit"]
    assert result.trades[0]["exit_price"] == 93


@pytest.mark.parametrize("opened", [95, 105])
def test_a_bar_that_opens_right_on_a_guard_is_not_ambiguous(opened):
    guards = {"stop_loss": percent(0.05), "take_profit": percent(0.05)}
    result = play(market([CALM, CALM, (opened, 106, 94, 100)]), long(0, **guards, **TEN))
    assert result.trades[0]["exit_price"] == opened
    assert result.counters["ambiguous_bars"] == 0


def test_a_take_profit_closer_than_the_spread_is_measured_from_the_fill():
    bars = market([CALM, (100, 104, 99, 103), CALM])
    result = play(bars, long(0, take_profit=percent(0.01), **TEN), spread=0.02)
    assert result.trades[0]["exit_price"] == pytest.approx(102 * 1.01)
    assert result.counters["rejected_stop"] == 0


def test_a_position_is_guarded_in_the_bar_of_its_entry():
    result = play(
        market([CALM, (100, 101, 94, 100), CALM]), long(0, stop_loss=percent(0.05), **TEN)
    )
    trade = result.trades[0]
    assert (trade["entry_bar"], trade["exit_bar"], trade["exit_price"]) == (1, 1, 95)


def test_guards_are_measured_from_the_fill_with_the_level_of_the_decision():
    bars = market([CALM, (104, 105, 103, 104), (104, 104, 90, 92)])
    stop = {"stop_loss": times_level(2.0, 0), **TEN}
    result = play(bars, long(0, **stop), levels=[[3.0, 50.0, 50.0]])
    assert result.trades[0]["exit_price"] == 104 - 2 * 3
    reference = play(
        bars, long(0, **stop), levels=[[3.0, 50.0, 50.0]], profile="reference", warmup=0
    )
    assert len(reference.trades) == 0  # it never decides at bar 0
    bars = market([CALM, CALM, (104, 105, 103, 104), (104, 104, 90, 92), CALM])
    reference = play(bars, long(1, **stop), levels=[[50, 3.0, 50, 50, 50]], profile="reference")
    assert reference.trades[0]["exit_price"] == 100 - 2 * 3  # from the decision's close


def test_a_price_stop_stays_where_the_decision_saw_it():
    bars = market([CALM, (104, 105, 103, 104), (104, 104, 90, 92)])
    result = play(bars, long(0, stop_loss=at_level(0), **TEN), levels=[[97.0, 1.0, 1.0]])
    assert result.trades[0]["exit_price"] == 97


@pytest.mark.parametrize("level", [np.nan, 0.0, -5.0, 100.0, 120.0])
def test_an_entry_that_cannot_be_guarded_as_asked_is_rejected(level):
    result = play(
        flat(100, 100, 100), long(0, stop_loss=at_level(0), **TEN), levels=[[level, 95.0, 95.0]]
    )
    assert len(result.fills) == 0
    assert result.counters["rejected_stop"] == 1


def test_a_reversal_exits_and_enters_at_the_same_open():
    result = play(flat(100, 100, 110, 110, 120, 120), long(0, **TEN), short(2, **TEN))
    assert result.fills["bar"].tolist() == [1, 3, 3, 5]
    assert result.fills["side"].tolist() == [1, -1, -1, 1]
    assert result.trades["pnl"].tolist() == [100, -100]
    assert reasons(result) == ["reversal", "end"]
    assert result.fills["rule"].tolist() == [0, 1, 1, -1]


def test_without_exclusive_an_opposite_entry_is_netted():
    five = Size(SizeKind.UNITS, 4)
    result = play(
        flat(100, 100, 100, 100, 100, 100), long(0, **TEN), short(1, 3, size=five), exclusive=False
    )
    assert result.position.tolist() == [0, 10, 6, 6, 2, 0]
    result = play(flat(*[100] * 4), long(0, size=five), short(1, **TEN), exclusive=False)
    assert result.position.tolist() == [0, 4, -6, 0]
    assert result.trades["quantity"].tolist() == [4, 6]


def test_an_entry_on_the_side_already_held_does_nothing():
    result = play(flat(*[100] * 6), long(0, 1, 2, 3, **TEN))
    assert len(result.fills) == 2
    assert result.position.tolist() == [0, 10, 10, 10, 10, 0]


def test_of_entries_on_one_bar_the_first_that_can_act_does():
    result = play(flat(*[100] * 5), short(0, **TEN), long(0, **TEN))
    assert result.position.tolist() == [0, -10, -10, -10, 0]


def test_with_entry_and_exit_on_one_bar_the_entry_acts_from_flat_or_opposite_else_the_exit():
    bars = flat(*[100] * 5)
    assert play(bars, long(1, **TEN), close(1)).position.tolist() == [0, 0, 10, 10, 0]
    held = play(bars, short(0, **TEN), long(1, **TEN), close(1))
    assert held.position.tolist() == [0, -10, 10, 10, 0]
    held = play(bars, long(0, 1, **TEN), close(1))
    assert held.position.tolist() == [0, 10, 0, 0, 0]
    adding = play(bars, long(0, 1, **TEN), close(1), entries=3)
    assert adding.position.tolist() == [0, 10, 0, 0, 0]


def test_an_exit_while_flat_does_nothing_and_waits_for_nothing():
    result = play(flat(100, 100, 100, 110, 110), close(0), long(1, **TEN))
    assert result.fills["bar"].tolist() == [2, 4]
    assert result.trades["exit_reason"].tolist() == [ExitReason.END]


def test_an_open_beyond_a_price_guard_opens_and_closes_there():
    bars = market([CALM, (90, 92, 89, 91), CALM])
    below = play(bars, long(0, stop_loss=at_level(0), **TEN), levels=[[95.0] * 3])
    assert below.fills["price"].tolist() == [90, 90]
    bars = market([CALM, (110, 111, 94, 100), CALM])
    above = play(bars, long(0, take_profit=at_level(0), **TEN), levels=[[105.0] * 3])
    assert above.fills["price"].tolist() == [110, 110]
    assert reasons(above) == ["take_profit"]


def test_a_margin_call_goes_before_what_the_program_decides():
    prices = flat(100, 100, 75, 75, 75)
    account = {"margin": 0.5, "maintenance_margin": 0.4}
    result = play(prices, long(0), short(2), **account)
    assert reasons(result) == ["liquidation"]
    assert result.position.tolist() == [0, 200, 200, 0, 0]


def test_an_exit_closes_its_own_side_only():
    bars = flat(*[100] * 5)
    wrong = Signal((1,), Operation.CLOSE_SHORT, {})
    right = Signal((2,), Operation.CLOSE_LONG, {})
    assert play(bars, long(0, **TEN), wrong).position.tolist() == [0, 10, 10, 10, 0]
    assert play(bars, long(0, **TEN), right).position.tolist() == [0, 10, 10, 0, 0]
    assert len(play(bars, close(1)).fills) == 0


def test_entries_queue_up_and_close_first_in_first_out():
    result = play(
        flat(100, 100, 110, 120, 130, 130, 140), long(0, 1, 2, 3, **TEN), close(4, fraction=0.5),
        entries=3, cash=100_000,
    )  # fmt: skip
    assert result.position.tolist() == [0, 10, 20, 30, 30, 15, 0]
    assert result.trades["quantity"].tolist() == [10, 5, 5, 10]
    assert result.trades["entry_price"].tolist() == [100, 110, 110, 120]
    assert result.trades["pnl"].tolist() == [300, 100, 150, 200]
    assert len(result.fills) == 3 + 1 + 1  # a partial exit of two lots is one order


def test_of_several_exits_the_one_that_closes_most_acts():
    result = play(flat(*[100] * 5), long(0, **TEN), close(1, fraction=0.3), close(1, fraction=0.8))
    assert result.position.tolist() == [0, 10, 2, 2, 0]


def test_a_partial_exit_closes_at_least_one_lot():
    result = play(
        flat(*[100] * 5), long(0, size=Size(SizeKind.UNITS, 3)), close(1, 2, fraction=0.01)
    )
    assert result.position.tolist() == [0, 3, 2, 1, 0]


def test_each_lot_keeps_its_own_guard():
    rows = [CALM, CALM, (110, 111, 109, 110), (110, 110, 104, 105), CALM]
    result = play(market(rows), long(0, 1, stop_loss=percent(0.05), **TEN), entries=2)
    assert result.trades["entry_price"].tolist() == [110, 100]
    assert result.trades["exit_price"].tolist() == [104.5, 100]
    assert reasons(result) == ["stop_loss", "end"]


def test_nothing_fills_in_the_bar_that_decided_nor_after_the_last():
    result = play(flat(100, 101, 102), long(2, **TEN))
    assert len(result.fills) == 0
    assert result.counters["unfilled_at_end"] == 1


def test_open_positions_close_at_the_last_close_unless_told_otherwise():
    bars = market([CALM, CALM, (103, 108, 102, 107)])
    result = play(bars, long(0, **TEN))
    assert (result.trades[0]["exit_price"], reasons(result)) == (107, ["end"])
    assert result.counters["closed_at_end"] == 1
    assert result.position[-1] == 0
    left = play(bars, long(0, **TEN), liquidate_at_end=False)
    assert len(left.trades) == 0
    assert left.position[-1] == 10
    assert left.equity[-1] == result.equity[-1] == 10_070


def test_nothing_is_decided_before_the_warmup():
    assert len(play(flat(*[100] * 5), long(0, 1, 2, **TEN), warmup=3).fills) == 0
    assert play(flat(*[100] * 5), long(0, 3, **TEN), warmup=3).fills["bar"][0] == 4
    beyond = play(flat(*[100] * 5), long(0, 3, **TEN), warmup=9)
    assert beyond.equity.tolist() == [10_000] * 5


def test_an_order_that_cannot_be_paid_is_rejected_whole():
    result = play(flat(*[100] * 4), long(0, size=Size(SizeKind.UNITS, 101)))
    assert len(result.fills) == 0
    assert result.counters["rejected_unaffordable"] == 1
    assert "1 order(s) were rejected for lack of money" in result.warnings[0]
    assert len(play(flat(*[100] * 4), long(0, size=Size(SizeKind.UNITS, 100))).fills) == 2


def test_margin_lets_equity_buy_more_and_its_breach_liquidates_at_the_next_open():
    bars = flat(100, 100, 92, 91, 91)
    result = play(bars, long(0), margin=0.2, maintenance_margin=0.15)
    # 500 units for 10,000 of equity; at 92 equity is 6,000 of 46,000: 13 % is below 15 %
    assert result.position.tolist() == [0, 500, 500, 0, 0]
    assert result.trades[0]["exit_price"] == 91
    assert reasons(result) == ["liquidation"]
    assert result.counters["liquidations"] == 1
    assert result.equity[-1] == 10_000 - 500 * 9


def test_a_run_without_equity_ends_with_the_debt():
    result = play(flat(100, 100, 70, 200), long(0, 2), margin=0.2)
    assert result.equity.tolist() == [10_000, 10_000, -5_000, -5_000]
    assert reasons(result) == ["ruin"]
    assert result.trades[0]["exit_price"] == 70
    assert result.counters["ruined"] == 1
    assert result.position[-1] == 0


def test_excursions_leave_out_what_may_have_come_after_the_exit():
    rows = [CALM, (100, 104, 98, 101), (101, 120, 94, 96), CALM]
    trade = play(market(rows), long(0, stop_loss=percent(0.05), **TEN)).trades[0]
    assert trade["mfe"] == pytest.approx(0.04)  # not 120: the stop may have come first
    assert trade["mae"] == pytest.approx(-0.05)  # not 94: the trade was out at 95
    trade = play(market(rows[:2] * 2), short(0, **TEN)).trades[0]
    assert trade["mae"] == pytest.approx(-0.04)
    assert trade["mfe"] == pytest.approx(0.02)
