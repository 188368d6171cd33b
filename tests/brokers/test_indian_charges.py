"""What brokers in India charge, which they tell after the trades, through the whole path."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.access import credentials_seal
from brokers.adapters.base import Execution
from brokers.adapters.indian_charges import charges_shared
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, Fill, Position
from brokers.reconciling import account_reconcile
from brokers.resolving import accounts_follow
from brokers.services.orders import order_create
from market.models import Instrument
from tests.brokers.ordering import fresh, sent
from tests.venue.dhan import DhanVenue
from tests.venue.options import LOT, NEAR, Listed, indian, indian_name
from tests.venue.zerodha import ZerodhaVenue

D = Decimal
KEYS = {
    "zerodha": (ZerodhaVenue, {"api_key": "key", "access_token": "token"}),
    "dhan": (DhanVenue, {"client_id": "1000", "access_token": "token"}),
}


@pytest.fixture
def connect(user, settings):
    opened = []

    def make(kind):
        venue = KEYS[kind][0]()
        opened.append(venue.running())
        opened[-1].__enter__()
        settings.BROKER_URLS, settings.BROKER_RATES = {kind: venue.url}, {}
        venue.exchange.prices["ACME"] = D(100)
        venue.exchange.list(indian(), indian_name)
        venue.charges = True
        Instrument.objects.create(symbol="ACME.NS", currency="INR", contract_size=D(LOT))
        account = BrokerAccount(owner=user, kind=kind, name="India", live=True)
        account.sealed = credentials_seal(account, KEYS[kind][1])
        account.save()
        account_reconcile(account_id=account.id)
        account.refresh_from_db()
        return account, venue

    yield make
    for venue in opened:
        venue.__exit__(None, None, None)


def ordered(account, symbol="ACME.NS", asset_type=AssetType.STOCK, quantity=30, limit=None):
    return sent(
        order_create(
            account=account, symbol=symbol, asset_type=asset_type, side=Side.BUY,
            order_type=OrderType.LIMIT if limit else OrderType.MARKET, quantity=D(quantity),
            limit_price=None if limit is None else D(limit),
        )
    )  # fmt: skip


def known(account):
    rows = Fill.objects.filter(account=account).order_by("quantity")
    return [fill.commission for fill in rows]


def execution(number, quantity, price):
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Execution(f"x{number}", D(quantity), D(price), None, at)


def test_charges_are_borne_by_value_and_add_up():
    rows = [execution(1, 1, 100), execution(2, 2, 100), execution(3, 1, 300)]
    assert charges_shared(D(60), D(4), rows, lot=1) == {"x1": 10, "x2": 20, "x3": 30}
    thirds = charges_shared(D(10), D(3), [execution(one, 1, 7) for one in range(3)], lot=1)
    assert thirds == {"x0": D("3.33333333"), "x1": D("3.33333333"), "x2": D("3.33333334")}


@pytest.mark.parametrize(("total", "units"), [(60, 5), (60, 3), (0, 4), (60, 200)])
def test_what_is_not_reckoned_or_of_other_trades_is_not_known(total, units):
    rows = [execution(1, 1, 100), execution(2, 3, 100)]
    assert charges_shared(D(total), D(units), rows, lot=1) == {}
    assert charges_shared(D(60), D(200), rows, lot=50) == {"x1": 15, "x2": 45}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "charged"),
    # 20 for the order and 0.1 % of 3000; 0.06 %
    [("zerodha", D(23)), ("dhan", D("1.8"))],
)
def test_a_purchase_is_charged_for_once_it_is_told(connect, kind, charged):
    account, _ = connect(kind)
    ordered(account)
    accounts_follow(account_ids=[account.id])
    assert known(account) == [None]
    for _ in range(2):
        account_reconcile(account_id=account.id)
        assert known(account) == [charged]
        assert Position.objects.get(account=account).realized_pnl == -charged


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "charged"),
    # 20 and 0.1 % of 10 x 95 + 20 x 94; 0.06 % of it; both by value, 950 to 1880
    [
        ("zerodha", [D("22.83") * 950 / 2830, D("22.83") * 1880 / 2830]),
        ("dhan", [D("0.57"), D("1.128")]),
    ],
)
def test_an_order_that_was_filled_in_parts_is_charged_for_when_it_is_over(connect, kind, charged):
    account, venue = connect(kind)
    order = ordered(account, limit=96)
    (there,) = venue.exchange.orders.values()
    venue.charges = kind == "zerodha"  # a note is made of anything
    venue.exchange.fill(there, 10, "95")
    account_reconcile(account_id=account.id)
    assert known(account) == [None]
    venue.exchange.fill(there, 20, "94")
    venue.charges = True
    for _ in range(2):
        account_reconcile(account_id=account.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert known(account) == pytest.approx(charged)
    assert Position.objects.get(account=account).realized_pnl == -sum(known(account))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "charged"),
    # two lots at 2.5: 20 and 0.1 %; 0.06 %
    [("zerodha", 20 + D(5) * LOT / 1000), ("dhan", D(5) * LOT * 6 / 10_000)],
)
def test_contracts_are_counted_in_lots_and_charged_for_in_units(connect, kind, charged):
    account, _ = connect(kind)
    symbol = Listed("ACME.NS", NEAR, "P", D(100)).symbol
    ordered(account, symbol, AssetType.OPTION, 2, limit=3)
    for _ in range(2):
        account_reconcile(account_id=account.id)
    assert known(account) == [charged]


@pytest.mark.django_db
def test_a_statement_is_read_to_its_end_and_orders_are_told_apart(connect):
    account, venue = connect("dhan")
    for quantity in (1, 2, 3, 4, 5):
        ordered(account, quantity=quantity)
    accounts_follow(account_ids=[account.id])
    account_reconcile(account_id=account.id)
    assert known(account) == [D(quantity) * 6 / 100 for quantity in (1, 2, 3, 4, 5)]
    pages = [path for _, path in venue.requests if path.count("/") == 4 and "/trades/" in path]
    assert [path.rpartition("/")[2] for path in pages] == ["0", "1", "2", "3"]


@pytest.mark.django_db
def test_a_note_of_another_order_is_not_taken_for_this_ones(connect, monkeypatch):
    account, _ = connect("zerodha")
    ordered(account)
    right = ZerodhaVenue.note
    monkeypatch.setattr(
        ZerodhaVenue, "note", lambda self, asked: right(self, asked) | {"tradingsymbol": "OTHER"}
    )
    assert account_reconcile(account_id=account.id)
    assert known(account) == [None]
