"""Options through the whole order path, at every broker that has them: what we say that was earned
is what the broker's money says."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from brokers import services
from brokers.access import credentials_seal
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Position
from brokers.reconciling import account_reconcile
from market.models import Instrument
from tests.venue.alpaca import AlpacaVenue
from tests.venue.dhan import DhanVenue
from tests.venue.interactive_brokers import ACCOUNT, GatewayVenue
from tests.venue.options import LOT, NEAR, Listed, indian, indian_name, listed
from tests.venue.zerodha import ZerodhaVenue

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Place:
    kind: str
    venue: type
    credentials: dict
    underlying: str = "ACME"
    size: int = 100
    listing: list = field(default_factory=listed)
    name: object = lambda contract: contract.symbol

    @property
    def symbol(self):
        return Listed(self.underlying, NEAR, "P", Decimal(100)).symbol

    @property
    def traded(self):
        return self.name(Listed("ACME", NEAR, "P", Decimal(100)))


INDIAN = {"underlying": "ACME.NS", "size": LOT, "listing": indian(), "name": indian_name}
PLACES = (
    Place("alpaca", AlpacaVenue, {"key_id": "key", "secret": "secret"}),
    Place(
        "interactive_brokers", GatewayVenue,
        {"gateway": "127.0.0.1:7497", "client_id": "1", "account": ACCOUNT},
    ),
    Place("zerodha", ZerodhaVenue, {"api_key": "key", "access_token": "token"}, **INDIAN),
    Place("dhan", DhanVenue, {"client_id": "1000", "access_token": "token"}, **INDIAN),
)  # fmt: skip


@pytest.fixture(params=PLACES, ids=lambda place: place.kind)
def place(request):
    return request.param


@pytest.fixture
def venue(place, settings, monkeypatch):
    # What a broker lists is kept by its adapter, and each test has a venue of its own.
    monkeypatch.setitem(ADAPTERS._made, place.kind, type(ADAPTERS.get(place.kind))())
    with place.venue().running() as venue:
        settings.BROKER_URLS = {place.kind: venue.url}
        settings.BROKER_RATES = {}
        venue.exchange.prices["ACME"] = Decimal(100)
        venue.exchange.list(place.listing, place.name)
        yield venue


@pytest.fixture
def account(user, place, venue):
    Instrument.objects.create(symbol=place.underlying, contract_size=place.size)
    account = BrokerAccount(owner=user, kind=place.kind, name="One", live=True)
    account.sealed = credentials_seal(account, place.credentials)
    account.save()
    return account


@pytest.fixture
def trade(account, place):
    def trade(side, quantity):
        order = services.order_create(
            account=account, symbol=place.symbol, asset_type=AssetType.OPTION, side=side,
            order_type=OrderType.MARKET, quantity=Decimal(quantity),
        )  # fmt: skip
        account_send(account_id=account.id)
        account_reconcile(account_id=account.id)
        order.refresh_from_db()
        account.refresh_from_db()
        return order

    return trade


def test_what_was_earned_is_what_the_broker_paid(account, venue, place, trade):
    account_reconcile(account_id=account.id)
    before = venue.exchange.cash
    assert trade(Side.SHORT, 3).status == OrderStatus.FILLED
    position = Position.objects.get()
    assert (position.symbol, position.quantity) == (place.symbol, -3)
    assert (position.average_price, position.multiplier) == (Decimal("2.5"), place.size)
    venue.exchange.prices[place.traded] = Decimal("1.75")
    assert trade(Side.COVER, 3).status == OrderStatus.FILLED
    position.refresh_from_db()
    assert position.quantity == 0
    assert position.realized_pnl == Decimal("0.75") * 3 * place.size
    assert position.realized_pnl == venue.exchange.cash - before
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])


def test_what_was_held_before_is_taken_over_and_can_be_sold(account, venue, place, trade):
    units = place.size if place.underlying == "ACME.NS" else 1
    venue.exchange.place(
        client_id="", symbol=place.traded, side="buy", type="market", quantity=Decimal(2 * units)
    )
    account_reconcile(account_id=account.id)
    position = Position.objects.get()
    assert (position.symbol, position.quantity) == (place.symbol, 2)
    assert (position.average_price, position.multiplier) == (Decimal("2.5"), place.size)
    assert trade(Side.SELL, 2).status == OrderStatus.FILLED
    position.refresh_from_db()
    assert (position.quantity, account.state) == (0, AccountState.ACTIVE)


def test_a_contract_of_another_size_than_ours_is_never_sent(account, venue, place, trade):
    Instrument.objects.update(contract_size=place.size + 1)
    account_reconcile(account_id=account.id)
    order = trade(Side.SHORT, 1)
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "contract_size")
    assert not venue.exchange.orders
