"""Maker and taker, levies, and the schedules of brokers, with numbers worked out by hand."""

from __future__ import annotations

import pytest

from core.engine.config import Commission, RunConfig
from core.engine.fees import PRESETS
from core.engine.program import Order, OrderKind, Price, PriceKind, Size, SizeKind
from core.errors import InvalidInput
from tests.engine.scenario import close, flat, long, market, percent, play, short

TEN = {"size": Size(SizeKind.UNITS, 10)}
MAKER_TAKER = {"maker": 0.001, "taker": 0.004}


def limit(price):
    return Order(OrderKind.LIMIT, limit=Price(PriceKind.NUMBER, price))


def fees(*args, **config):
    return play(*args, **config).fills["commission"].tolist()


def test_a_limit_order_that_has_rested_pays_as_maker_and_all_others_as_taker():
    bars = market(
        [(100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 89, 100)] + [(100,) * 4] * 2
    )
    paid = fees(bars, long(0, order=limit(90.0), **TEN), close(3), commission=MAKER_TAKER)
    assert paid == pytest.approx([0.9, 4.0])
    assert fees(flat(*[100] * 4), long(0, **TEN), close(1), commission=MAKER_TAKER) == [4.0, 4.0]


def test_a_limit_order_that_the_next_open_fills_takes():
    bars = flat(100, 80, 80, 80)
    assert fees(bars, long(0, order=limit(90.0), **TEN), commission=MAKER_TAKER)[0] == 3.2
    later = flat(100, 100, 80, 80)
    assert fees(later, long(0, order=limit(90.0), **TEN), commission=MAKER_TAKER)[0] == 0.8


def test_a_stop_limit_order_rests_only_once_it_is_triggered():
    order = Order(
        OrderKind.STOP_LIMIT,
        limit=Price(PriceKind.NUMBER, 104.0),
        stop=Price(PriceKind.NUMBER, 105.0),
    )
    enter = long(0, order=order, **TEN)
    at_once = market([(100,) * 4, (100, 106, 99, 103), (100,) * 4])
    assert fees(at_once, enter, commission=MAKER_TAKER)[0] == pytest.approx(4.16)
    later = market([(100,) * 4, (100, 106, 99, 106), (106, 106, 103, 104), (104,) * 4])
    assert fees(later, enter, commission=MAKER_TAKER)[0] == pytest.approx(1.04)


def test_a_take_profit_rests_and_a_stop_loss_does_not():
    guards = {"take_profit": percent(0.1), "stop_loss": percent(0.1)}
    up = market([(100,) * 4, (100,) * 4, (100, 111, 100, 110)])
    assert fees(up, long(0, **TEN, **guards), commission=MAKER_TAKER) == pytest.approx([4.0, 1.1])
    down = market([(100,) * 4, (100,) * 4, (100, 100, 89, 90)])
    assert fees(down, long(0, **TEN, **guards), commission=MAKER_TAKER) == pytest.approx([4.0, 3.6])


def test_an_exit_at_a_limit_rests():
    bars = market([(100,) * 4] * 3 + [(100, 111, 100, 105)] + [(105,) * 4])
    leave = close(1, order=limit(110.0))
    paid = fees(bars, long(0, **TEN), leave, commission=MAKER_TAKER)
    assert paid == pytest.approx([4.0, 1.1])


def test_levies_fall_on_their_side_whatever_the_bounds():
    levies = {
        "buy_percent": 0.001,
        "sell_percent": 0.002,
        "sell_per_order": 3,
        "sell_per_unit": 0.1,
    }
    bars = flat(100, 100, 100, 100)
    # 1,000 each way: a purchase 1, a sale 2 + 3 + 1, and a commission of at most 0.5.
    terms = {"per_order": 9, "maximum": 0.5, **levies}
    assert fees(bars, long(0, **TEN), close(1), commission=terms) == pytest.approx([1.5, 6.5])
    assert fees(bars, short(0, **TEN), close(1), commission=terms) == pytest.approx([6.5, 1.5])


def test_a_maximum_by_notional_is_stronger_than_the_minimum():
    terms = {"minimum": 20, "maximum_percent": 0.01}
    assert fees(flat(100, 100, 100), long(0, **TEN), commission=terms)[0] == 10
    assert fees(flat(300, 300, 300), long(0, **TEN), commission=terms)[0] == 20


@pytest.mark.parametrize(
    ("terms", "units"),
    [
        ({"buy_percent": 0.01}, 10_000 / 101),
        ({"buy_percent": 0.01, "percent": 0.01}, 10_000 / 102),
        ({"minimum": 500, "maximum_percent": 0.01}, 10_000 / 101),
        ({"minimum": 500, "maximum_percent": 0.1}, 95),
    ],
)
def test_the_money_of_an_order_pays_for_its_levies(terms, units):
    result = play(flat(100, 100, 100), long(0), commission=terms, fractional=True)
    assert result.fills["quantity"][0] == pytest.approx(units)


