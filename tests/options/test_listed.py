"""Rules among the contracts that a venue lists: expiries and strikes are those there are."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.option_rules import Cycle, Expiry, Policy, Right, Strike, StrikeBy
from core.options.contract import Contract
from core.options.listed import ListedContracts
from core.options.strikes import Moment, strike_find

MONDAY = 19_723  # 2024-01-01
# Wednesdays and Fridays of January, and Thursday in place of Friday the 26th; the 19th is monthly.
DAYS = [MONDAY + day for day in (2, 4, 9, 11, 16, 18, 23, 24)]
SESSIONS = np.array([MONDAY + day for day in range(40) if day % 7 < 5 and day != 25])
STRIKES = (80.0, 90.0, 97.5, 100.0, 110.0)


@pytest.fixture(scope="module")
def listing():
    there = [Contract(right, strike, day) for right in Right for day in DAYS for strike in STRIKES]
    there.append(Contract(Right.CALL, 100.0, MONDAY + 60))
    return ListedContracts(reversed(there), SESSIONS)


def found(listing, expiry, *, day=MONDAY, earliest=MONDAY + 1):
    return listing.find(expiry, day=day, earliest=earliest) - MONDAY


@pytest.mark.parametrize(
    ("days", "policy", "cycle", "expected"),
    [
        (10, Policy.NEAREST, Cycle.ANY, 9),  # the 9th day and the 11th are as near
        (10, Policy.AT_LEAST, Cycle.ANY, 11),
        (10, Policy.AT_MOST, Cycle.ANY, 9),
        (10, Policy.NEAREST, Cycle.WEEKLY, 11),
        (25, Policy.AT_MOST, Cycle.WEEKLY, 24),  # Thursday: that Friday is no session
        (3, Policy.NEAREST, Cycle.MONTHLY, 18),
        (20, Policy.AT_LEAST, Cycle.MONTHLY, -1 - MONDAY),
        (50, Policy.NEAREST, Cycle.ANY, 60),  # however far it is from what was asked
        (30, Policy.NEAREST, Cycle.WEEKLY, 24),
    ],
)
def test_the_expiry_is_one_that_is_listed(listing, days, policy, cycle, expected):
    assert found(listing, Expiry(days, policy, cycle)) == expected


def test_a_date_is_listed_or_the_session_before_it_is(listing):
    assert found(listing, Expiry(date=MONDAY + 9)) == 9
    assert found(listing, Expiry(date=MONDAY + 25)) == 24
    assert listing.find(Expiry(date=MONDAY + 10), day=MONDAY, earliest=MONDAY) == -1


def test_what_can_be_traded_no_more_is_not_taken(listing):
    assert found(listing, Expiry(2), earliest=MONDAY + 3) == 4


def at(listed, spot=99.0):
    return Moment(spot, 0.3, 0.0, 0.0, 0.1, "bsm", 1.0, np.array(listed))


@pytest.mark.parametrize(
    ("by", "value", "expected"),
    [
        (StrikeBy.ATM, 0, 100.0),
        (StrikeBy.ATM, -1, 97.5),
        (StrikeBy.ATM, 1, 110.0),
        (StrikeBy.ATM, 2, None),
        (StrikeBy.ATM, -4, None),
        (StrikeBy.OTM, 0.06, 90.0),  # of 93.06; for a put it is below
        (StrikeBy.EXACT, 97.5, 97.5),
        (StrikeBy.EXACT, 98.0, None),
        (StrikeBy.DELTA, 0.5, 100.0),
        (StrikeBy.PREMIUM, 0.01, 80.0),
    ],
)
def test_the_strike_is_one_that_is_listed(by, value, expected):
    strike = strike_find(Strike(by, value), Right.PUT, at(STRIKES), [])
    assert strike == expected or (expected is None and np.isnan(strike))


def test_of_two_strikes_as_near_the_lower_is_taken():
    assert strike_find(Strike(), Right.CALL, at([95.0, 105.0], spot=100.0), []) == 95.0


def test_a_leg_counts_from_an_earlier_one_in_what_is_listed():
    earlier = [100.0]
    for by, value, expected in (
        (StrikeBy.LEG_STRIKES, -2, 90.0),
        (StrikeBy.LEG_WIDTH, -12, 90.0),
        (StrikeBy.LEG_WIDTH, 4, 100.0),
    ):
        assert strike_find(Strike(by, value, 0), Right.PUT, at(STRIKES), earlier) == expected


@pytest.mark.parametrize("by", list(StrikeBy))
def test_where_nothing_is_listed_there_is_no_strike(by):
    assert np.isnan(strike_find(Strike(by, 0.5, 0), Right.PUT, at([]), [100.0]))


def test_strikes_are_those_of_their_expiry_and_right(listing):
    assert listing.strikes(DAYS[0], Right.PUT).tolist() == list(STRIKES)
    assert listing.strikes(MONDAY + 60, Right.CALL).tolist() == [100.0]
    assert listing.strikes(MONDAY + 60, Right.PUT).tolist() == []
