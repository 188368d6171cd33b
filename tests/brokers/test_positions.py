"""What a fill does to a position, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.adapters.base import VenuePosition
from brokers.adapters.binance import coin_of
from brokers.adapters.indian import name_of
from brokers.deployments.booking import units_kept
from brokers.fungible import positions_named
from brokers.models import Fill
from brokers.moving import position_after


@pytest.mark.parametrize(
    ("held", "average", "fill", "price", "after"),
    [
        # opening, long and short
        ("0", "0", "10", "100", ("10", "100", "0")),
        ("0", "0", "-10", "100", ("-10", "100", "0")),
        # adding averages: (10 x 100 + 30 x 120) / 40 = 115
        ("10", "100", "30", "120", ("40", "115", "0")),
        ("-10", "100", "-30", "120", ("-40", "115", "0")),
        # reducing realises the difference and keeps the average
        ("40", "115", "-10", "125", ("30", "115", "100")),
        ("-40", "115", "10", "105", ("-30", "115", "100")),
        # closing
        ("30", "115", "-30", "110", ("0", "0", "-150")),
        # crossing zero: 10 closed at +5 each, 20 opened short at 120
        ("10", "115", "-30", "120", ("-20", "120", "50")),
        ("-10", "115", "30", "120", ("20", "120", "-50")),
    ],
)
def test_quantity_average_and_realised_profit(held, average, fill, price, after):
    found = position_after(
        quantity=Decimal(held),
        average_price=Decimal(average),
        fill_quantity=Decimal(fill),
        fill_price=Decimal(price),
    )
    assert found == tuple(Decimal(value) for value in after)


amounts = st.integers(-1000, 1000).filter(bool).map(Decimal)
prices = st.integers(1, 10_000).map(Decimal)


@given(st.lists(st.tuples(amounts, prices), min_size=1, max_size=30))
def test_profit_is_what_the_cash_says_however_the_fills_come(fills):
    quantity, average, realized = Decimal(0), Decimal(0), Decimal(0)
    cash = Decimal(0)
    for amount, price in fills:
        quantity, average, gained = position_after(
            quantity=quantity, average_price=average, fill_quantity=amount, fill_price=price
        )
        realized += gained
        cash -= amount * price
    last = fills[-1][1]
    open_profit = quantity * (last - average)
    assert abs(cash + quantity * last - (realized + open_profit)) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("quantity", "taken", "lot", "kept"),
    [
        ("1", "0", "0.001", "1"),
        ("1.2345", "0", "0.001", "1.2345"),  # nothing was taken: as it was filled
        ("1", "0.001", "0.001", "0.999"),
        ("1.234", "0.001234", "0.001", "1.232"),  # 1.232766 are 1232 lots, and a rest
        ("0.001", "0.000001", "0.001", "0.000999"),  # less than a lot is kept as it is
        ("3", "0.003", "1", "2.997"),  # a lot that nobody knows
    ],
)
def test_what_a_commission_leaves_is_booked_in_lots_that_can_be_sold(quantity, taken, lot, kept):
    fill = Fill(quantity=Decimal(quantity), taken=Decimal(taken))
    assert units_kept(fill, Decimal(lot)) == Decimal(kept)


@pytest.mark.parametrize(
    ("held", "ours", "named"),
    [
        # a wallet has coins: those of two pairs, some of which are gone, or more
        ({"BTC/USDT": 3}, {"BTC/EUR": 1, "BTC/USDT": 2}, {"BTC/EUR": 1, "BTC/USDT": 2}),
        ({"BTC/USDT": 2.5}, {"BTC/EUR": 1, "BTC/USDT": 2}, {"BTC/EUR": 1, "BTC/USDT": 1.5}),
        ({"BTC/USDT": 0.5}, {"BTC/EUR": 1, "BTC/USDT": 2}, {"BTC/EUR": 0.5, "BTC/USDT": 0}),
        ({"ETH/USDT": 5}, {"BTC/EUR": 1}, {"ETH/USDT": 5}),
        # shares are held at no exchange; sold short they are within the day
        ({"ACME.BO": 10}, {"ACME.NS": 10}, {"ACME.NS": 10}),
        ({"ACME.BO": 10, "ACME.NS": 5}, {"ACME.NS": 15}, {"ACME.NS": 15}),
        ({"ACME.NS": -5}, {"ACME.BO": -2, "ACME.NS": -3}, {"ACME.BO": -2, "ACME.NS": -3}),
        ({"ACME.NS": 4}, {"ACME.BO": -1, "ACME.NS": 5}, {"ACME.BO": 0, "ACME.NS": 4}),
        ({"A.B": 1, "A.C": 2}, {"A.B": 1}, {"A.B": 1, "A.C": 2}),
    ],
)
def test_what_is_held_is_called_as_our_positions_are(held, ours, named):
    alike = coin_of if any("/" in symbol for symbol in held) else name_of
    rows = [VenuePosition(symbol, Decimal(str(n)), Decimal(0)) for symbol, n in held.items()]
    found = positions_named(rows, {symbol: Decimal(n) for symbol, n in ours.items()}, alike)
    assert {row.symbol: float(row.quantity) for row in found} == named
