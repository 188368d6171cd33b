"""Our own venue keeps the promises of every adapter; its book is looked at through its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from brokers import quotes
from brokers.adapters.base import Access, Refused
from brokers.adapters.paper import PaperBroker
from brokers.choices import SIGN, Side
from brokers.models import BrokerAccount, PaperOrder
from market.models import Instrument
from market.selectors import LatestPrice
from tests.venue.conformance import Conformance

pytestmark = pytest.mark.django_db


class Book:
    """The paper venue's rows as the matching engine of the other venues shows its own."""

    url = ""

    def __init__(self):
        self.exchange = self
        self.prices = {}

    @property
    def orders(self):
        return {row.id: _shown(row) for row in PaperOrder.objects.all()}

    def open(self):
        return [order for order in self.orders.values() if order.status == "accepted"]


def _shown(row):
    return SimpleNamespace(
        symbol=row.symbol,
        side="buy" if SIGN[Side(row.side)] > 0 else "sell",
        type=row.order_type,
        quantity=row.quantity,
        limit=row.limit_price,
        stop=row.stop_price,
        status=row.status,
    )


@pytest.fixture
def venue(monkeypatch):
    book = Book()

    def latest(instrument, **_):
        at, symbol = datetime(2026, 1, 2, tzinfo=UTC), instrument.symbol
        return LatestPrice(symbol=symbol, price=book.prices[symbol], ts=at, interval="1d")

    monkeypatch.setattr(quotes, "instrument_price", latest)
    return book


@pytest.fixture
def broker():
    return PaperBroker()


class TestPaper(Conformance):
    kind = "paper"

    def test_who_is_long_and_who_is_short_of_a_symbol_keep_out_of_each_others_way(
        self, broker, venue, access, order
    ):
        sides = ((Side.BUY, 10), (Side.SHORT, 4), (Side.SELL, 10), (Side.COVER, 4))
        for side, quantity in sides:
            broker.submit(access, order(side=side, quantity=quantity))
        assert broker.positions(access) == []
        for side in (Side.SELL, Side.COVER):
            with pytest.raises(Refused):
                broker.submit(access, order(side=side, quantity=1))

    @pytest.fixture
    def access(self, user):
        Instrument.objects.create(symbol="ACME")
        account = BrokerAccount.objects.create(
            owner=user, kind="paper", name="Paper", initial_cash=Decimal(1_000_000)
        )
        return Access(account_id=account.id)

    def test_its_equity_is_its_money_and_what_it_holds_is_worth(self, broker, venue, access, order):
        broker.submit(access, order())
        broker.submit(access, order(side=Side.SELL, quantity=4))
        venue.prices["ACME"] = Decimal(110)
        told = broker.balance(access)
        assert (told.cash, told.equity) == (999_400, 1_000_060)