def test_a_short_sale_of_all_equity_pays_for_its_levies():
    terms = {"sell_percent": 0.02, "sell_per_order": 100, "sell_per_unit": 1}
    result = play(flat(100, 100, 100), short(0), commission=terms, fractional=True)
    assert result.fills["quantity"][0] == pytest.approx((10_000 - 100) / (100 + 2 + 1))


@pytest.mark.parametrize(
    ("preset", "bought", "sold"),
    [
        ("alpaca", 0.0265, 0.0265 + 0.166),
        ("interactive_brokers_fixed", 5.0, 5.0 + 0.166),
        ("interactive_brokers_tiered", 3.5, 3.5 + 0.166),
        # 100,000 each way; of NSE and SEBI 3.17 and the tax on it.
        ("zerodha", 100 + 15 + 3.7406, 100 + 3.7406 + 15.34),
        ("zerodha_intraday", 23.6 + 3 + 3.7406, 23.6 + 25 + 3.7406),
        ("dhan", 100 + 15 + 3.7406, 100 + 3.7406 + 14.75),
        ("dhan_intraday", 23.6 + 3 + 3.7406, 23.6 + 25 + 3.7406),
        ("binance", 100.0, 100.0),
    ],
)
def test_presets_charge_what_their_schedule_says(preset, bought, sold):
    thousand = Size(SizeKind.UNITS, 1_000)
    paid = fees(
        flat(100, 100, 100, 100),
        long(0, size=thousand),
        close(1),
        cash=200_000,
        commission={"preset": preset},
    )
    assert paid == pytest.approx([bought, sold])


@pytest.mark.parametrize(
    ("units", "price", "fee"), [(100, 25, 1.0), (1_000, 25, 5.0), (1_000, 0.25, 2.5)]
)
def test_interactive_brokers_own_examples_of_fixed_commissions(units, price, fee):
    size = Size(SizeKind.UNITS, units)
    fixed = {"commission": {"preset": "interactive_brokers_fixed"}, "cash": 100_000}
    assert fees(flat(*[price] * 3), long(0, size=size), **fixed)[0] == pytest.approx(fee)


def test_small_orders_pay_what_each_schedule_says():
    """Ten shares at 50: what a bill would say, before anybody rounds it to cents."""
    ten = Size(SizeKind.UNITS, 10)
    bills = {
        "interactive_brokers_tiered": (0.35, 0.35 + 0.00166),
        "zerodha": (0.5 + 0.075 + 0.018703, 0.5 + 0.018703 + 15.34),
        "zerodha_intraday": (0.177 + 0.015 + 0.018703, 0.177 + 0.125 + 0.018703),
        "dhan": (0.5 + 0.075 + 0.018703, 0.5 + 0.018703 + 14.75),
        "binance": (0.5, 0.5),
    }
    for preset, paid in bills.items():
        found = fees(flat(*[50] * 4), long(0, size=ten), close(1), commission={"preset": preset})
        assert found == pytest.approx(paid, abs=1e-6), preset


def test_small_orders_at_interactive_brokers_pay_the_minimum_up_to_one_percent():
    fixed = {"commission": {"preset": "interactive_brokers_fixed"}}
    assert fees(flat(100, 100, 100), long(0, **TEN), **fixed)[0] == 1.0
    assert fees(flat(5, 5, 5), long(0, **TEN), **fixed)[0] == 0.5


def test_a_key_beside_a_preset_replaces_its_own():
    read = Commission.from_mapping({"preset": "interactive_brokers_fixed", "minimum": 2.0})
    assert (read.per_unit, read.minimum, read.preset) == (0.005, 2.0, "interactive_brokers_fixed")
    cleared = Commission.from_mapping({"preset": "binance", "maker": None, "taker": 0.0005})
    assert (cleared.maker, cleared.taker) == (None, 0.0005)
    # What is stored holds the numbers, and not the name alone.
    assert read.as_dict()["per_unit"] == 0.005
    assert Commission.from_mapping(read.as_dict()) == read


def test_every_preset_is_a_choice_and_every_choice_a_preset():
    assert Commission.from_mapping({}).preset == "none"
    for name in PRESETS:
        assert Commission.from_mapping({"preset": name}).preset == name
    with pytest.raises(InvalidInput) as caught:
        RunConfig.from_mapping({"commission": {"preset": "robinhood", "maker": -1}})
    found = {detail.path: detail.code for detail in caught.value.details}
    assert found == {"commission.preset": "unknown_choice", "commission.maker": "out_of_range"}
    (known,) = [one.expected for one in caught.value.details if one.code == "unknown_choice"]
    assert set(known.split(", ")) == {"none", *PRESETS}


def test_the_reference_takes_only_what_backtesting_py_has():
    with pytest.raises(InvalidInput) as caught:
        RunConfig.from_mapping(
            {
                "profile": "reference",
                "commission": {"preset": "binance", "buy_percent": 0.1},
                "slippage": {"model": "volatility"},
                "borrow_rate": 0.1,
                "financing_rate": 0.1,
            }
        )
    assert {detail.path for detail in caught.value.details} == {
        *("commission.maker", "commission.taker", "commission.buy_percent"),
        *("slippage.model", "borrow_rate", "financing_rate"),
    }
