"""The way of an order: committed, sent once, and never guessed about."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers import services
from brokers.access import access_of, ref_of
from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.paper import PaperBroker
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import order_submit
from brokers.models import BrokerAccount, Fill, Order, OrderEvent, PaperExecution, Position
from brokers.recording import venue_order_record
from brokers.sweeping import orders_sweep
from core.errors import Conflict, InvalidInput
from core.realtime.models import Event
from notifications.models import Alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_bars")]
GOOG_LAST_CLOSE = Decimal("806.19")


def create(user, **changes):
    fields = {
        "symbol": "GOOG",
        "asset_type": AssetType.STOCK,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "quantity": Decimal(10),
        "client_order_id": "my-1",
    }
    return services.order_create(
        account=services.paper_account(owner_id=user.id), **(fields | changes)
    )


def submitted(order):
    order_submit(order_id=order.id)
    order.refresh_from_db()
    return order


def later(**delta):
    """Let time pass for every order."""
    Order.objects.update(
        **{
            name: timezone.now() - timedelta(**delta)
            for name in ("leased_until", "submitted_at", "updated_at", "ask_at")
        }
    )
    BrokerAccount.objects.filter(sender_until__isnull=False).update(
        sender_until=timezone.now() - timedelta(**delta)
    )


def test_a_market_order_fills_at_the_latest_stored_price(user):
    order = submitted(create(user))
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, 10)
    assert order.average_price == GOOG_LAST_CLOSE
    position = Position.objects.get()
    assert (position.quantity, position.average_price) == (10, GOOG_LAST_CLOSE)
    history = OrderEvent.objects.values_list("old_status", "new_status")
    assert list(history) == [("created", "submitting"), ("submitting", "filled")]


def test_its_owner_is_told_on_the_socket_and_by_an_alert(user):
    order = submitted(create(user))
    event = Event.objects.get(topic="orders")
    assert (event.type, event.data["executed_price"]) == ("order.filled", "806.19")
    assert Alert.objects.get().data["trade_id"] == str(order.id)


def test_the_same_client_order_id_is_the_same_order(user):
    first, second = create(user), create(user)
    assert first.id == second.id
    with pytest.raises(Conflict, match="another order"):
        create(user, quantity=Decimal(11))


def test_a_task_that_runs_twice_sends_once(user):
    order = submitted(create(user))
    submitted(order)
    assert (PaperExecution.objects.count(), Fill.objects.count()) == (1, 1)


def test_news_that_come_twice_change_nothing_twice(user):
    order = submitted(create(user))
    venue = PaperBroker().find(access_of(order.account), ref_of(order))
    venue_order_record(order_id=order.id, venue=venue)
    assert Position.objects.get().quantity == 10
    assert Event.objects.filter(topic="orders").count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": Side.SELL}, "not_held"),
        ({"side": Side.COVER}, "not_short"),
    ],
)
def test_what_reduces_nothing_is_denied_with_its_reason(user, changes, code):
    order = create(user, **changes)
    order.refresh_from_db()
    assert (order.status, order.reason_code) == (OrderStatus.DENIED, code)
    assert "0 GOOG" in order.reason
    assert not order.attempts


def test_what_the_venue_refuses_is_rejected_with_its_reason(user):
    order = submitted(create(user, quantity=Decimal(1000)))
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "insufficient_funds")
    assert order.reason
    assert not Position.objects.exists()


def test_a_position_is_sold_shorted_and_covered(user):
    for number, (side, quantity) in enumerate(
        [(Side.BUY, 10), (Side.SELL, 10), (Side.SHORT, 5), (Side.COVER, 3)]
    ):
        order = create(
            user, side=side, quantity=Decimal(quantity), client_order_id=f"step-{number}"
        )
        assert submitted(order).status == OrderStatus.FILLED
    assert Position.objects.get().quantity == -2


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"order_type": OrderType.LIMIT}, "limit_price"),
        ({"asset_type": AssetType.OPTION}, "symbol"),
        ({"asset_type": AssetType.CRYPTO}, "asset_type"),
    ],
)
def test_what_the_broker_cannot_do_is_refused_before_anything_is_stored(user, changes, path):
    with pytest.raises(InvalidInput) as refusal:
        create(user, **changes)
    assert refusal.value.details[0].path == path
    assert not Order.objects.exists()


def test_a_halted_account_sends_nothing(user):
    account = services.paper_account(owner_id=user.id)
    BrokerAccount.objects.filter(id=account.id).update(state=AccountState.HALTED)
    with pytest.raises(Conflict, match="halted"):
        create(user)


def test_an_order_is_taken_back_only_before_it_is_sent(user):
    assert services.order_cancel(order=create(user)).status == OrderStatus.CANCELED
    late = submitted(create(user, client_order_id="my-2"))
    with pytest.raises(Conflict, match="filled"):
        services.order_cancel(order=late)


def test_a_lost_reply_leaves_the_order_unknown_and_the_venue_is_asked(user, monkeypatch):
    submit = PaperBroker.submit_all

    def taken_but_not_answered(self, requests):
        submit(self, requests)
        raise OutcomeUnknown("the connection broke")

    monkeypatch.setattr(PaperBroker, "submit_all", taken_but_not_answered)
    order = submitted(create(user))
    assert order.status == OrderStatus.UNKNOWN
    orders_sweep()
    order.refresh_from_db()
    assert (order.status, order.average_price) == (OrderStatus.FILLED, GOOG_LAST_CLOSE)
    assert order.reason_code == order.reason == "", "its history keeps why it was unknown"
    assert PaperExecution.objects.count() == 1


def test_an_order_that_never_arrived_is_rejected_but_not_too_soon(user, monkeypatch):
    def never_arrives(self, requests):
        raise OutcomeUnknown("time-out")

    monkeypatch.setattr(PaperBroker, "submit_all", never_arrives)
    order = submitted(create(user))
    orders_sweep()
    order.refresh_from_db()
    assert order.status == OrderStatus.UNKNOWN, "a venue may show an order late"
    later(seconds=121)
    orders_sweep()
    order.refresh_from_db()
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "not_at_broker")
    assert not PaperExecution.objects.exists(), "it was never sent again"


@pytest.mark.parametrize("arrived", [True, False])
def test_a_sender_that_dies_leaves_an_order_that_is_asked_about_not_sent_again(
    user, monkeypatch, arrived
):
    class Killed(BaseException):
        pass

    submit = PaperBroker.submit_all

    def dies(self, requests):
        if arrived:
            submit(self, requests)
        raise Killed

    order = create(user)
    with monkeypatch.context() as patch:
        patch.setattr(PaperBroker, "submit_all", dies)
        with pytest.raises(Killed):
            order_submit(order_id=order.id)
    submitted(order)
    assert order.status == OrderStatus.SUBMITTING, "a second task does not touch it"
    later(seconds=121)
    orders_sweep()
    order.refresh_from_db()
    assert order.status == (OrderStatus.FILLED if arrived else OrderStatus.REJECTED)
    assert PaperExecution.objects.count() == int(arrived)


def test_a_sender_that_lost_its_lease_does_not_overwrite_what_came_after(user, monkeypatch):
    def refuses_too_late(self, requests):
        Order.objects.update(status=OrderStatus.UNKNOWN)
        return [Refused("late", "too late") for _ in requests]

    monkeypatch.setattr(PaperBroker, "submit_all", refuses_too_late)
    assert submitted(create(user)).status == OrderStatus.UNKNOWN


def test_an_order_whose_task_was_lost_is_queued_again(user, django_capture_on_commit_callbacks):
    order = create(user)
    orders_sweep()
    later(seconds=60)
    with django_capture_on_commit_callbacks() as sent:
        orders_sweep()
    assert len(sent) == 1
    assert submitted(order).status == OrderStatus.FILLED
