"""A venue that does not answer costs its own accounts a time-out, and others nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.adapters.base import OutcomeUnknown, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.asking import orders_find
from brokers.canceling import orders_cancel, orders_pend
from brokers.choices import AssetType, OrderStatus, Side
from brokers.models import BrokerAccount, Order
from brokers.recording import venue_order_known
from core.errors import Permanent
from tests.venue.direct import DirectBroker

pytestmark = pytest.mark.django_db


class Silent(DirectBroker):
    """Answers nobody before the others have been answered."""

    def __init__(self):
        super().__init__()
        self.asked = 0
        self.others_answered = threading.Event()

    def find(self, access, ref):
        self.asked += 1
        assert self.others_answered.wait(10)
        raise OutcomeUnknown("no answer")


@pytest.fixture
def brokers(monkeypatch):
    silent, quick = Silent(), DirectBroker()
    monkeypatch.setitem(ADAPTERS._made, "alpaca", silent)
    monkeypatch.setitem(ADAPTERS._made, "binance", quick)
    return silent, quick


def orders_at(user, kind, count):
    account = BrokerAccount.objects.create(owner=user, kind=kind, name=kind)
    return [
        Order.objects.create(
            owner=user, account=account, client_order_id=f"{kind}-{n}", symbol="ACME",
            asset_type=AssetType.STOCK, side=Side.BUY, quantity=Decimal(1),
            status=OrderStatus.ACCEPTED,
        )
        for n in range(count)
    ]  # fmt: skip


def test_a_broker_that_is_silent_holds_up_no_other_and_is_asked_once(user, brokers):
    silent, quick = brokers
    orders = orders_at(user, "alpaca", 3) + orders_at(user, "binance", 2)
    placed = {
        order.client_order_id: quick.exchange.place(
            client_id=order.client_order_id, symbol="ACME", side="buy", type="limit",
            quantity=Decimal(1), limit=Decimal(90),
        )
        for order in orders[3:4]
    }  # fmt: skip
    answers = {}
    for order, answer in orders_find(orders):
        answers[order.client_order_id] = answer
        if len(answers) == 2:
            silent.others_answered.set()
    assert answers["binance-0"].broker_order_id == placed["binance-0"].id
    assert answers["binance-1"] is None
    assert all(isinstance(answers[f"alpaca-{n}"], OutcomeUnknown) for n in range(3))
    assert silent.asked == 1, "who gave no answer is not asked about the next order"


@pytest.fixture
def closed(monkeypatch, user):
    """An order at a broker that has no practice account, of an account that is not live."""
    broker = DirectBroker()
    broker.capabilities = replace(broker.capabilities, practice=False)
    monkeypatch.setitem(ADAPTERS._made, "binance", broker)
    return orders_at(user, "binance", 1)[0]


@pytest.fixture
def opened(monkeypatch, user):
    """An order that waits at another broker."""
    broker = DirectBroker()
    broker.exchange.fills_at_once = False
    monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
    (order,) = orders_at(user, "alpaca", 1)
    there = broker.exchange.place(
        client_id=order.client_order_id, symbol="ACME", side="buy", type="limit",
        quantity=Decimal(1), limit=Decimal(90),
    )  # fmt: skip
    order.broker_order_id = there.id
    order.save()
    return order


def test_an_account_that_cannot_be_opened_is_told_and_holds_up_no_other(closed, opened):
    answers = {order.id: answer for order, answer in orders_find([closed, opened])}
    assert isinstance(answers[closed.id], Permanent)
    assert answers[closed.id].code == "not_live"
    assert answers[opened.id].broker_order_id == opened.broker_order_id


def test_what_cannot_be_canceled_is_as_before_and_the_others_are_canceled(closed, opened):
    orders_cancel(orders_pend(Order.objects.filter(id__in=[closed.id, opened.id])))
    closed.refresh_from_db()
    opened.refresh_from_db()
    assert (closed.status, closed.reason_code) == (OrderStatus.ACCEPTED, "not_live")
    assert opened.status == OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({}, True),
        ({"status": OrderStatus.FILLED}, False),
        ({"broker_order_id": "2"}, False),
    ],
)
def test_what_is_no_news_is_not_written_down(user, told, known):
    (order,) = orders_at(user, "alpaca", 1)
    order.broker_order_id = "1"
    venue = {"broker_order_id": "1", "status": OrderStatus.ACCEPTED} | told
    assert venue_order_known(order=order, venue=VenueOrder(**venue)) is known
