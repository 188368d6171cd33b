"""Each limit denies what is beyond it, by one unit, and admits what is at it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.choices import Side
from brokers.risk.checks import Facts, Limits, judge

D = Decimal
# Ten at 100: 1,000; 5 held; other positions of 2,000 long and 500 short.
FACTS = Facts(
    symbol="ACME", side=Side.BUY, units=D(10), order_price=None, quote=D(100), quote_age_s=30.0,
    held=D(5), gross=D(2500), net=D(1500), day_profit=D(-200), drawdown=D("0.1"),
    orders_last_minute=3, in_session=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("admits", "denies", "code"),
    [
        ({"max_order_value": D(1000)}, {"max_order_value": D("999.99")}, "order_value"),
        ({"max_position_value": D(1500)}, {"max_position_value": D(1499)}, "position_value"),
        ({"max_gross_exposure": D(3500)}, {"max_gross_exposure": D(3499)}, "gross_exposure"),
        ({"max_net_exposure": D(2500)}, {"max_net_exposure": D(2499)}, "net_exposure"),
        ({"max_daily_loss": D(201)}, {"max_daily_loss": D(200)}, "daily_loss"),
        ({"max_drawdown": D("0.11")}, {"max_drawdown": D("0.1")}, "drawdown"),
        ({"max_orders_per_minute": 4}, {"max_orders_per_minute": 3}, "order_rate"),
        ({"max_quote_age_s": 30}, {"max_quote_age_s": 29}, "stale_data"),
        (
            {"allowed_symbols": frozenset({"ACME"})},
            {"allowed_symbols": frozenset({"GOOG"})},
            "symbol_not_allowed",
        ),
    ],
)
def test_limits_hold_to_the_unit(admits, denies, code):
    assert judge(Limits(**admits), FACTS) is None
    assert judge(Limits(**denies), FACTS).code == code


@pytest.mark.parametrize(
    ("limits", "facts", "code"),
    [
        ({"price_collar": D("0.02")}, {"order_price": D("102.01")}, "price_collar"),
        ({"price_collar": D("0.02")}, {"order_price": D(98), "quote": None}, "price_collar"),
        ({"short_allowed": False}, {"side": Side.SHORT}, "short_not_allowed"),
        ({"in_session_only": True}, {"in_session": False}, "outside_session"),
        ({}, {"buying_power": D(999)}, "buying_power"),
        ({"max_quote_age_s": 60}, {"quote_age_s": None}, "stale_data"),
        ({"max_daily_loss": D(1)}, {"day_profit": None}, "daily_loss"),
        ({"max_order_value": D(9)}, {"quote": None}, "order_value"),
    ],
)
def test_what_cannot_be_checked_is_denied(limits, facts, code):
    assert judge(Limits(**limits), replace(FACTS, **facts)).code == code


@pytest.mark.parametrize(
    ("side", "price", "trigger", "denied"),
    [
        (Side.BUY, 102, None, False),
        (Side.BUY, "102.01", None, True),
        (Side.BUY, 50, None, False),  # waits far below
        (Side.SHORT, "97.99", None, True),
        (Side.SHORT, 150, None, False),
        (Side.BUY, 120, 120, False),  # trades when the market is there
        (Side.BUY, 122, 120, False),
        (Side.BUY, 123, 120, True),
        (Side.BUY, "102.01", 50, True),  # trades at once
        (Side.SHORT, 78, 80, True),
    ],
)
def test_a_collar_is_about_prices_that_trade_beyond_the_market(side, price, trigger, denied):
    order = {
        "side": side, "order_price": D(price), "trigger": None if trigger is None else D(trigger),
    }  # fmt: skip
    found = judge(Limits(price_collar=D("0.02")), replace(FACTS, **order))
    assert (found is not None and found.code == "price_collar") == denied


def test_it_is_always_possible_to_get_out():
    tight = Limits(
        max_position_value=D(0), max_gross_exposure=D(0), max_net_exposure=D(0),
        max_daily_loss=D(0), max_drawdown=D(0), short_allowed=False, max_order_value=D(0),
        price_collar=D(0), max_orders_per_minute=0, max_quote_age_s=0, in_session_only=True,
        allowed_symbols=frozenset({"GOOG"}),
    )  # fmt: skip
    for side in (Side.SELL, Side.COVER):
        assert judge(tight, replace(FACTS, side=side, buying_power=D(0))) is None
    assert judge(tight, FACTS) is not None


@given(st.decimals(1, 10_000, places=2), st.decimals(1, 10_000, places=2))
def test_a_tighter_limit_never_admits_more(tight, wide):
    tight, wide = sorted((tight, wide))
    for name in ("max_order_value", "max_position_value", "max_gross_exposure"):
        if judge(Limits(**{name: tight}), FACTS) is None:
            assert judge(Limits(**{name: wide}), FACTS) is None
