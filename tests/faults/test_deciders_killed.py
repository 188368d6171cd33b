"""Two processes that share a bar at a broker, decide and send, and are killed with -9 on the way.

No order is there twice, none is lost, each bar is decided once, and positions agree.
`DECIDERS_KILLED` makes it long.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections

from brokers import lease, resolving, rounds
from brokers.access import credentials_seal
from brokers.choices import FINAL_STATUSES, OrderStatus
from brokers.deployments import schedule
from brokers.deployments.schedule import deployments_follow, deployments_tick
from brokers.dispatch import accounts_send
from brokers.models import BrokerAccount, Deployment, DeploymentTick, Order, Position
from brokers.reconciling import account_reconcile
from brokers.sweeping import orders_sweep
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.venue.alpaca import AlpacaVenue

BARS = int(os.environ.get("DECIDERS_KILLED", "8")) // 2
DEPLOYMENTS = 6
FIRST = 30
SETTLE_S = 30
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(settings, monkeypatch):
    with AlpacaVenue().running() as broker:
        settings.BROKER_URLS = {"alpaca": broker.url}
        settings.BROKER_TIMEOUT_S = 0.5
        settings.BROKER_RATES = {}
        broker.exchange.cash = Decimal(10**9)
        broker.faults.modes = ("delay",)
        # The same waits, a hundred times shorter.
        monkeypatch.setattr(resolving, "ABSENT_AFTER", timedelta(seconds=1.2))
        monkeypatch.setattr(resolving, "ASK_LONGEST", timedelta(seconds=0.15))
        monkeypatch.setattr(schedule, "SHARED_FROM", 2)
        for module in (rounds, lease):
            monkeypatch.setattr(module, "LEASE", timedelta(seconds=0.5))
        yield broker


@pytest.fixture
def account(broker, django_user_model):
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    account = BrokerAccount(owner=user, kind="alpaca", name="Faults")
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    account_reconcile(account_id=account.id)
    return account


@pytest.fixture
def markets(account, broker, settings, tmp_path):
    """Several symbols, with a deployment each that buys on every bar, all of one account."""
    settings.BARS_URL = str(tmp_path / "bars")
    made = []
    for number in range(DEPLOYMENTS):
        market = Venue(
            account.owner, bars_random(FIRST + BARS), symbol=f"S{number}", asset_class="equity"
        )
        market.account.delete()  # on paper
        market.account = account
        market.past(FIRST)
        market.buys(FIRST)
        broker.exchange.prices[market.symbol] = Decimal(100)
        made.append(market)
    return made


def children(now, chance):
    """Decide in two processes that share the work, kill both; return how many were at work."""
    connections.close_all()
    made = []
    for helping in (False, True):
        child = os.fork()
        if child == 0:
            try:
                deployments_tick(now=now, helping=helping, help_call=None if helping else bool)
            finally:
                os._exit(0)
        made.append(child)
    died = 0
    for child in made:
        time.sleep(chance.uniform(0.0, 0.15))
        os.kill(child, signal.SIGKILL)
        died += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return died


def settled(account, now):
    """Have others go on, until the last order is at its end."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        deployments_tick(now=now)
        accounts_send(account_ids=[account.id])
        orders_sweep()
        account_reconcile(account_id=account.id)
        deployments_follow(now=now)
        decided = not Deployment.objects.filter(next_close_at__lte=now).exists()
        if decided and not Order.objects.exclude(status__in=FINAL_STATUSES).exists():
            return
        time.sleep(0.05)
    raise AssertionError(Counter(Order.objects.values_list("status", "reason_code")))


def test_no_order_is_doubled_or_lost_when_deciders_are_killed(account, markets, broker):
    chance = random.Random(20_260_103)
    broker.faults.chance = 0.5
    deaths = 0
    for bar in range(FIRST, FIRST + BARS):
        for market in markets:
            market.opens(bar)
            market.trades(bar)
        now = markets[0].over(bar)
        deaths += children(now, chance)
        settled(account, now)
    assert deaths, "some were killed at work"
    ticks = DeploymentTick.objects.values_list("deployment_id", "bar_ts", "status")
    assert len(ticks) == len({tick[:2] for tick in ticks}) == BARS * DEPLOYMENTS
    assert {status for *_, status in ticks} == {"decided"}
    orders = {order.client_order_id: order for order in Order.objects.all()}
    there = Counter(order.client_id for order in broker.exchange.orders.values())
    assert set(there.values()) == {1}, "no order is there twice"
    assert there.keys() <= orders.keys()
    assert broker.requests.count(("POST", "/v2/orders")) == len(there), "none was sent twice"
    assert len(orders) == BARS * DEPLOYMENTS, "no decision is lost"
    for order in orders.values():
        filled = order.client_order_id in there
        assert order.attempts == 1
        assert order.status == (OrderStatus.FILLED if filled else OrderStatus.REJECTED)
    held = dict(Position.objects.values_list("symbol", "quantity"))
    assert {symbol: held[symbol] for symbol in held if held[symbol]} == broker.exchange.positions()
    account.refresh_from_db()
    assert (account.mismatch, account.state, account.sender_until) == ([], "active", None)
