"""Whole lives of positions, by hand. Bars 0 to 4 are Monday to Friday of the first week."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.program import Operation, Rule, Size, SizeKind
from core.options.result import OptionExitReason
from tests.options.walk import (
    MONDAY,
    closing,
    friday,
    leg,
    market,
    opening,
    play,
    price,
    weekdays,
)

CASH = 100_000.0
CALM = [100.0] * 10


def reasons(result) -> list[str]:
    return [OptionExitReason(int(one)).label for one in result.option_trades["exit_reason"]]


def buy_shares(units: float, at=(0,)):
    return at, Rule(Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, units))


def test_a_sold_put_that_expires_out_of_the_money_leaves_its_premium():
    # Decided on Monday, sold at Tuesday's open at 100 with 10 days to Friday of the week after.
    result = play(market([100.0] * 9 + [101.0, 101.0]), opening(leg("sell put")))
    premium = price("put", 100, 100, 11)
    trade = result.option_trades[0]
    assert trade["symbol"] == "XYZ240112P00100000"
    assert (trade["entry_bar"], trade["exit_bar"]) == (1, 9)
    assert trade["entry_price"] == pytest.approx(premium)
    assert (trade["exit_price"], trade["side"], trade["quantity"]) == (0.0, -1, 1.0)
    assert trade["pnl"] == pytest.approx(100 * premium)
    assert reasons(result) == ["expired"]
    days = np.array(weekdays(11))
    for bar in range(1, 10):
        worth = price("put", result_close(bar), 100, friday(2) - days[bar])
        expected = CASH + 100 * premium - 100 * worth
        assert result.equity[bar] == pytest.approx(expected), bar
        assert result.cash[bar] == pytest.approx(CASH + 100 * premium), bar
    assert result.option_contracts.tolist() == [0] + [1] * 8 + [0, 0]
    assert result.equity[-1] == pytest.approx(CASH + 100 * premium)
    assert len(result.trades) == 0


def result_close(bar: int) -> float:
    return 100.0 if bar < 9 else 101.0


def test_a_sold_put_in_the_money_at_expiry_delivers_shares_at_its_strike():
    result = play(market([100.0] * 9 + [95.0, 97.0]), opening(leg("sell put")))
    premium = price("put", 100, 100, 11)
    assert reasons(result) == ["assigned"]
    assert result.option_trades["pnl"][0] == pytest.approx(100 * premium)
    assert result.position.tolist() == [0.0] * 9 + [100.0, 0.0]
    bought = result.fills[0]
    assert (bought["bar"], bought["price"], bought["commission"]) == (9, 100.0, 0.0)
    assert result.equity[9] == pytest.approx(CASH + 100 * premium - 500)
    assert result.cash[9] == pytest.approx(CASH + 100 * premium - 10_000)
    # A normal position: it is closed at the last close.
    assert result.trades["pnl"].tolist() == pytest.approx([-300.0])
    assert result.equity[-1] == pytest.approx(CASH + 100 * premium - 300)


def test_half_a_cent_in_the_money_is_not_exercised_and_a_whole_one_is():
    for close, ends in ((99.995, "expired"), (99.99, "assigned"), (100.0, "expired")):
        result = play(market([100.0] * 9 + [close]), opening(leg("sell put")))
        assert reasons(result) == [ends], close


def test_a_position_is_given_up_at_half_of_its_premium():
    closes = [100.0, 100.0, 101.0, 102.0, 103.0, 103.0, 103.0, 103.0, 103.0, 103.0]
    result = play(market(closes), opening(leg("sell put"), profit=0.5))
    days = weekdays(10)
    premium = price("put", 100, 100, 11)
    worth = [price("put", closes[bar], 100, friday(2) - days[bar]) for bar in range(10)]
    reached = next(bar for bar in range(1, 10) if worth[bar] <= premium / 2)
    assert reached == 3
    # Filled at the next open, which is at the close before it and no night further.
    assert reasons(result) == ["profit"]
    trade = result.option_trades[0]
    assert trade["exit_bar"] == 4
    assert trade["exit_price"] == pytest.approx(price("put", 102, 100, friday(2) - days[4] + 1))
    assert result.equity[-1] == pytest.approx(CASH + 100 * (premium - trade["exit_price"]))


def test_a_position_is_given_up_at_twice_its_premium_of_loss():
    result = play(
        market([100.0, 100.0, 97.0, 94.0, 94.0, 94.0]), opening(leg("sell put"), loss=2.0)
    )
    assert reasons(result) == ["loss"]
    assert result.option_trades["exit_bar"][0] == 4
    assert result.option_trades["pnl"][0] < -2.0 * 100 * price("put", 100, 100, 11)


def test_a_position_is_given_up_some_days_before_its_expiry():
    # Friday the 12th: seven days before it is Friday the 5th, bar 4; filled on Monday, bar 5.
    result = play(market(CALM), opening(leg("sell put"), days=7))
    assert reasons(result) == ["days"]
    assert result.option_trades["exit_bar"][0] == 5


def test_a_rule_opens_no_second_position_while_its_first_is_open():
    always = range(10)
    result = play(market(CALM), opening(leg("sell put"), at=always))
    assert result.option_contracts.max() == 1
    two = play(market(CALM), opening(leg("sell put"), at=always, max_positions=2))
    assert two.option_contracts.tolist()[:4] == [0, 1, 2, 2]


def test_a_put_spread_that_is_wholly_in_the_money_loses_its_width():
    rule = opening(leg("sell put", 100.0), leg("buy put", 95.0))
    result = play(market([100.0] * 9 + [90.0, 90.0]), rule, cash=500.0)
    credit = price("put", 100, 100, 11) - price("put", 100, 95, 11)
    assert sorted(reasons(result)) == ["assigned", "exercised"]
    assert result.equity[-1] == pytest.approx(500.0 + 100 * credit - 500.0)
    assert result.position.tolist() == [0.0] * 11
    # The shares that came at 100 went at 95 at once.
    assert result.trades["pnl"].tolist() == pytest.approx([-500.0])
    assert result.option_trades["position"].tolist() == [0, 0]


def test_a_covered_call_is_called_away_at_its_strike():
    result = play(
        market([100.0] * 9 + [110.0, 110.0]),
        buy_shares(100),
        opening(leg("sell call", 105.0), at=[1], secured=True),
        cash=10_000.0,
    )
    premium = price("call", 100, 105, 10)
    assert reasons(result) == ["assigned"]
    assert result.trades["exit_price"].tolist() == [105.0]
    assert result.trades["pnl"].tolist() == pytest.approx([500.0])
    assert result.position[-1] == 0.0
    assert result.equity[-1] == pytest.approx(10_000 + 500 + 100 * premium)


def test_the_wheel_sells_puts_then_calls_on_the_shares_it_was_given():
    closes = [100.0] * 9 + [95.0] + [96.0] * 4 + [104.0, 104.0]
    result = play(
        market(closes),
        opening(leg("sell put"), secured=True),
        opening(leg("sell call", 100.0, expiry=3), at=[9], secured=True),
        cash=10_000.0,
    )
    # Sold at the open of Monday, with four nights and that day to go.
    put, call = price("put", 100, 100, 11), price("call", 95, 100, 5)
    assert reasons(result) == ["assigned", "assigned"]
    assert result.trades["pnl"].tolist() == pytest.approx([0.0])  # bought and sold at 100
    assert result.equity[-1] == pytest.approx(10_000 + 100 * (put + call))


def test_a_bought_straddle_is_exercised_on_one_side():
    result = play(
        market([100.0] * 9 + [112.0, 115.0]),
        opening(leg("buy call"), leg("buy put")),
        cash=20_000.0,
    )
    paid = price("call", 100, 100, 11) + price("put", 100, 100, 11)
    assert reasons(result) == ["exercised", "expired"]
    assert result.position[9] == 100.0
    assert result.equity[9] == pytest.approx(20_000 - 100 * paid + 1_200)
    assert result.equity[10] == pytest.approx(20_000 - 100 * paid + 1_500)


def test_what_cannot_be_exercised_for_want_of_money_is_sold_at_its_intrinsic_value():
    result = play(market([100.0] * 9 + [112.0, 115.0]), opening(leg("buy call")), cash=500.0)
    paid = price("call", 100, 100, 11)
    assert reasons(result) == ["settled"]
    assert result.option_trades["exit_price"][0] == pytest.approx(12.0)
    assert result.equity[-1] == pytest.approx(500 + 100 * (12 - paid))


def test_cash_settlement_pays_and_delivers_nothing():
    rule = opening(leg("sell put"), quantity=2)
    result = play(market([100.0] * 9 + [95.0]), rule, options={"settlement": "cash"})
    assert reasons(result) == ["settled"]
    assert result.position.tolist() == [0.0] * 10
    assert result.equity[-1] == pytest.approx(CASH + 200 * (price("put", 100, 100, 11) - 5))


@pytest.mark.parametrize(("cent", "accepted"), [(-0.01, False), (0.01, True)])
def test_an_iron_condor_ties_up_one_side_of_it(cent, accepted):
    rule = opening(
        leg("sell put", 95.0),
        leg("buy put", 90.0),
        leg("sell call", 105.0),
        leg("buy call", 110.0),
    )
    prices = [price("put", 100, 95, 11), -price("put", 100, 90, 11)]
    prices += [price("call", 100, 105, 11), -price("call", 100, 110, 11)]
    cash = 500.0 - 100 * sum(prices) + cent
    result = play(market(CALM), rule, cash=cash)
    assert (result.counters["rejected_option_money"] == 0) is accepted
    if accepted:
        assert reasons(result) == ["expired"] * 4
        assert result.equity[-1] == pytest.approx(500.0 + cent)


@pytest.mark.parametrize(("cent", "accepted"), [(-0.01, False), (0.01, True)])
def test_a_naked_put_ties_up_a_fifth_of_the_underlying_less_what_it_is_out(cent, accepted):
    # 20 % of 100 less 5 out of the money is 15; the price of the put comes in and is held.
    result = play(market(CALM), opening(leg("sell put", 95.0)), cash=1_500.0 + cent)
    assert bool(result.option_contracts.max() == 1) is accepted
    # Far out of the money 10 % of the strike are the least: 8 of 80.
    far = play(market(CALM), opening(leg("sell put", 80.0)), cash=800.0 + cent)
    assert bool(far.option_contracts.max() == 1) is accepted


@pytest.mark.parametrize(("cent", "accepted"), [(-0.01, False), (0.01, True)])
def test_a_sold_strangle_ties_up_its_greater_side_and_the_price_of_the_other(cent, accepted):
    # Both are 5 out of the money: 15 each, and the dearer call's side is the greater by its price.
    result = play(
        market(CALM), opening(leg("sell put", 95.0), leg("sell call", 105.0)), cash=1_500.0 + cent
    )
    assert bool(result.option_contracts.max() == 2) is accepted


@pytest.mark.parametrize(("cent", "accepted"), [(-0.01, False), (0.01, True)])
def test_a_cash_secured_put_ties_up_its_whole_strike(cent, accepted):
    cash = 9_500.0 - 100 * price("put", 100, 95, 11) + cent
    for options, secured in (({"margin": "cash"}, False), ({}, True)):
        rule = opening(leg("sell put", 95.0), secured=secured)
        result = play(market(CALM), rule, cash=cash, options=options)
        assert bool(result.option_contracts.max() == 1) is accepted


def test_a_call_without_shares_is_not_sold_where_it_must_be_covered():
    result = play(market(CALM), opening(leg("sell call"), secured=True))
    assert result.counters["rejected_option_money"] == 1
    assert "not covered" in " ".join(result.warnings)
    naked = play(market(CALM), opening(leg("sell call")))
    assert naked.option_contracts.max() == 1


def test_shares_are_not_bought_with_the_money_that_secures_a_put():
    half = Rule(Operation.OPEN_LONG, 0, Size(SizeKind.PERCENT_OF_EQUITY, 1.0))
    result = play(market(CALM), opening(leg("sell put"), secured=True), ([2], half), cash=15_000.0)
    # 15,000 and the premium, less 10,000 for the put: fifty shares and what the premium buys.
    free = 5_000 + 100 * price("put", 100, 100, 11)
    assert result.fills["quantity"][0] == free // 100
    assert result.cash.min() >= 10_000


def test_a_breach_of_the_margin_closes_options_at_the_next_open():
    closes = [100.0, 100.0, 100.0, 80.0, 75.0, 75.0, 75.0]
    result = play(market(closes), opening(leg("sell put", 95.0)), cash=2_000.0)
    assert reasons(result) == ["liquidation"]
    assert result.counters["option_liquidations"] == 1
    trade = result.option_trades[0]
    assert trade["exit_bar"] == 4  # breached at the close at 80, filled at the open at 80
    assert trade["exit_price"] == pytest.approx(
        price("put", 80, 95, friday(2) - weekdays(5)[4] + 1)
    )
    assert "liquidated" in " ".join(result.warnings)


def test_a_covering_position_that_is_sold_leaves_a_breach():
    result = play(
        market(CALM),
        buy_shares(100),
        opening(leg("sell call", 105.0), at=[1], secured=True),
        ([4], Rule(Operation.CLOSE_LONG, 0)),
        cash=20_000.0,
    )
    assert reasons(result) == ["liquidation"]
    assert result.option_trades["exit_bar"][0] == 6


def test_shares_that_the_account_cannot_carry_are_sold_at_the_next_open():
    closes = [100.0] * 9 + [99.0, 98.0, 98.0]
    result = play(market(closes), opening(leg("sell put")), cash=5_000.0)
    assert reasons(result) == ["assigned"]
    assert result.position.tolist() == [0.0] * 9 + [100.0, 0.0, 0.0]
    assert result.counters["liquidations"] == 1
    assert result.trades["exit_price"].tolist() == [99.0]


def test_a_loss_of_everything_ends_the_run():
    closes = [100.0, 100.0, 100.0, 50.0, 50.0, 50.0]
    result = play(market(closes), opening(leg("sell put")), cash=3_000.0)
    assert result.counters["ruined"] == 1
    assert reasons(result) == ["ruin"]
    assert result.equity[3] < 0
    assert result.equity[3:].tolist() == [result.equity[3]] * 3
    assert result.option_contracts.tolist() == [0, 1, 1, 0, 0, 0]


def test_a_short_call_is_assigned_before_a_dividend_greater_than_its_time_value():
    closes = [100.0] * 5 + [102.0] * 5
    rules = (buy_shares(100), opening(leg("sell call"), at=[1], secured=True))
    options = {"style": "american"}
    # Ex on Wednesday of week two (bar 7): assigned at Tuesday's close (bar 6).
    wednesday = MONDAY + 9
    early = play(market(closes), *rules, options=options, dividends={wednesday: 1.0})
    assert early.option_trades["exit_bar"].tolist() == [6]
    assert reasons(early) == ["assigned"]
    small = play(market(closes), *rules, options=options, dividends={wednesday: 0.01})
    assert small.option_trades["exit_bar"].tolist() == [9]
    # A European call cannot be exercised early.
    european = play(market(closes), *rules, dividends={wednesday: 1.0})
    assert european.option_trades["exit_bar"].tolist() == [9]


def test_buyers_pay_the_ask_sellers_get_the_bid_and_each_contract_costs_a_fee():
    options = {
        "spread": 0.04,
        "minimum_spread": 0.02,
        "commission": {"per_unit": 0.65, "minimum": 1.0},
    }
    result = play(market(CALM), opening(leg("sell put")), closing(4), options=options)
    days = weekdays(6)
    mid_in, mid_out = price("put", 100, 100, 11), price("put", 100, 100, friday(2) - days[5] + 1)
    trade = result.option_trades[0]
    assert trade["entry_price"] == pytest.approx(mid_in * 0.98)
    assert trade["exit_price"] == pytest.approx(mid_out * 1.02)
    assert trade["commission"] == 2.0
    assert trade["slippage"] == pytest.approx(100 * 0.02 * (mid_in + mid_out))
    expected = 100 * (mid_in * 0.98 - mid_out * 1.02) - 2.0
    assert trade["pnl"] == pytest.approx(expected)
    assert result.equity[-1] == pytest.approx(CASH + expected)
    assert reasons(result) == ["signal"]
    assert result.option_fills["reference_price"].tolist() == pytest.approx([mid_in, mid_out])


def test_an_option_without_a_bid_is_not_sold():
    result = play(market(CALM), opening(leg("sell put", 60.0)), options={"minimum_spread": 0.02})
    assert result.counters["rejected_option_contract"] == 1
    assert len(result.option_fills) == 0


def test_closing_everything_closes_options_too():
    close = ([3], Rule(Operation.CLOSE, 0))
    result = play(market(CALM), opening(leg("sell put")), close)
    assert result.option_trades["exit_bar"].tolist() == [4]
    long_only = ([3], Rule(Operation.CLOSE_LONG, 0))
    kept = play(market(CALM), opening(leg("sell put")), long_only)
    assert kept.option_trades["exit_bar"].tolist() == [9]


def test_what_is_open_at_the_end_is_closed_at_the_last_close_or_kept():
    rule = opening(leg("sell put", expiry=4))
    closed = play(market(CALM), rule)
    assert reasons(closed) == ["end"]
    assert closed.counters["closed_at_end"] == 1
    assert closed.option_contracts[-1] == 0
    kept = play(market(CALM), rule, liquidate_at_end=False)
    assert len(kept.option_trades) == 0
    assert kept.option_contracts[-1] == 1
    assert kept.equity[-1] == pytest.approx(closed.equity[-1])


def test_an_order_of_the_last_close_is_told_as_unfilled():
    result = play(market(CALM), opening(leg("sell put", expiry=4), at=[9]))
    assert result.counters["unfilled_at_end"] == 1
    assert len(result.option_fills) == 0


def test_trading_on_close_fills_at_the_close_of_the_decision():
    result = play(market([100.0, 104.0, 104.0]), opening(leg("sell put")), trade_on_close=True)
    fill = result.option_fills[0]
    assert (fill["bar"], fill["underlying"]) == (0, 100.0)
    assert fill["price"] == pytest.approx(price("put", 100, 100, 11))
    assert result.equity[0] == pytest.approx(CASH)
    assert result.option_contracts[0] == 1


def test_an_expiry_on_a_holiday_is_settled_on_the_session_before():
    days = [day for day in weekdays(11) if day != friday(2)]
    bars = market([100.0] * 10)
    moved = type(bars).from_arrays(
        ts=np.array(days) * 86_400_000_000_000,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
    )
    result = play(moved, opening(leg("sell put")))
    trade = result.option_trades[0]
    assert trade["expiry"] == friday(2) - 1
    assert trade["exit_bar"] == 8


def test_in_bars_of_hours_the_day_of_expiry_passes_bar_by_bar():
    # Two sessions of four bars; sold at the second bar of the day of expiry: 3/4 of it are left.
    days = [friday(1) - 1] * 4 + [friday(1)] * 4
    hours = np.array([14, 15, 16, 17] * 2)
    bars = market([100.0] * 8)
    hourly = type(bars).from_arrays(
        ts=np.array(days) * 86_400_000_000_000 + hours * 3_600_000_000_000,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
    )
    result = play(hourly, opening(leg("sell put", expiry=1), at=[4]), session_ids=np.array(days))
    assert result.option_fills["price"][0] == pytest.approx(price("put", 100, 100, 0.75))
    assert result.option_trades["exit_bar"].tolist() == [7]
    worth = [-value / 100 for value in result.option_value.tolist()]
    assert worth[5:7] == pytest.approx([price("put", 100, 100, 0.5), price("put", 100, 100, 0.25)])


def test_legs_of_two_expiries_end_one_by_one():
    result = play(
        market([100.0] * 12),
        opening(leg("sell call", 100.0, expiry=1), leg("buy call", 100.0, expiry=2)),
    )
    assert result.option_contracts.tolist()[1:6] == [2, 2, 2, 1, 1]
    assert result.option_trades["exit_bar"].tolist() == [4, 9]
    assert set(result.option_trades["position"].tolist()) == {0}
