"""What positions are worth, and how many questions that takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.models import BrokerAccount, Position
from brokers.valuing import Worth, positions_value
from market.models import BarSeries, Instrument
from market.selectors import LatestPrice

LAST = LatestPrice("ACME", Decimal(95), datetime(2026, 1, 5, tzinfo=UTC), "1d")


@pytest.mark.parametrize(
    ("quantity", "multiplier", "value", "profit"),
    [
        (10, 1, 950, -50),  # bought at 100
        (-10, 1, -950, 50),
        (-2, 100, -19_000, 1_000),  # two contracts on a hundred each
    ],
)
def test_a_position_is_worth_its_units_at_the_last_price(quantity, multiplier, value, profit):
    position = Position(
        quantity=Decimal(quantity), multiplier=Decimal(multiplier), average_price=Decimal(100)
    )
    assert Worth.of(position, LAST) == Worth(LAST, Decimal(value), Decimal(profit))


def test_without_a_price_it_is_not_known():
    assert Worth.of(Position(quantity=Decimal(1)), None) == Worth(None, None, None)


@pytest.fixture
def held(user):
    """Twenty positions of which one symbol has no bars, and one other bars of the owner's own."""
    account = BrokerAccount.objects.create(owner=user, kind="paper", name="Paper")
    for number in range(20):
        instrument = Instrument.objects.create(symbol=f"S{number}")
        if number:
            _series(instrument, 100.0 + number)
        Position.objects.create(
            account=account, symbol=instrument.symbol, quantity=Decimal(1), average_price=Decimal(1)
        )
    own = Instrument.objects.create(symbol="S7", owner=user)
    _series(own, 7.0, owner=user, last_ts=LAST.ts + timedelta(days=1))
    return list(Position.objects.order_by("created_at"))


def _series(instrument, close, last_ts=LAST.ts, **of):
    BarSeries.objects.create(
        instrument=instrument, interval="1d", provider="csv", first_ts=LAST.ts, last_ts=last_ts,
        last_close=close, rows=2, **of,
    )  # fmt: skip


@pytest.mark.django_db
def test_many_are_looked_up_together(user, held, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        positions_value(held, owner_id=user.id)
    found = [position.worth.value for position in held]
    assert found[0] is None, "it has no bars"
    assert found[7] == 7, "an owner's own bars, which are later, count"
    assert found[1:7] + found[8:] == [100 + number for number in range(1, 20) if number != 7]
