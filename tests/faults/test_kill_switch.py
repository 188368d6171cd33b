"""The kill switch while a hundred deployments trade: it cancels and blocks within two seconds, with
Redis down too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connections, transaction
from kombu.exceptions import OperationalError

from brokers import dispatch
from brokers.access import credentials_seal
from brokers.beginning import Beginning
from brokers.choices import OPEN_STATUSES, AccountState, OrderStatus, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, Order
from brokers.reconciling import account_reconcile
from brokers.services.intents import Draft, Intent, intents_create
from brokers.services.stopping import kill_switch
from market.models import Instrument

DEPLOYMENTS = 100
ACCOUNTS = 5
WITHIN_S = 2.0
TRIES = 3
ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


class Broker:
    """A broker in another process, and what it tells of itself."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/faults/venue_process.py"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.url = self.process.stdout.readline().strip()

    def report(self):
        self.process.stdin.write("report\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def venue(settings):
    broker = Broker()
    settings.BROKER_URLS = {"alpaca": broker.url}
    settings.BROKER_RATES = {}
    Instrument.objects.bulk_create(
        [Instrument(symbol=f"S{number}") for number in range(DEPLOYMENTS)]
    )
    yield broker
    broker.stop()


@pytest.fixture
def accounts(venue, django_user_model):
    owner = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    made = []
    for number in range(ACCOUNTS):
        account = BrokerAccount(owner=owner, kind="alpaca", name=f"No. {number}")
        account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
        account.save()
        account_reconcile(account_id=account.id)
        account.refresh_from_db()
        made.append(account)
    return made


@pytest.fixture
def redis_away(monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("no connection")

    monkeypatch.setattr("core.outbox.services.current_app.send_task", away)


class Trading:
    """A hundred deployments that want an order that waits on every bar, and their sender.

    `begins` says whether who decides sends what it can by itself.
    """

    def __init__(self, accounts, *, begins):
        self.accounts, self.over, self.bars = accounts, threading.Event(), 0
        self.begins = begins
        self.ids = [uuid4() for _ in range(DEPLOYMENTS)]

    @transaction.atomic
    def bar(self):
        self.bars += 1
        beginning = Beginning()
        if self.begins:
            transaction.on_commit(beginning.finish, robust=True)
        intents_create(
            [
                Draft(
                    self.accounts[number % ACCOUNTS],
                    Intent(
                        deployment_id=deployment_id, bar_ts=START + timedelta(minutes=self.bars),
                        node="buy", symbol=f"S{number}", side=Side.BUY, quantity=Decimal(1),
                        order_type=OrderType.LIMIT, limit_price=Decimal(90),
                        time_in_force=TimeInForce.GTC,
                    ),
                )
                for number, deployment_id in enumerate(self.ids)
            ],
            begin=beginning.begin if self.begins else None,
        )  # fmt: skip

    def send(self):
        dispatch.accounts_send(account_ids=[account.id for account in self.accounts])

    def go_on(self):
        """Decide and send, bar after bar, until it is over."""
        try:
            while not self.over.is_set():
                self.bar()
                self.send()
                time.sleep(0.1)
        finally:
            connections.close_all()


@pytest.mark.parametrize("begins", [False, True])
def test_it_cancels_and_blocks_within_two_seconds_without_redis(
    accounts, venue, redis_away, eventually, begins
):
    # Other tests on this machine may cost one of them its time, but none of them anything else.
    took = [_pulled(accounts, venue, eventually, begins)]
    while took[-1] >= WITHIN_S and len(took) < TRIES:
        took.append(_pulled(accounts, venue, eventually, begins))
    assert took[-1] < WITHIN_S, took


def _pulled(accounts, venue, eventually, begins):
    """Pull it while they trade; return how long it took until nothing more reached the venue."""
    BrokerAccount.objects.update(state=AccountState.ACTIVE)
    Order.objects.all().delete()
    trading = Trading(accounts, begins=begins)
    trading.bar()
    trading.send()
    assert Order.objects.filter(status=OrderStatus.ACCEPTED).count() == DEPLOYMENTS
    thread = threading.Thread(target=trading.go_on)
    thread.start()
    try:
        time.sleep(0.3)
        began = time.monotonic()
        kill_switch(account_ids=[account.id for account in accounts], reason="panic")
        took_s = time.monotonic() - began
        bars = trading.bars
        eventually(lambda: trading.bars > bars + 1)  # what is decided meanwhile is denied
    finally:
        trading.over.set()
        thread.join()
    trading.send()
    told = venue.report()
    left = Order.objects.filter(status__in=OPEN_STATUSES)
    assert not left.exists(), list(left.values_list("status", "reason_code"))
    assert told["open"] == 0, "nothing waits at the venue"
    assert Order.objects.filter(reason_code="account_halted").exists(), "they went on trading"
    assert set(BrokerAccount.objects.values_list("state", flat=True)) == {AccountState.HALTED}
    return max(took_s, *(at - began for _, at in told["arrived"]))
