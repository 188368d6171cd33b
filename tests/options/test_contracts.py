"""Which contract a rule means: by hand from calendars and grids, then properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.option_rules import Cycle, Expiry, Policy, Right, Strike, StrikeBy
from core.options.contract import Contract, Named, contract_parse, contract_symbol
from core.options.expiries import ExpiryCalendar
from core.options.pricing import option_greeks, option_price
from core.options.strikes import Moment, strike_find, strike_nearest, strike_step
from core.options.volatility import realised_volatility

NO_SESSIONS = np.empty(0, np.int64)


def day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(int))


def find(wanted: Expiry, on: str, *, sessions=NO_SESSIONS, listed="weekly") -> str | None:
    today = day(on)
    found = ExpiryCalendar(sessions, listed=listed).find(wanted, day=today, earliest=today + 1)
    return None if found < 0 else str(np.datetime64(found, "D"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        # 2024-01-02 is a Tuesday; Fridays follow on 5, 12, 19 (the third), 26, and 02-02.
        (Expiry(30), "2024-02-02"),  # 31 days; 26 January is 24
        (Expiry(10), "2024-01-12"),
        (Expiry(30, Policy.AT_MOST), "2024-01-26"),
        (Expiry(30, Policy.AT_LEAST), "2024-02-02"),
        (Expiry(31, Policy.AT_MOST), "2024-02-02"),
        (Expiry(2, Policy.AT_MOST), None),
        (Expiry(30, cycle=Cycle.MONTHLY), "2024-01-19"),  # 17 days; 16 February is 45
        (Expiry(1, Policy.AT_LEAST, Cycle.WEEKLY), "2024-01-05"),
        (Expiry(1, Policy.AT_LEAST, Cycle.MONTHLY), "2024-01-19"),
        (Expiry(date=day("2024-03-15")), "2024-03-15"),
        (Expiry(date=day("2024-01-01")), None),
    ],
)
def test_the_expiry_of_a_tuesday_in_january(wanted, expected):
    assert find(wanted, "2024-01-02") == expected


def test_of_two_expiries_as_near_the_earlier_is_taken():
    # From 2024-01-19 (earliest the 20th): 16 February is 28 days away, 15 March 56.
    assert find(Expiry(42, cycle=Cycle.MONTHLY), "2024-01-19") == "2024-02-16"


def test_a_holiday_moves_the_expiry_to_the_session_before():
    """Good Friday of 2019 was the third Friday of April: its options expired on Thursday."""
    days = np.arange(day("2019-04-01"), day("2019-04-30"))
    weekdays = days[((days + 3) % 7 < 5) & (days != day("2019-04-19"))]
    wanted = Expiry(1, Policy.AT_LEAST, Cycle.MONTHLY)
    assert find(wanted, "2019-04-02", sessions=weekdays) == "2019-04-18"
    assert find(wanted, "2019-04-02") == "2019-04-19"


def test_with_monthly_contracts_alone_thirty_days_are_a_third_friday():
    assert find(Expiry(30), "2024-01-02", listed="monthly") == "2024-01-19"


@given(
    st.integers(0, 40_000),
    st.integers(0, 400),
    st.sampled_from(list(Policy)),
    st.sampled_from(list(Cycle)),
)
def test_an_expiry_is_a_friday_that_keeps_its_policy(today, days, policy, cycle):
    calendar = ExpiryCalendar(NO_SESSIONS)
    found = calendar.find(Expiry(days, policy, cycle), day=today, earliest=today + 1)
    if found < 0:
        assert policy == Policy.AT_MOST
        return
    assert found > today
    assert (found + 3) % 7 == 4
    if policy == Policy.AT_LEAST:
        assert found >= today + days
    if policy == Policy.AT_MOST:
        assert found <= today + days
    longest = 35 if cycle == Cycle.MONTHLY else 7
    assert abs(found - today - days) <= longest


@pytest.mark.parametrize(
    ("price", "step"),
    [(20, 0.5), (30, 0.5), (50, 1), (100, 2.5), (200, 5), (500, 10), (4000, 100), (0.5, 0.01)],
)
def test_the_distance_of_strikes_by_price(price, step):
    assert strike_step(price) == pytest.approx(step)


def at(spot=101.0, vol=0.2, years=0.25, step=2.5) -> Moment:
    return Moment(
        spot=spot, vol=vol, rate=0.02, dividend_yield=0.0, years=years, model="baw", step=step
    )


@pytest.mark.parametrize(
    ("wanted", "right", "expected"),
    [
        (Strike(StrikeBy.ATM), Right.PUT, 100.0),
        (Strike(StrikeBy.ATM, 1), Right.PUT, 102.5),
        (Strike(StrikeBy.ATM, -2), Right.CALL, 95.0),
        (Strike(StrikeBy.OTM, 0.05), Right.PUT, 95.0),  # 95.95
        (Strike(StrikeBy.OTM, 0.05), Right.CALL, 105.0),  # 106.05
        (Strike(StrikeBy.EXACT, 99.0), Right.CALL, 99.0),
        (Strike(StrikeBy.LEG_STRIKES, -2, leg=0), Right.PUT, 85.0),
        (Strike(StrikeBy.LEG_WIDTH, 6.0, leg=0), Right.CALL, 95.0),
    ],
)
def test_the_strike_of_a_share_at_101(wanted, right, expected):
    assert strike_find(wanted, right, at(), [90.0]) == expected


def test_of_two_strikes_as_near_the_lower_is_at_the_money():
    assert strike_nearest(101.25, 2.5) == 100.0
    assert strike_nearest(101.26, 2.5) == 102.5
    assert strike_nearest(0.1, 2.5) == 2.5


def test_a_strike_below_the_lowest_is_none():
    assert math.isnan(strike_find(Strike(StrikeBy.ATM, -41), Right.PUT, at(), []))
    assert math.isnan(strike_find(Strike(StrikeBy.LEG_WIDTH, -91, leg=0), Right.PUT, at(), [90]))


@pytest.mark.parametrize("right", list(Right))
def test_no_other_strike_has_a_nearer_delta_or_premium(right):
    terms = {"right": right, "spot": 101.0, "years": 0.25, "vol": 0.2, "rate": 0.02}
    strikes = np.arange(2.5, 300, 2.5)
    deltas = np.abs(option_greeks(**terms, strike=strikes).delta)
    found = strike_find(Strike(StrikeBy.DELTA, 0.3), right, at(), [])
    assert found == strikes[np.argmin(np.abs(deltas - 0.3))]
    premiums = option_price(**terms, strike=strikes, model="baw")
    found = strike_find(Strike(StrikeBy.PREMIUM, 2.0), right, at(), [])
    assert found == strikes[np.argmin(np.abs(premiums - 2.0))]


def test_without_volatility_there_is_no_delta_to_go_by():
    blind = at(vol=math.nan)
    assert math.isnan(strike_find(Strike(StrikeBy.DELTA, 0.3), Right.PUT, blind, []))


@pytest.mark.parametrize(
    ("strike", "symbol"),
    [(150.0, "AAPL240119P00150000"), (2.5, "AAPL240119P00002500"), (0.0125, "AAPL240119P0.0125")],
)
def test_the_symbol_of_a_contract(strike, symbol):
    assert contract_symbol(Contract(Right.PUT, strike, day("2024-01-19")), "AAPL") == symbol


def test_realised_volatility_by_hand():
    # Returns of +1 % and -1 % in turn: mean 0, sum of squares 4 x 0.01**2, over 3.
    close = np.exp(np.cumsum([0.0, 0.01, -0.01, 0.01, -0.01, 0.02]))
    found = realised_volatility(close, ends=np.ones(6, np.bool_), window=4, sessions_per_year=252)
    assert np.isnan(found[:4]).all()
    assert found[4] == pytest.approx(math.sqrt(4 * 0.01**2 / 3 * 252))
    last = np.array([-0.01, 0.01, -0.01, 0.02])
    assert found[5] == pytest.approx(last.std(ddof=1) * math.sqrt(252))


def test_inside_a_session_the_volatility_is_that_of_the_session_before():
    close = np.array([1, 5, 1.01, 7, 1.02, 9, 1.0, 3])
    ends = np.array([False, True] * 4)
    daily = realised_volatility(
        close[ends], ends=np.ones(4, np.bool_), window=2, sessions_per_year=252
    )
    found = realised_volatility(close, ends=ends, window=2, sessions_per_year=252)
    assert np.isnan(found[:5]).all()
    assert found[5:].tolist() == [daily[2], daily[2], daily[3]]


@pytest.mark.parametrize("symbol", ["AAPL240119P00150000", "BRK.B270617C00402500"])
def test_a_symbol_names_its_contract(symbol: str) -> None:
    named = contract_parse(symbol)
    assert named is not None
    assert contract_symbol(named.contract, named.underlying) == symbol


def test_a_contract_is_read_out_of_its_symbol() -> None:
    named = contract_parse("AAPL  240119P00152500")  # roots are padded in some places
    assert named == Named("AAPL", Contract(Right.PUT, 152.5, day("2024-01-19")))
    named = contract_parse("BAJFINANCE.NS240125C00950000")
    assert named == Named("BAJFINANCE.NS", Contract(Right.CALL, 950.0, day("2024-01-25")))


@pytest.mark.parametrize("symbol", ["AAPL", "AAPL241331P00150000", "AAPL240119P00000000", ""])
def test_what_names_no_contract_is_none(symbol: str) -> None:
    assert contract_parse(symbol) is None
