"""Order updates of brokers on their way into rows: lost, repeated and mixed up on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.adapters.base import Execution, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import (
    LOOK_TASK,
    RECONCILE_TASK,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
)
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, Position
from brokers.services.orders import order_cancel, order_create
from brokers.streams import listening
from brokers.streams.base import Update
from brokers.streams.kinds import STREAMS
from brokers.streams.lines import Heard
from brokers.streams.listening import News
from brokers.streams.taking import orders_look, updates_take
from core.outbox.models import OutboxMessage
from market.models import Instrument

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_memory")]
AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def order(user, venue):
    """An order of ten that waits at the venue, and its account."""
    Instrument.objects.create(symbol="ACME")
    account = BrokerAccount.objects.create(owner=user, kind="alpaca", name="Test")
    order_create(
        account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
        order_type=OrderType.LIMIT, quantity=Decimal(10), limit_price=Decimal(90),
    )  # fmt: skip
    account_send(account_id=account.id)
    found = Order.objects.get()
    assert found.status == OrderStatus.ACCEPTED
    return found


def update(order, status, *executions, filled=None, **changes):
    done = sum((one.quantity for one in executions), Decimal(0)) if filled is None else filled
    venue = VenueOrder(
        broker_order_id=order.broker_order_id, status=status, executions=executions,
        client_order_id=order.client_order_id, symbol="ACME", side=Side.BUY, quantity=Decimal(10),
    )  # fmt: skip
    return order.account_id, Update(replace(venue, **changes), filled=Decimal(done))


def execution(number, quantity, price=90):
    return Execution(f"x{number}", Decimal(quantity), Decimal(price), Decimal(0), AT)


FOUR, SIX = execution(1, 4), execution(2, 6, 89)
PART, FULL = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED


def test_executions_are_fills_once_however_often_and_in_whatever_order_they_come(order):
    first, last = update(order, PART, FOUR), update(order, FULL, SIX, filled=10)
    taken = updates_take([last, first, last, first])
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == (FULL, 10, Decimal("89.4"))
    assert Fill.objects.count() == 2
    assert Position.objects.get().quantity == 10
    # The last one said ten while there were six: that alone may be asked for.
    assert taken.ask <= {order.id}
    assert taken.strange == []


def test_what_a_stream_lost_is_asked_for(order, venue):
    there = venue.exchange.orders[order.broker_order_id]
    venue.exchange.fill(there, 4, "90")
    venue.exchange.fill(there, 6, "89")
    taken = updates_take([update(order, FULL, filled=10)])
    assert taken.ask == {order.id}
    orders_look(taken.ask)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (FULL, 10)


def test_what_is_known_is_not_asked_for(order):
    accepted = update(order, OrderStatus.ACCEPTED)
    assert updates_take([accepted]).ask == set()
    updates_take([update(order, FULL, FOUR, SIX)])
    assert updates_take([accepted, update(order, PART, FOUR)]).ask == set()


def test_a_cancel_by_hand_at_the_broker_ends_the_order_and_late_news_does_not_revive_it(order):
    updates_take([update(order, OrderStatus.CANCELED)])
    taken = updates_take([update(order, OrderStatus.ACCEPTED)])
    order.refresh_from_db()
    assert (order.status, taken.ask) == (OrderStatus.CANCELED, set())
    # Its fills come nevertheless.
    updates_take([update(order, PART, FOUR)])
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELED, 4)


def test_an_order_that_was_refused_is_not_revived_by_a_late_new_but_asked_about(order):
    updates_take([update(order, OrderStatus.REJECTED, reason="margin")])
    order.refresh_from_db()
    assert (order.status, order.reason) == (OrderStatus.REJECTED, "margin")
    taken = updates_take([update(order, OrderStatus.ACCEPTED)])
    order.refresh_from_db()
    assert (order.status, taken.ask) == (OrderStatus.REJECTED, {order.id})


def test_an_order_that_is_found_while_it_is_to_be_canceled_is_canceled(order, venue):
    news = update(order, OrderStatus.ACCEPTED)
    Order.objects.update(status=OrderStatus.UNKNOWN, broker_order_id="")
    order_cancel(order=order)
    taken = updates_take([news])
    assert (Order.objects.get().status, taken.ask) == (OrderStatus.ACCEPTED, {order.id})
    orders_look(taken.ask)
    assert (Order.objects.get().status, venue.exchange.open()) == (OrderStatus.CANCELED, [])


@pytest.mark.parametrize("status", [OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE])
def test_how_a_change_ended_is_not_taken_from_the_stream(order, status):
    Order.objects.filter(id=order.id).update(status=status)
    assert updates_take([update(order, OrderStatus.ACCEPTED)]).ask == set()
    taken = updates_take([update(order, OrderStatus.CANCELED)])
    order.refresh_from_db()
    assert (order.status, taken.ask) == (status, {order.id})
    updates_take([update(order, PART, FOUR)])
    order.refresh_from_db()
    assert order.filled_quantity == 4


def test_a_fill_that_is_told_while_the_order_is_being_sent_counts_once(user, venue):
    Instrument.objects.create(symbol="ACME")
    account = BrokerAccount.objects.create(owner=user, kind="alpaca", name="Test")
    order_create(
        account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
        order_type=OrderType.MARKET, quantity=Decimal(10),
    )  # fmt: skip

    def streamed():
        (there,) = venue.exchange.orders.values()
        (trade,) = there.trades
        sent = Order.objects.get()
        assert (sent.status, sent.broker_order_id) == (OrderStatus.SUBMITTING, "")
        told = Execution(trade.id, trade.quantity, trade.price, Decimal(0), trade.at)
        taken = updates_take([update(sent, FULL, told, broker_order_id=there.id)])
        assert (taken.strange, taken.ask) == ([], set())

    venue.during = streamed
    account_send(account_id=account.id)
    found = Order.objects.get()
    assert (found.status, found.broker_order_id != "") == (FULL, True)
    assert (Fill.objects.count(), Position.objects.get().quantity) == (1, 10)


def test_an_order_of_others_is_waited_for_and_then_the_account_is_reconciled(order, monkeypatch):
    stranger = update(order, PART, FOUR, broker_order_id="99", client_order_id="theirs")
    news = News()
    news.take(Heard([stranger], set()))
    assert not OutboxMessage.objects.filter(task=RECONCILE_TASK).exists()
    monkeypatch.setattr(listening, "STRANGE_FOR_S", 0.0)
    news.take(Heard([], set()))
    assert OutboxMessage.objects.get(task=RECONCILE_TASK).args == [str(order.account_id)]
    news.take(Heard([stranger], set()))
    assert OutboxMessage.objects.filter(task=RECONCILE_TASK).count() == 1, "not for each of them"
    assert Fill.objects.count() == 0


def test_an_update_that_is_faster_than_the_brokers_id_waits_for_it(order):
    Order.objects.filter(id=order.id).update(broker_order_id="")
    early = update(order, PART, FOUR, client_order_id="a-hash-of-it")
    news = News()
    news.take(Heard([early], set()))
    assert Fill.objects.count() == 0
    Order.objects.filter(id=order.id).update(broker_order_id=order.broker_order_id)
    news.take(Heard([], set()))
    assert Fill.objects.get().quantity == 4


def test_a_new_connection_has_the_account_reconciled_and_questions_are_queued(order):
    told = update(order, FULL, filled=10)
    News().take(Heard([told], {order.account_id}))
    sent = dict(OutboxMessage.objects.filter(queue="live").values_list("task", "args"))
    assert sent[LOOK_TASK] == [[str(order.id)]]
    assert sent[RECONCILE_TASK] == [str(order.account_id)]


def test_every_stream_can_be_imported():
    assert sorted(STREAMS.names()) == ["alpaca", "binance", "dhan", "zerodha"]
    assert STREAMS.check() == []
    told = {name for name in ADAPTERS.names() if ADAPTERS.get(name).capabilities.streaming}
    assert told == set(STREAMS.names())
