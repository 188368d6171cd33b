"""The kill switch cancels an account's orders with one call where that meets no other order."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from uuid import uuid4

import pytest

from brokers.access import access_of, credentials_seal, request_of
from brokers.adapters.alpaca import AlpacaBroker
from brokers.adapters.pace import pace_of
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, Fill, Order
from brokers.services.stopping import kill_switch
from tests.venue.alpaca import AlpacaVenue
from tests.venue.exchange import Refusal

pytestmark = pytest.mark.django_db
ORDERS = 20
ALL = ("DELETE", "/v2/orders")


@pytest.fixture
def venue(settings):
    settings.BROKER_TIMEOUT_S = 0.5
    settings.BROKER_RATES = {}
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        venue.exchange.prices["ACME"] = Decimal(100)
        yield venue


@pytest.fixture
def account(user, venue):
    account = BrokerAccount(owner=user, kind="alpaca", name="One", live=True)
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    return account


@pytest.fixture
def waiting(account, venue):
    def place(count=ORDERS):
        placed = [
            Order.objects.create(
                owner=account.owner, account=account, client_order_id=str(uuid4()), symbol="ACME",
                asset_type=AssetType.STOCK, side=Side.BUY, order_type=OrderType.LIMIT,
                quantity=Decimal(10), limit_price=Decimal(90), status=OrderStatus.ACCEPTED,
            )
            for _ in range(count)
        ]  # fmt: skip
        for order in placed:
            told = AlpacaBroker().submit(access_of(account), request_of(order))
            order.broker_order_id = told.broker_order_id
            order.save()
        venue.requests.clear()
        return placed

    return place


def stopped(account):
    done = kill_switch(account_ids=[account.id], reason="test")
    account.refresh_from_db()
    assert account.state == AccountState.HALTED
    return done


def statuses(orders):
    found = Order.objects.in_bulk([order.id for order in orders])
    return [found[order.id].status for order in orders]


def test_all_orders_of_an_account_are_canceled_with_three_calls(account, venue, waiting):
    placed = waiting()
    done = stopped(account)
    assert (done.canceled, done.pending) == (ORDERS, 0)
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
    assert not venue.exchange.open()
    assert venue.requests == [("GET", "/v2/orders"), ALL, ("GET", "/v2/orders")]


def test_an_order_of_somebody_else_is_not_canceled_with_them(account, venue, waiting):
    placed = waiting(6)
    other = venue.exchange.place(
        client_id="theirs", symbol="ACME", side="sell", type="limit", quantity=Decimal(1),
        limit=Decimal(120),
    )  # fmt: skip
    done = stopped(account)
    assert (done.canceled, done.pending) == (6, 0)
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
    assert venue.exchange.open() == [other]
    assert ALL not in venue.requests


def test_an_order_that_is_being_sent_is_canceled_with_them(account, venue, waiting):
    placed = waiting(6)
    Order.objects.filter(id=placed[0].id).update(status=OrderStatus.SUBMITTING, broker_order_id="")
    assert stopped(account).pending == 1
    assert statuses(placed) == [OrderStatus.SUBMITTING, *[OrderStatus.CANCELED] * 5]
    assert not venue.exchange.open()
    assert ALL in venue.requests


def test_a_few_orders_are_canceled_one_by_one(account, venue, waiting):
    placed = waiting(2)
    assert stopped(account).canceled == 2
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
    assert ALL not in venue.requests


def test_what_was_filled_before_keeps_its_fills(account, venue, waiting):
    placed = waiting(6)
    venue.exchange.fill(venue.exchange.get(placed[0].broker_order_id), 4, "90")
    venue.exchange.fill(venue.exchange.get(placed[1].broker_order_id), 10, "90")
    assert stopped(account).pending == 0
    found = statuses(placed)
    assert found == [OrderStatus.CANCELED, OrderStatus.FILLED, *[OrderStatus.CANCELED] * 4]
    filled = Fill.objects.filter(order__in=placed).values_list("order_id", "quantity")
    assert dict(filled) == {placed[0].id: 4, placed[1].id: 10}
    assert ALL in venue.requests


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_before"])
def test_without_an_answer_orders_are_canceled_one_by_one(account, venue, waiting, fault):
    placed = waiting(6)
    venue.faults.next("cancel", fault)
    assert stopped(account).pending == 0
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
    assert not venue.exchange.open()


def test_one_that_does_not_go_is_asked_for_again(account, venue, waiting):
    placed = waiting(6)
    cancel, tries = venue.exchange.cancel, []

    def stubborn(order_id):
        if order_id == placed[3].broker_order_id and not tries:
            tries.append(order_id)
            raise Refusal("late", "not cancelable")
        return cancel(order_id)

    venue.exchange.cancel = stubborn
    assert stopped(account).pending == 0
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
    assert venue.requests.count(("DELETE", f"/v2/orders/{placed[3].broker_order_id}")) == 1


def test_a_cancel_that_takes_its_time_stays_pending(account, venue, waiting):
    placed = waiting(6)
    cancel = venue.exchange.cancel
    slow = placed[2].broker_order_id
    venue.exchange.cancel = lambda order_id: order_id == slow or cancel(order_id)
    done = stopped(account)
    assert (done.canceled, done.pending) == (5, 1)
    assert statuses(placed)[2] == OrderStatus.PENDING_CANCEL
    closed = ("GET", "/v2/orders")
    assert venue.requests == [closed, ALL, closed, closed], "looked for twice, and left to others"


def test_an_order_whose_outcome_is_unknown_is_looked_for_and_canceled(account, venue, waiting):
    placed = waiting(6)
    Order.objects.filter(id=placed[0].id).update(status=OrderStatus.UNKNOWN, broker_order_id="")
    assert stopped(account).pending == 0
    assert set(statuses(placed)) == {OrderStatus.CANCELED}


def test_a_list_that_may_be_cut_off_proves_nothing(account, venue, waiting, monkeypatch):
    monkeypatch.setattr("brokers.adapters.alpaca.MOST_ORDERS", 6)
    waiting(6)
    assert stopped(account).canceled == 6
    assert ALL not in venue.requests


def test_a_kill_switch_waits_for_no_place_in_the_rate(account, venue, waiting, settings):
    placed = waiting()
    settings.BROKER_RATES = {"alpaca": 1}
    pace = pace_of("alpaca")
    for _ in range(3):  # what a sender asks at the same time has the places of some seconds
        threading.Thread(target=pace.wait, args=(account.id,), daemon=True).start()
    time.sleep(0.1)
    began = time.monotonic()
    assert stopped(account).pending == 0
    assert time.monotonic() - began < 1.0
    assert set(statuses(placed)) == {OrderStatus.CANCELED}
