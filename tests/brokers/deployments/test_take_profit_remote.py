"""A take-profit beside a stop-loss at a broker: only the stop lies there, and still both act."""

from __future__ import annotations

import threading
from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from django.db import connections

from brokers.changing import order_change, order_refresh
from brokers.deployments import ticking
from brokers.deployments.following import deployment_follow
from brokers.deployments.stopping import position_of
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BookEntry, BrokerAccount, Deployment, DeploymentTick, Order
from core.engine.bars import Bars
from core.engine.result import ExitReason
from core.errors import InvalidInput
from market.models import Instrument
from strategies.selectors import template_graph
from tests.brokers.at_alpaca import alpaca_account, alpaca_served
from tests.brokers.deployments.replaying import DAY_NS, START, Venue
from tests.brokers.deployments.test_replay import with_units
from tests.venue.exchange import Refusal

FLAT, TOUCHED, LENGTH = 30, 32, 36


def bars_touching():
    """Flat at 100, but for one bar that goes up to 104 and comes back."""
    price = np.full(LENGTH, 100.0)
    high = price.copy()
    high[TOUCHED] = 104.0
    return Bars.from_arrays(
        ts=START + np.arange(LENGTH) * DAY_NS,
        open=price,
        high=high,
        low=price,
        close=price,
        volume=np.ones(LENGTH),
    )


@pytest.fixture
def broker(settings):
    with alpaca_served(settings, "REPLAY") as broker:
        yield broker


@pytest.fixture
def venue(user, broker):
    venue = Venue(user, bars_touching(), asset_class="equity")
    venue.account = alpaca_account(user)
    venue.past(FLAT)
    return venue


def graph_guarded():
    """Buy and hold, with a stop a tenth below and a take-profit three hundredths above."""
    graph = with_units(template_graph("buy_and_hold")[0])
    for node in graph["nodes"]:
        if node["type"] == "entry":
            node["params"] |= {
                "stop_loss": {"type": "percent", "value": 0.1},
                "take_profit": {"type": "percent", "value": 0.03},
            }
    return graph


@pytest.fixture
def deployment(venue):
    return venue.deploy(graph_guarded(), at=FLAT)


def go(venue, deployment, at):
    """Go through one bar, and send what it decides."""
    venue.opens(at)
    venue.trades(at)
    tick = deployment_tick(deployment_id=deployment.id, now=venue.over(at))
    look(venue, deployment, at)
    return tick


def look(venue, deployment, at):
    for _ in range(2):
        account_send(account_id=venue.account.id)
        deployment_follow(deployment_id=deployment.id, now=venue.over(at))


def held(venue, deployment):
    """Buy, have the stop lie there, and go up to the bar that reaches the take-profit."""
    for at in range(FLAT, TOUCHED):
        go(venue, deployment, at)
    (stop,) = Order.objects.filter(status="accepted")
    assert (stop.order_type, stop.stop_price) == ("stop", Decimal(90))
    tick = go(venue, deployment, TOUCHED)
    stop.refresh_from_db()
    assert (tick.status, stop.status) == ("decided", "accepted")
    assert stop.cancel_requested_at is not None
    assert DeploymentTick.objects.get(id=tick.id).pending
    assert Order.objects.filter(side="sell").count() == 1, "nothing else while it may still fill"
    return stop


def sells(broker):
    return [trade.quantity for trade in broker.exchange.trades if trade.side == "sell"]


def test_a_stop_that_the_broker_does_not_take_of_what_is_traded_is_refused_at_once(venue):
    Instrument.objects.update(asset_class="crypto")
    with pytest.raises(InvalidInput, match="Alpaca takes no stop orders of REPLAY"):
        venue.deploy(graph_guarded(), at=FLAT)
    assert not Deployment.objects.exists()
    assert venue.deploy(template_graph("buy_and_hold")[0], at=FLAT).state == "running"


def test_the_stop_is_withdrawn_and_the_lot_is_sold(venue, broker, deployment):
    stop = held(venue, deployment)
    order_change(order_id=stop.id)
    look(venue, deployment, TOUCHED)
    assert sells(broker) == [10]
    assert position_of(deployment) == 0
    guard = BookEntry.objects.get(kind="guard")
    assert (guard.reason, guard.price) == (ExitReason.TAKE_PROFIT, Decimal(100))
    assert not DeploymentTick.objects.filter(pending=True).exists()
    for at in range(TOUCHED + 1, LENGTH):  # the strategy buys again
        go(venue, deployment, at)
    assert sells(broker) == [10]
    assert position_of(deployment) == 10


def test_a_stop_that_fills_while_it_is_withdrawn_is_the_only_sale(venue, broker, deployment):
    stop = held(venue, deployment)
    broker.exchange.tick("REPLAY", 89)
    order_change(order_id=stop.id)
    look(venue, deployment, TOUCHED)
    go(venue, deployment, TOUCHED + 1)
    assert sells(broker) == [10]
    assert BookEntry.objects.get(kind="guard").reason == ExitReason.STOP_LOSS
    assert not Order.objects.filter(node__endswith=":take").exists()


def elsewhere(work):
    """Do something in another process's transaction."""

    def done():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=done)
    thread.start()
    thread.join(10)


@pytest.mark.django_db(transaction=True)
def test_a_stop_that_fills_while_a_bar_is_decided_on_has_it_decided_on_again(
    venue, broker, deployment, monkeypatch
):
    for at in range(FLAT, TOUCHED):
        go(venue, deployment, at)
    (stop,) = Order.objects.filter(status="accepted")
    read, looks = ticking.dossiers_read, []

    def read_before(deployments, *, now):
        found = read(deployments, now=now)
        looks.append(len(found[0].orders))
        if len(looks) == 1:
            broker.exchange.tick("REPLAY", 89)
            elsewhere(partial(order_refresh, stop))
            broker.exchange.tick("REPLAY", 104)
        return found

    monkeypatch.setattr(ticking, "dossiers_read", read_before)
    tick = go(venue, deployment, TOUCHED)
    assert looks[:2] == [1, 0], "the stop was there when it was read first, and then it was not"
    assert tick.status == "decided"
    deployment.refresh_from_db()
    assert deployment.state == "running", "that an order has ended is nobody's fault"
    assert sells(broker) == [10]
    assert position_of(deployment) == 0
    assert BookEntry.objects.get(kind="guard").reason == ExitReason.STOP_LOSS


def test_a_guard_of_a_halted_account_stays_where_it_is(venue, deployment):
    go(venue, deployment, FLAT)
    BrokerAccount.objects.update(state="halted")
    Order.objects.filter(status="accepted").update(stop_price=Decimal(80))
    go(venue, deployment, FLAT + 1)
    deployment.refresh_from_db()
    assert deployment.state == "running"
    stop = Order.objects.get(status="accepted")
    assert (stop.stop_price, stop.cancel_requested_at) == (80, None), "no other would be sent"


def test_a_sale_that_is_refused_has_the_stop_lie_there_again(
    venue, broker, deployment, monkeypatch
):
    stop = held(venue, deployment)
    order_change(order_id=stop.id)

    def refused(**_order):
        raise Refusal("halted", "trading of REPLAY is halted")

    with monkeypatch.context() as patch:
        patch.setattr(broker.exchange, "place", refused)
        look(venue, deployment, TOUCHED)
    sale = Order.objects.get(side="sell", order_type="market")
    assert sale.status == "rejected"
    go(venue, deployment, TOUCHED + 1)
    (again,) = Order.objects.filter(status="accepted")
    assert (again.order_type, again.stop_price) == ("stop", Decimal(90))
    assert position_of(deployment) == 10
    assert sells(broker) == []
