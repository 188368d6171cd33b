"""A broker that does not answer is waited for by one process at a time, once it is known."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from brokers import silence, tasks
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.deployments import schedule
from brokers.deployments.choices import DeploymentState
from brokers.deployments.schedule import deployments_follow, deployments_tick
from brokers.deployments.stopping import deployment_finish
from brokers.models import BrokerAccount, Deployment, DeploymentTick, Order
from brokers.resolving import accounts_follow
from brokers.sweeping import orders_sweep
from market.memory import memory
from tests.brokers.at_alpaca import alpaca_account, alpaca_served, nobody_silent
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.holding import held

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def heard():
    """No broker has been silent."""
    with nobody_silent():
        yield


@pytest.fixture
def broker(settings):
    with alpaca_served(settings, "REPLAY") as broker:
        yield broker


@pytest.fixture
def venue(django_user_model, settings, tmp_path, broker):
    """A deployment at the broker, with an order that waits there."""
    settings.BARS_URL = str(tmp_path / "bars")
    user = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    venue = Venue(user, bars_random(40), asset_class="equity")
    venue.account = alpaca_account(user)
    venue.past(30)
    deployment = venue.buys(30)
    venue.passes(30)
    order = Order.objects.create(
        owner=user, account=venue.account, client_order_id=str(uuid4()), symbol="REPLAY",
        asset_type=AssetType.STOCK, side=Side.BUY, order_type=OrderType.LIMIT,
        quantity=Decimal(1), limit_price=Decimal(1), status=OrderStatus.ACCEPTED,
        deployment_id=deployment.id, node="buy#0:entry", submitted_at=timezone.now(),
    )  # fmt: skip
    Order.objects.filter(id=order.id).update(updated_at=timezone.now() - timedelta(minutes=1))
    broker.requests.clear()
    return venue


@pytest.fixture
def waited_for():
    """Another process waits for the broker, which is silent."""
    silence._until["alpaca"] = time.monotonic() + 60
    with held("broker-silent:alpaca"):
        yield


def bar_decide(venue):
    deployments_tick(now=venue.over(30))


def orders_follow(venue):
    deployments_follow(now=timezone.now())


def stop(venue):
    Deployment.objects.update(state=DeploymentState.STOPPING)
    deployment_finish(deployment_id=Deployment.objects.get().id)


def compare(venue):
    tasks.reconcile(str(venue.account.id))


def sweep(venue):
    orders_sweep()


SCHEDULED = (bar_decide, orders_follow, stop, compare, sweep)


@pytest.mark.parametrize("work", SCHEDULED)
def test_one_process_at_a_time_waits_for_a_broker_that_is_silent(venue, broker, waited_for, work):
    work(venue)
    assert broker.requests == []


@pytest.mark.parametrize("work", SCHEDULED)
def test_a_broker_that_was_silent_is_asked_again(venue, broker, work):
    silence._until["alpaca"] = time.monotonic() + 60
    work(venue)
    assert broker.requests


@pytest.mark.parametrize("work", [bar_decide, orders_follow, compare])
def test_whoever_waits_tells_the_others(venue, broker, work, monkeypatch):
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    broker.faults.hang_s = 0.3
    broker.faults.next("query", "hang")
    work(venue)
    silence._until.clear()  # as another process has it
    assert silence.silent("alpaca")


def test_nothing_is_followed_at_a_broker_that_is_silent(venue, broker):
    Order.objects.update(order_type=OrderType.MARKET)
    silence._until["alpaca"] = time.monotonic() + 60
    accounts_follow(account_ids=[venue.account.id])
    assert broker.requests == []
    silence._until.clear()
    memory().delete(silence._key("alpaca"))
    accounts_follow(account_ids=[venue.account.id])
    assert broker.requests


def test_many_bars_at_a_silent_broker_leave_room_for_those_of_others(
    venue, broker, waited_for, monkeypatch
):
    monkeypatch.setattr(schedule, "AT_ONCE", 1)
    early = Deployment.objects.get()
    venue.account = BrokerAccount.objects.get(kind="paper")
    mine = venue.buys(30)
    Deployment.objects.filter(id=early.id).update(next_close_at=venue.over(29))
    assert deployments_tick(now=venue.over(30)) == 1
    mine.refresh_from_db()
    assert mine.last_bar_ts is not None


def test_whoever_waits_for_news_has_a_turn_however_many_there_are(venue, broker, monkeypatch):
    monkeypatch.setattr(schedule, "AT_ONCE", 1)
    first = Deployment.objects.get()
    venue.account = BrokerAccount.objects.get(kind="paper")
    mine = venue.buys(30)
    DeploymentTick.objects.create(
        deployment=mine, bar_ts=mine.last_bar_ts, closed_at=venue.over(29), pending=True
    )
    looked = set()
    monkeypatch.setattr(
        schedule, "_follow", lambda *, deployment_ids, **_: looked.update(deployment_ids)
    )
    for _ in range(50):
        deployments_follow(now=timezone.now())
    assert looked == {first.id, mine.id}
