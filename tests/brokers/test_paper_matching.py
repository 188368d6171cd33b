"""When a waiting order fills inside a bar, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.choices import OrderType
from brokers.paper.matching import Candle, Waiting, match, rests
from brokers.paper.terms import terms_of
from core.engine.fees import PRESETS
from core.engine.program import Size, SizeKind
from tests.engine.scenario import close, flat, long, play

D = Decimal


def candle(*prices):
    return Candle(*(D(str(price)) for price in prices))


def waiting(order_type, sign, **prices):
    return Waiting(OrderType(order_type), sign, **{k: D(str(v)) for k, v in prices.items()})


@pytest.mark.parametrize(
    ("order", "bar", "price"),
    [
        # a market order fills at the open
        (waiting("market", 1), candle(100, 105, 95, 101), "100"),
        # a buy limit needs a low at or below it, and fills at it
        (waiting("limit", 1, limit=97), candle(100, 105, 95, 101), "97"),
        (waiting("limit", 1, limit=95), candle(100, 105, 95, 101), "95"),
        (waiting("limit", 1, limit="94.99"), candle(100, 105, 95, 101), None),
        # opened below it: the open, which is better
        (waiting("limit", 1, limit=102), candle(100, 105, 95, 101), "100"),
        (waiting("limit", -1, limit=103), candle(100, 105, 95, 101), "103"),
        (waiting("limit", -1, limit=98), candle(100, 105, 95, 101), "100"),
        # a sell stop needs a low at or below it; opened below it: the open, which is worse
        (waiting("stop", -1, stop=97), candle(100, 105, 95, 101), "97"),
        (waiting("stop", -1, stop=102), candle(100, 105, 95, 101), "100"),
        (waiting("stop", -1, stop=94), candle(100, 105, 95, 101), None),
        (waiting("stop", 1, stop=104), candle(100, 105, 95, 101), "104"),
        # a stop-limit fills where the stop is inside the limit
        (waiting("stop_limit", 1, stop=104, limit=105), candle(100, 105, 95, 101), "104"),
        # and not in the bar that opened beyond the limit
        (waiting("stop_limit", 1, stop=104, limit=105), candle(106, 108, 106, 107), None),
    ],
)
def test_prices_inside_a_bar(order, bar, price):
    assert match(order, bar).price == (None if price is None else D(price))


def test_a_stop_limit_beyond_its_limit_waits_as_a_limit_order():
    order = waiting("stop_limit", 1, stop=104, limit=105)
    after = match(order, candle(106, 108, 106, 107)).order
    assert after.triggered
    assert match(after, candle(106, 107, "104.5", 105)).price == 105


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back():
    order = waiting("trailing_stop", -1, stop=95, trail_amount=5)
    order = match(order, candle(100, 110, 99, 108)).order
    assert order.stop == 105, "the bar's high is known at its end: 110 - 5"
    order = match(order, candle(108, 109, 106, 107)).order
    assert order.stop == 105
    assert match(order, candle(107, 108, 104, 106)).price == 105


def test_costs_are_those_of_a_backtest():
    terms = terms_of({"slippage_bps": "10", "spread": "0.001", "percent": "0.002", "minimum": "5"})
    assert terms.paid(D(100), 1, opening=True) == D("100.2")
    assert terms.paid(D(100), -1, opening=False) == D("99.9")
    assert terms.commission(D(10), D(100), sign=1) == 5
    assert terms.commission(D(100), D(100), sign=-1) == 20


def test_makers_pay_their_own_share_and_all_others_that_of_takers():
    terms = terms_of({"maker": "0.001", "taker": "0.004", "percent": "0.5"})
    assert terms.commission(D(10), D(100), sign=1, rested=True) == 1
    assert terms.commission(D(10), D(100), sign=1) == 4
    plain = terms_of({"percent": "0.002"})
    assert plain.commission(D(10), D(100), sign=1, rested=True) == 2


def test_levies_fall_on_their_side_whatever_the_bounds():
    costs = {"per_order": "9", "maximum": "0.5", "buy_percent": "0.001", "sell_percent": "0.002"}
    terms = terms_of({"commission": costs | {"sell_per_order": "3", "sell_per_unit": "0.1"}})
    assert terms.commission(D(10), D(100), sign=1) == D("1.5")
    assert terms.commission(D(10), D(100), sign=-1) == D("6.5")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_charges_what_a_backtest_pays(preset):
    terms = terms_of({"preset": preset})
    for units, price in ((1_000, 100), (10, 5), (100, 0.5)):
        size = Size(SizeKind.UNITS, units)
        bars = flat(*[price] * 4)
        fills = play(bars, long(0, size=size), close(1), cash=1e6, commission={"preset": preset})
        for fill, sign in zip(fills.fills, (1, -1), strict=True):
            fee = terms.commission(D(units), D(str(price)), sign=sign)
            assert float(fee) == pytest.approx(fill["commission"])


def test_limit_orders_rest_and_stop_limit_orders_once_they_are_triggered():
    assert rests(waiting("limit", 1, limit=90))
    assert not rests(waiting("stop", 1, stop=110))
    order = waiting("stop_limit", 1, stop=110, limit=105)
    assert not rests(order)
    assert rests(match(order, candle(100, 111, 99, 110)).order)


prices = st.integers(50, 150).map(D)


@given(
    st.lists(prices, min_size=4, max_size=4),
    st.sampled_from(["limit", "stop"]),
    st.sampled_from([1, -1]),
    prices,
)
def test_a_fill_is_a_price_of_the_bar_and_never_better_than_it_can_be(four, kind, sign, level):
    bar = Candle(open=four[0], high=max(four), low=min(four), close=four[3])
    name = "limit" if kind == "limit" else "stop"
    price = match(Waiting(OrderType(kind), sign, **{name: level}), bar).price
    if price is None:
        return
    assert bar.low <= price <= bar.high
    better = (level - price) * sign
    assert better >= 0 if kind == "limit" else better <= 0
