"""Orders that their venue has had, and does not show any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from brokers import services
from brokers.absent import ABSENT_AFTER
from brokers.changing import order_change
from brokers.choices import AccountState, OrderStatus, TimeInForce
from brokers.models import Order, OrderEvent, Position
from brokers.reconciling import account_reconcile
from brokers.recording import venue_order_record
from brokers.services.accounts import account_sync
from brokers.sweeping import orders_sweep
from tests.brokers.ordering import fresh, sent

pytestmark = pytest.mark.django_db
EXPIRED = (OrderStatus.EXPIRED, "not_at_broker")


def state(order):
    order = fresh(order)
    return order.status, order.reason_code


def forgotten(venue):
    """Have the venue forget all orders, and some days be over since it took them."""
    kept = dict(venue.exchange.orders)
    venue.exchange.orders.clear()
    past = timezone.now() - timedelta(days=5)
    Order.objects.update(submitted_at=past, updated_at=past)
    return kept


def waited(order):
    """Have an order be unknown for so long that a venue would have shown it."""
    events = OrderEvent.objects.filter(order=order, new_status=OrderStatus.UNKNOWN)
    events.update(created_at=timezone.now() - ABSENT_AFTER - timedelta(seconds=1))


def test_an_order_of_a_day_that_is_over_expires_once_positions_agree(place, venue, account):
    order = sent(place(limit="90"))
    forgotten(venue)
    orders_sweep()
    assert state(order)[0] == OrderStatus.ACCEPTED, "nobody has compared the positions"
    account_reconcile(account_id=account.id)
    assert state(order) == EXPIRED
    assert fresh(order).finished_at
    assert len(venue.sent) == 1


@pytest.mark.parametrize("asked", [OrderStatus.PENDING_CANCEL, OrderStatus.PARTIALLY_FILLED])
def test_so_does_one_that_was_to_be_canceled_or_was_filled_in_part(place, venue, account, asked):
    order = sent(place(limit="90"))
    if asked == OrderStatus.PENDING_CANCEL:
        Order.objects.update(status=asked, cancel_requested_at=timezone.now())
    else:
        venue.exchange.fill(venue.exchange.get(order.broker_order_id), 4)
        account_reconcile(account_id=account.id)
    forgotten(venue)
    account_reconcile(account_id=account.id)
    assert state(order) == EXPIRED
    assert fresh(order).filled_quantity == (0 if asked == OrderStatus.PENDING_CANCEL else 4)


def test_one_that_was_filled_meanwhile_waits_for_its_owner(place, venue, account):
    order = sent(place(limit="90"))
    account_reconcile(account_id=account.id)
    venue.exchange.fill(venue.exchange.get(order.broker_order_id), 10)
    forgotten(venue)
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.state, state(order)[0]) == (AccountState.HALTED, OrderStatus.ACCEPTED)
    account_sync(account=account, adopt=True)
    assert (state(order), account.mismatch) == (EXPIRED, [])
    assert Position.objects.get().quantity == 10


def test_one_that_should_wait_is_unknown_first_and_then_ends(place, venue, account):
    order = sent(place(limit="90", time_in_force=TimeInForce.GTC))
    forgotten(venue)
    account_reconcile(account_id=account.id)
    assert state(order) == (OrderStatus.UNKNOWN, "not_at_broker")
    opens = sent(place(limit="91"))
    assert (opens.status, opens.reason_code) == (OrderStatus.DENIED, "order_unknown")
    Order.objects.update(ask_at=None)
    orders_sweep()
    account_reconcile(account_id=account.id)
    assert state(order)[0] == OrderStatus.UNKNOWN, "it may be late"
    waited(order)
    Order.objects.update(ask_at=None)
    orders_sweep()
    assert state(order)[0] == OrderStatus.UNKNOWN, "nobody has compared the positions"
    account_reconcile(account_id=account.id)
    assert state(order) == EXPIRED
    assert sent(place(limit="91")).status == OrderStatus.ACCEPTED
    assert len(venue.sent) == 2


@pytest.mark.parametrize("found_by", ["sweeper", "reconciliation"])
def test_one_that_is_found_again_waits_as_before(place, venue, account, found_by):
    order = sent(place(limit="90", time_in_force=TimeInForce.GTC))
    kept = forgotten(venue)
    account_reconcile(account_id=account.id)
    venue.exchange.orders |= kept
    Order.objects.update(ask_at=None)
    if found_by == "sweeper":
        orders_sweep()
    else:
        account_reconcile(account_id=account.id)
    assert state(order) == (OrderStatus.ACCEPTED, "")


def test_one_that_turns_up_after_its_end_is_believed(place, venue, account):
    order = sent(place(limit="90", time_in_force=TimeInForce.GTC))
    kept = forgotten(venue)
    account_reconcile(account_id=account.id)
    waited(order)
    account_reconcile(account_id=account.id)
    assert state(order) == EXPIRED
    Order.objects.update(finished_at=timezone.now() - timedelta(days=1))
    venue.exchange.orders |= kept
    account_reconcile(account_id=account.id)
    assert state(order) == (OrderStatus.ACCEPTED, "")
    assert Order.objects.count() == 1, "it is ours, and nobody else's"


def test_old_news_do_not_bring_back_what_the_venue_said_to_have_expired(place, venue):
    order = sent(place(limit="90"))
    there = venue.exchange.get(order.broker_order_id)
    old = venue.told(there)
    Order.objects.update(status=OrderStatus.EXPIRED)
    venue_order_record(order_id=order.id, venue=old)
    assert state(order)[0] == OrderStatus.EXPIRED


def test_a_young_order_may_be_late_in_its_venues_book(place, venue, account):
    order = sent(place(limit="90", time_in_force=TimeInForce.GTC))
    venue.exchange.orders.clear()
    account_reconcile(account_id=account.id)
    assert state(order) == (OrderStatus.ACCEPTED, "")


def test_one_that_is_listed_though_it_is_not_found_is_there(place, venue, account, monkeypatch):
    order = sent(place(limit="90"))
    Order.objects.update(submitted_at=timezone.now() - timedelta(days=5))
    monkeypatch.setattr(venue, "find", lambda *_: None)
    account_reconcile(account_id=account.id)
    assert state(order) == (OrderStatus.ACCEPTED, "")


def test_a_cancel_of_a_forgotten_order_does_not_keep_it_for_ever(place, venue, account):
    order = sent(place(limit="90"))
    forgotten(venue)
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    account_reconcile(account_id=account.id)
    assert state(order) == EXPIRED
