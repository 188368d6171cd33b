"""What a fill does to a position, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.recording import position_after


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
