"""Models of slippage, with numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.config import RunConfig
from core.engine.program import Order, OrderKind, Price, PriceKind, Size, SizeKind
from core.engine.simulate import simulate
from core.engine.slippage import return_deviation
from core.errors import InvalidInput
from tests.engine.scenario import build, close, flat, long, market, percent, play, short

SHARE = {"model": "volume_share", "impact": 0.1}  # of a volume of 1,000 a bar


def hundred(units=100.0):
    return {"size": Size(SizeKind.UNITS, units)}


def test_an_order_moves_the_price_by_the_square_of_its_share_in_the_volume():
    result = play(flat(*[10] * 4), long(0, **hundred()), close(1), slippage=SHARE)
    # 100 of 1,000: 0.1 x 0.1^2 = 0.1 % each way.
    assert result.fills["price"].tolist() == pytest.approx([10.01, 9.99])
    assert result.fills["slippage"].tolist() == pytest.approx([1.0, 1.0])
    both = play(flat(*[10] * 4), short(0, **hundred(200)), slippage=SHARE | {"bps": 10})
    assert both.fills["price"][0] == pytest.approx(10 * (1 - 0.001 - 0.004))


def test_a_part_of_a_position_moves_the_price_by_its_own_share():
    result = play(flat(*[10] * 4), long(0, **hundred()), close(1, fraction=0.5), slippage=SHARE)
    assert result.fills["price"][1] == pytest.approx(10 * (1 - 0.1 * 0.05**2))


def test_beyond_the_volume_the_share_is_one():
    bars = flat(*[1] * 4)
    result = play(bars, long(0, **hundred(2_000)), slippage=SHARE)
    assert result.fills["price"][0] == pytest.approx(1.1)
    dry = dataclasses.replace(bars, volume=np.zeros(4))
    columns, program = build(4, [long(0, **hundred())])
    config = RunConfig.from_mapping({"slippage": SHARE})
    assert simulate(dry, columns, program, config).fills["price"][0] == pytest.approx(1.1)


def test_money_buys_less_when_the_order_moves_the_price():
    result = play(flat(10, 10, 10), long(0), slippage=SHARE, fractional=True)
    quantity, price = result.fills["quantity"][0], result.fills["price"][0]
    assert price == pytest.approx(10 * (1 + 0.1 * (quantity / 1_000) ** 2))
    assert quantity * price == pytest.approx(10_000)
    whole = play(flat(10, 10, 10), long(0), slippage=SHARE)
    assert whole.fills["quantity"][0] == np.floor(quantity)
    # A number of units is no sum of money: it is not made smaller, but refused.
    units = play(flat(10, 10, 10), long(0, **hundred(1_000)), slippage=SHARE)
    assert units.counters["rejected_unaffordable"] == 1


def test_guards_are_measured_from_the_price_that_was_moved():
    bars = market([(10,) * 4, (10,) * 4, (10, 10, 9, 9.5)])
    result = play(bars, long(0, stop_loss=percent(0.05), **hundred()), slippage=SHARE)
    assert result.fills["reference_price"][1] == pytest.approx(10.01 * 0.95)
    assert result.fills["price"][1] == pytest.approx(10.01 * 0.95 * 0.999)


def test_limit_orders_move_no_price():
    order = Order(OrderKind.LIMIT, limit=Price(PriceKind.NUMBER, 9.0))
    bars = market([(10,) * 4, (10, 10, 8, 9), (9,) * 4])
    result = play(bars, long(0, order=order, **hundred()), slippage=SHARE)
    assert result.fills["price"][0] == 9.0


def test_volatility_makes_orders_dearer_by_a_part_of_it():
    model = {"model": "volatility", "impact": 0.5, "window": 2}
    prices = (100, 110, 99, 99, 99)
    result = play(flat(*prices), long(2, **hundred(1)), slippage=model)
    # Returns of 0.1 and -0.1: a deviation of 0.1 x sqrt(2), known at the close before the fill.
    assert result.fills["price"][0] == pytest.approx(99 * (1 + 0.5 * 0.1 * np.sqrt(2)))
    calm = play(flat(*prices), long(0, **hundred(1)), slippage=model)
    assert calm.fills["price"][0] == 110  # one return has no deviation yet


@given(st.lists(st.integers(50, 150), min_size=3, max_size=30), st.integers(2, 6))
def test_the_deviation_is_that_of_the_returns_in_the_window(prices, window):
    closes = np.array(prices, np.float64)
    found = return_deviation(closes, window)
    returns = closes[1:] / closes[:-1] - 1
    for bar in range(2, len(closes)):
        expected = returns[max(bar - window, 0) : bar].std(ddof=1)
        assert found[bar] == pytest.approx(expected, abs=1e-7)
    cut = len(closes) // 2
    assert return_deviation(closes[:cut], window).tolist() == found[:cut].tolist()


def test_a_model_leaves_something_of_the_price():
    with pytest.raises(InvalidInput) as caught:
        RunConfig.from_mapping({"slippage": {"model": "volatility", "bps": 6_000, "window": 1}})
    assert {one.path for one in caught.value.details} == {"slippage.window"}
    with pytest.raises(InvalidInput) as caught:
        RunConfig.from_mapping({"slippage": {"model": "volatility", "bps": 6_000}})
    assert {one.path: one.code for one in caught.value.details} == {"slippage.bps": "conflict"}
    wild = play(flat(1, 1_000, 1, 1_000, 1, 1), long(4, **hundred(1)), slippage={
        "model": "volatility", "impact": 1.0})  # fmt: skip
    assert wild.fills["price"][0] == 1.5
