"""Hundreds of orders to a venue that drops replies, answers 5xx, hangs and goes away; a sender that
is killed with -9 in the middle. None is there twice, none is lost, the positions agree.

`ORDERS_PLACED` and `SENDERS_KILLED` make it long: 3000 and 300 are what the platform promises.
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

from brokers import lease, resolving, rounds, services
from brokers.access import credentials_seal
from brokers.choices import FINAL_STATUSES, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, Position
from brokers.reconciling import account_reconcile
from brokers.sweeping import orders_sweep
from market.models import Instrument
from tests.venue.alpaca import AlpacaVenue

PLACED = int(os.environ.get("ORDERS_PLACED", "120"))
KILLED = int(os.environ.get("SENDERS_KILLED", "12"))
SETTLE_S = 60
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def venue(settings, monkeypatch):
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        settings.BROKER_TIMEOUT_S = 0.25
        settings.BROKER_RATES = {}
        venue.faults.hang_s = 0.4
        venue.exchange.prices["ACME"] = Decimal(100)
        venue.exchange.cash = Decimal(10**9)
        # The same waits, a hundred times shorter.
        monkeypatch.setattr(resolving, "ABSENT_AFTER", timedelta(seconds=1.2))
        monkeypatch.setattr(resolving, "ASK_LONGEST", timedelta(seconds=0.15))
        for module in (rounds, lease):
            monkeypatch.setattr(module, "LEASE", timedelta(seconds=0.5))
        yield venue


@pytest.fixture
def account(venue, django_user_model):
    owner = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    Instrument.objects.get_or_create(symbol="ACME")
    account = BrokerAccount(owner=owner, kind="alpaca", name="Faults")
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    return account


def place(account, chance):
    """An order by chance: at the market, or waiting where a tick may fill it."""
    limit = chance.choice([None, None, "99.5", "100.5"])
    return services.order_create(
        account=account,
        symbol="ACME",
        asset_type=AssetType.STOCK,
        side=chance.choice([Side.BUY, Side.BUY, Side.SELL, Side.SHORT]),
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        quantity=Decimal(chance.randint(1, 9)),
        limit_price=Decimal(limit) if limit else None,
    )


def settled(account, venue):
    """Let the venue behave, move its price through every limit, and wait for the last order."""
    venue.faults.chance = 0.0
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        account_send(account_id=account.id)
        for price in (90, 110, 100):
            venue.exchange.tick("ACME", price)
        orders_sweep()
        account_reconcile(account_id=account.id)
        if not Order.objects.exclude(status__in=FINAL_STATUSES).exists():
            return
        time.sleep(0.05)
    raise AssertionError(Counter(Order.objects.values_list("status", flat=True)))


def check(account, venue, placed):
    """Nothing twice, nothing lost, and both sides agree."""
    orders = list(Order.objects.all())
    assert len(orders) == placed, "no intent is lost"
    there = Counter(order.client_id for order in venue.exchange.orders.values())
    assert not [each for each, count in there.items() if count > 1], "no order is there twice"
    ours = {order.client_order_id: order for order in orders}
    assert there.keys() <= ours.keys()
    for order in venue.exchange.orders.values():
        mine = ours[order.client_id]
        assert (mine.status, mine.filled_quantity) == (order.status, order.filled)
    for order in orders:
        if order.client_order_id not in there:
            assert order.status in {OrderStatus.REJECTED, OrderStatus.DENIED}, order
    assert Fill.objects.count() == len(venue.exchange.trades), "each fill counts once"
    held = Position.objects.filter(account=account).values_list("quantity", flat=True)
    assert sum(held) == venue.exchange.positions().get("ACME", 0)
    account.refresh_from_db()
    assert account.mismatch == []


def test_no_order_is_doubled_or_lost_at_a_venue_that_misbehaves(account, venue):
    chance = random.Random(20_260_101)
    account_reconcile(account_id=account.id)
    venue.faults.chance = 0.25
    for number in range(PLACED):
        place(account, chance)
        account_send(account_id=account.id)
        if number % 5 == 0:
            venue.exchange.tick("ACME", chance.choice(["99", "100", "101"]))
            orders_sweep()
        if number % 40 == 20:
            venue.stop()
            place(account, chance)
            account_send(account_id=account.id)
            venue.start()
    settled(account, venue)
    assert venue.requests.count(("POST", "/v2/orders")) <= Order.objects.count()
    check(account, venue, PLACED + len(range(20, PLACED, 40)))


def test_no_order_is_doubled_or_lost_when_the_sender_is_killed(account, venue):
    chance = random.Random(20_260_102)
    account_reconcile(account_id=account.id)
    venue.faults.modes = ("delay",)
    venue.faults.chance = 0.5
    deaths = placed = 0
    while deaths < KILLED:
        for _ in range(3):
            place(account, chance)
            placed += 1
        deaths += _send_and_kill(account.id, after_s=chance.uniform(0.0, 0.12))
        time.sleep(0.3 if deaths % 4 else 0.6)
        if deaths % 5 == 0:
            orders_sweep()
    settled(account, venue)
    check(account, venue, placed)


def _send_and_kill(account_id, *, after_s):
    """Send in a process of its own, and kill it with -9; return whether it was still at work."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            account_send(account_id=account_id)
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return int(os.WIFSIGNALED(status))
