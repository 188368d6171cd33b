"""Stopping ends flat, or says why not: whatever is refused, halted or unknown on the way."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers.changing import order_change
from brokers.deployments.services import deployment_stop
from brokers.deployments.stopping import deployment_finish, position_of
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Deployment, Order
from notifications.models import Alert
from tests.brokers.deployments.test_attempts import broker, deployment, guards, held, venue, waited

pytestmark = pytest.mark.usefixtures("patient")

__all__ = ["broker", "deployment", "venue"]


@pytest.fixture
def guarded(venue, deployment):
    held(venue, deployment)
    return deployment


def finish(venue, deployment, times=3):
    for _ in range(times):
        for order in Order.objects.filter(cancel_requested_at__isnull=False):
            order_change(order_id=order.id)
        deployment_finish(deployment_id=deployment.id)
        account_send(account_id=venue.account.id)
    deployment.refresh_from_db()


def halt(state="halted"):
    BrokerAccount.objects.update(state=state, state_reason="It differs.")


def sales(*statuses):
    return Order.objects.filter(side="sell", order_type="market", status__in=statuses).count()


def test_the_guard_of_a_halted_account_stays_until_its_position_can_be_closed(
    venue, broker, guarded
):
    halt()
    deployment_stop(deployment=guarded, liquidate=True)
    finish(venue, guarded)
    assert (guarded.state, guards("accepted"), sales("denied")) == ("stopping", [90], 0)
    assert "halted" in guarded.state_reason
    assert Alert.objects.filter(event="deployment.changed", text__contains="halted").count() == 1
    halt("active")
    finish(venue, guarded, times=4)
    assert (guarded.state, position_of(guarded)) == ("stopped", 0)
    assert (broker.exchange.open(), broker.exchange.positions()) == ([], {})


def test_a_liquidation_that_is_refused_is_tried_again_until_it_is_flat(venue, broker, guarded):
    deployment_stop(deployment=guarded, liquidate=True)
    for count in (1, 2):
        broker.faults.next("submit", "rate_limit")
        finish(venue, guarded)
        assert (guarded.state, sales("rejected")) == ("stopping", count), "once, then it waits"
        waited()
    assert guarded.state_reason.startswith("It is tried again: ")
    finish(venue, guarded)
    assert (guarded.state, position_of(guarded), sales("filled")) == ("stopped", 0, 1)
    assert broker.exchange.positions() == {}


def test_a_sale_of_unknown_outcome_is_not_sent_twice(venue, broker, guarded):
    deployment_stop(deployment=guarded, liquidate=True)
    broker.faults.next("submit", "drop_before")
    finish(venue, guarded)
    assert (guarded.state, sales("unknown")) == ("stopping", 1)
    Deployment.objects.update(updated_at=timezone.now() - timedelta(minutes=2))
    finish(venue, guarded)
    assert sales("unknown", "created", "accepted", "filled") == 1
    assert "It waits for the end of: sell 10 REPLAY (unknown)" in guarded.state_reason


def test_whoever_gives_up_closing_holds_what_is_left(venue, broker, guarded):
    halt()
    deployment_stop(deployment=guarded, liquidate=True)
    finish(venue, guarded)
    deployment_stop(deployment=guarded)
    finish(venue, guarded)
    assert (guarded.state, guarded.state_reason) == ("stopped", "It holds 10 REPLAY.")
    assert (broker.exchange.open(), position_of(guarded)) == ([], Decimal(10))


def test_what_cannot_be_looked_at_says_so_and_keeps_no_other(venue, guarded, monkeypatch):
    deployment_stop(deployment=guarded, liquidate=True)

    def broken(*_args, **_options):
        raise ValueError("no bars")

    with monkeypatch.context() as patch:
        patch.setattr("brokers.deployments.stopping.dossiers_read", broken)
        deployment_finish(deployment_id=guarded.id)
    guarded.refresh_from_db()
    assert (guarded.state, "no bars" in guarded.state_reason) == ("stopping", True)
