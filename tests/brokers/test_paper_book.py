"""Orders that wait in the paper venue's book, matched with bars as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers import quotes, services
from brokers.changing import order_change
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, PaperExecution, PaperOrder, Position
from brokers.paper import dealing
from brokers.paper.matching import Candle
from brokers.reconciling import account_reconcile
from market.models import Instrument
from market.selectors import LatestPrice

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def bars(monkeypatch):
    """Bars to come; the last price is 100, first of Friday."""
    coming = []

    def latest(*_, **__):
        ts = coming[-1][0] if coming else FRIDAY
        return LatestPrice(symbol="ACME", price=Decimal(100), ts=ts, interval="1d")

    monkeypatch.setattr(quotes, "instrument_price", latest)
    monkeypatch.setattr(
        dealing,
        "bars_after",
        lambda after, **_: [bar for bar in coming if bar[0] > after],
    )

    def add(days, *four):
        bar = Candle(*(Decimal(str(price)) for price in four))
        coming.append((FRIDAY + timedelta(days=days), bar))

    return add


@pytest.fixture
def account(user):
    Instrument.objects.create(symbol="ACME")
    return services.paper_account(owner_id=user.id)


@pytest.fixture
def place(account, bars):
    def make(order_type, side=Side.BUY, **changes):
        order = services.order_create(
            account=account, symbol="ACME", asset_type=AssetType.STOCK, side=side,
            order_type=OrderType(order_type), quantity=Decimal(10),
            **{name: Decimal(str(v)) if "_in_" not in name else v for name, v in changes.items()},
        )  # fmt: skip
        account_send(account_id=account.id)
        return order

    return make


def looked(order):
    account_reconcile(account_id=order.account_id)
    return Order.objects.get(id=order.id)


def test_a_limit_order_waits_for_its_price(place, bars):
    order = place("limit", limit_price=97)
    assert looked(order).status == OrderStatus.ACCEPTED
    bars(3, 100, 101, 96, 99)
    order = looked(order)
    assert (order.status, order.average_price) == (OrderStatus.FILLED, 97)
    assert Fill.objects.get().executed_at == FRIDAY + timedelta(days=3)


def test_a_limit_order_that_is_marketable_fills_at_once_at_the_market(place):
    assert looked(place("limit", limit_price=103)).average_price == 100


def test_an_order_for_the_day_expires_after_the_next_session(place, bars):
    order = place("limit", limit_price=90)
    keeps = place("limit", limit_price=90, time_in_force=TimeInForce.GTC)
    bars(3, 100, 101, 99, 100)
    bars(4, 100, 101, 89, 100)
    assert looked(order).status == OrderStatus.EXPIRED
    assert looked(keeps).status == OrderStatus.FILLED


@pytest.mark.parametrize(
    ("timezone", "calendar", "hours"),
    [
        # In summer Sydney opens at 23:00 and closes at 05:00 of the next day, by UTC.
        ("Australia/Sydney", "XASX", (23.5, 25, 49)),
        ("UTC", "24/7", (1, 23, 25)),
    ],
)
def test_an_order_for_the_day_is_for_the_exchanges_day(place, bars, timezone, calendar, hours):
    Instrument.objects.update(timezone=timezone, calendar=calendar)
    BrokerAccount.objects.update(paper_terms={"interval": "30m"})
    order = place("limit", limit_price=90)
    monday = 3
    for hour, status in zip(hours, ("accepted", "accepted", "expired"), strict=True):
        bars(monday + hour / 24, 100, 101, 99, 100)
        assert looked(order).status == status, hour


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_at_once_or_not_at_all(place, time_in_force):
    order = place("limit", limit_price=90, time_in_force=time_in_force)
    assert looked(order).status == OrderStatus.CANCELED
    order = place("limit", limit_price=110, time_in_force=time_in_force)
    assert looked(order).status == OrderStatus.FILLED


def test_a_trailing_stop_closes_a_position(place, bars):
    looked(place("market"))
    order = place("trailing_stop", Side.SELL, trail_fraction="0.05", time_in_force=TimeInForce.GTC)
    bars(3, 100, 120, 99, 118)
    bars(4, 118, 119, 113, 115)
    assert looked(order).average_price == 114, "120 less 5 %"
    assert Position.objects.get().quantity == 0


def test_a_waiting_order_that_cannot_be_paid_any_more_is_rejected(place, bars, account):
    order = place("stop", stop_price=110)
    BrokerAccount.objects.update(initial_cash=Decimal(1000))
    bars(3, 110, 111, 109, 110)
    assert looked(order).status == OrderStatus.REJECTED


def test_a_waiting_order_is_changed_and_canceled(place):
    order = place("limit", limit_price=90)
    services.order_replace(order=order, limit_price=Decimal(91))
    order_change(order_id=order.id)
    order = looked(order)
    assert (order.status, order.limit_price) == (OrderStatus.ACCEPTED, 91)
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    assert looked(order).status == OrderStatus.CANCELED


def test_a_trailing_stop_of_which_less_is_wanted_keeps_its_stop(place, bars):
    looked(place("market"))
    order = place("trailing_stop", Side.SELL, trail_amount=5, time_in_force=TimeInForce.GTC)
    services.order_replace(order=order, quantity=Decimal(4))
    order_change(order_id=order.id)
    bars(3, 100, 120, 99, 118)
    assert looked(order).quantity == 4
    bars(4, 118, 119, 113, 115)
    assert looked(order).average_price == 115
    assert Position.objects.get().quantity == 6


def test_an_order_that_cannot_be_matched_costs_no_other_its_fill(place, bars):
    broken, other = (place("limit", limit_price=97) for _ in range(2))
    PaperOrder.objects.filter(client_order_id=broken.client_order_id).update(limit_price=None)
    bars(3, 100, 101, 96, 99)
    assert looked(other).status == OrderStatus.FILLED
    assert looked(broken).status == OrderStatus.ACCEPTED
    services.order_cancel(order=broken)
    order_change(order_id=broken.id)
    assert looked(broken).status == OrderStatus.CANCELED


def test_what_costs_more_than_can_be_booked_is_refused_alone(place, account):
    BrokerAccount.objects.update(paper_terms={"taker": "0.5"})
    for _ in range(2):
        services.order_create(
            account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.SHORT,
            order_type=OrderType.MARKET, quantity=Decimal(10) ** 15,
        )  # fmt: skip
    small = place("market", Side.SHORT)
    assert looked(small).status == OrderStatus.FILLED
    refused = set(Order.objects.exclude(id=small.id).values_list("status", "reason_code"))
    assert refused == {(OrderStatus.REJECTED, "out_of_range")}


def test_replaying_history_a_market_order_fills_at_the_next_open(place, bars, account):
    BrokerAccount.objects.update(paper_terms={"fill": "next_open", "slippage_bps": "10"})
    order = place("market")
    assert looked(order).status == OrderStatus.ACCEPTED
    bars(3, 102, 103, 101, 102)
    order = looked(order)
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal("102.102"))


def test_an_order_that_rests_pays_as_maker_and_one_at_the_market_as_taker(place, bars, account):
    costs = {"maker": "0.001", "taker": "0.004", "sell_per_order": "3"}
    BrokerAccount.objects.update(paper_terms=costs)
    at_market = looked(place("market"))
    assert PaperExecution.objects.get().commission == Decimal("0.004") * at_market.quantity * 100
    waiting = place("limit", limit_price=90)
    bars(3, 100, 101, 89, 100)
    assert looked(waiting).status == OrderStatus.FILLED
    last = PaperExecution.objects.latest("id")
    assert last.commission == Decimal("0.001") * waiting.quantity * 90


def test_a_limit_that_the_next_open_fills_takes_where_orders_fill_at_opens(place, bars, account):
    terms = {"fill": "next_open", "maker": "0.001", "taker": "0.004"}
    BrokerAccount.objects.update(paper_terms=terms)
    order = place("limit", limit_price=90)
    bars(3, 80, 85, 79, 84)
    assert looked(order).average_price == 80
    assert PaperExecution.objects.get().commission == Decimal("0.004") * order.quantity * 80
