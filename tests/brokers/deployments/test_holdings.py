"""What is traded beside a deployment: its orders changed by hand, what it holds sold elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers import services
from brokers.changing import order_change
from brokers.deployments.holdings import holdings_compare
from brokers.deployments.stopping import position_of
from brokers.dispatch import account_send
from brokers.models import BookEntry, Order, Position
from brokers.reconciling import account_reconcile
from notifications.models import Alert
from tests.brokers.deployments.test_attempts import (
    FLAT,
    broker,
    decide,
    deployment,
    guards,
    held,
    look,
    venue,
)

__all__ = ["broker", "deployment", "venue"]

pytestmark = pytest.mark.usefixtures("patient")


def replaced(**changes):
    """Have the order that waits be changed by hand; return the one in its place."""
    order = Order.objects.get(status="accepted")
    new = services.order_replace(order=order, **changes)
    order_change(order_id=order.id)
    account_send(account_id=order.account_id)
    new.refresh_from_db()
    return new


def test_a_guard_that_was_changed_by_hand_is_the_only_one_and_its_fill_is_booked(
    venue, broker, deployment
):
    held(venue, deployment)
    new = replaced(stop_price=Decimal(95))
    assert (new.deployment_id, new.leg, new.status) == (deployment.id, 1, "accepted")
    look(venue)
    assert (guards("accepted"), len(broker.exchange.open())) == ([95], 1)
    broker.exchange.tick("REPLAY", 94)
    account_reconcile(account_id=venue.account.id)
    look(venue)
    assert position_of(deployment) == 0
    assert BookEntry.objects.get(kind="guard").order_id == new.id
    decide(venue, deployment, FLAT + 1)
    look(venue, FLAT + 1)
    assert (broker.exchange.open(), broker.exchange.positions()) == ([], {})


def test_a_change_on_its_way_is_no_second_guard(venue, broker, deployment):
    held(venue, deployment)
    services.order_replace(order=Order.objects.get(status="accepted"), stop_price=Decimal(95))
    decide(venue, deployment, FLAT)  # nothing new
    look(venue)
    assert (guards("accepted"), len(broker.exchange.open())) == ([95], 1)
    assert not Order.objects.filter(order_type="stop", status="canceled").exists()


def test_deployments_are_paused_whose_account_holds_less_than_their_books(
    venue, broker, deployment
):
    held(venue, deployment)
    Position.objects.update(quantity=25)  # more is its owner's
    assert holdings_compare() == 0
    Position.objects.update(quantity=4)
    assert holdings_compare() == 1
    deployment.refresh_from_db()
    assert (deployment.state, guards("accepted")) == ("paused", [90])
    assert "holds 4 REPLAY, less than the 10" in deployment.state_reason
    assert Alert.objects.filter(event="deployment.changed", text__contains="holds 4").count() == 1
    assert holdings_compare() == 0


def test_where_nothing_is_left_no_guard_stays_that_would_open_the_other_side(
    venue, broker, deployment
):
    held(venue, deployment)
    Position.objects.update(quantity=0)
    assert holdings_compare() == 1
    for order in Order.objects.filter(cancel_requested_at__isnull=False):
        order_change(order_id=order.id)
    assert broker.exchange.open() == []
