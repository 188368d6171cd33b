"""What the contracts of an account tie up, worked out by hand."""

from __future__ import annotations

import math

import pytest

from core.engine.option_rules import Right
from core.options.account_margin import HeldContract, account_margin
from core.options.config import OptionsConfig
from core.options.contract import Contract


def put(strike, quantity, price):
    return HeldContract(Contract(Right.PUT, strike, 20_000), quantity, price)


def call(strike, quantity, price):
    return HeldContract(Contract(Right.CALL, strike, 20_000), quantity, price)


def margin(*held, shares=0.0, **config):
    return account_margin(
        held, shares=shares, spot=100.0, multiplier=100.0, config=OptionsConfig(**config)
    )


@pytest.mark.parametrize(
    ("held", "shares", "expected"),
    [
        ((), 0, 0),
        # what is long ties up nothing
        ((put(95, 2, 1.5),), 0, 0),
        # (1.5 + max(20 - 5, 9.5)) x 100 each
        ((put(95, -2, 1.5),), 0, 3_300),
        # 25 out of the money: at least a tenth of the strike, (0.1 + 7.5) x 100
        ((put(75, -1, 0.1),), 0, 760),
        # in the money nothing is taken off: (6 + 20) x 100
        ((call(95, -1, 6.0),), 0, 2_600),
        # of two calls the shares cover one: (4 + 20) x 100
        ((call(100, -2, 4.0),), 150, 2_400),
        # a spread ties up the distance of its strikes
        ((put(95, -1, 1.5), put(90, 1, 0.7)), 0, 500),
        # the greater side of a strangle, the put's 1,650, and the call's price
        ((put(95, -1, 1.5), call(110, -1, 1.0)), 0, 1_750),
    ],
)
def test_by_the_rules_of_a_margin_account(held, shares, expected):
    assert margin(*held, shares=shares) == pytest.approx(expected)


def test_in_a_cash_account_a_put_ties_up_its_strike_and_a_call_needs_shares():
    assert margin(put(95, -1, 1.5), margin="cash") == 9_500
    assert margin(call(100, -1, 4.0), margin="cash") == math.inf
    assert margin(call(100, -1, 4.0), shares=100, margin="cash") == 0
