"""A broker that does not answer, with more accounts than there are processes: what has nothing to
do with it is done meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from brokers import silence, sweeping, tasks
from brokers.access import credentials_seal
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, Order
from market.memory import memory
from tests.venue.alpaca import AlpacaVenue

ACCOUNTS = 8
PROCESSES = 2
TIMEOUT_S = 1.0
KNOWN_S = 3.0
SILENT_S = 6.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def silent_broker(settings, django_user_model, monkeypatch):
    """The waits are ten times shorter than the platform's."""
    monkeypatch.setattr(silence, "LATE_S", 0.3)
    monkeypatch.setattr(silence, "LEFT_ALONE_S", 6)
    monkeypatch.setattr(sweeping, "RECONCILE_EVERY", timedelta(seconds=0.5))
    monkeypatch.setattr(sweeping, "ASK_WORKING_AFTER", timedelta(0))
    owner = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    for number in range(ACCOUNTS):
        account = BrokerAccount(owner=owner, kind="alpaca", name=f"No. {number}")
        account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
        account.save()
        for status in (OrderStatus.ACCEPTED, OrderStatus.UNKNOWN):
            Order.objects.create(
                owner=owner, account=account, client_order_id=str(uuid4()), symbol="ACME",
                asset_type=AssetType.STOCK, side=Side.BUY, order_type=OrderType.LIMIT,
                quantity=Decimal(1), limit_price=Decimal(1), status=status,
                submitted_at=timezone.now(),
            )  # fmt: skip
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        settings.BROKER_RATES = {}
        settings.BROKER_TIMEOUT_S = TIMEOUT_S
        venue.faults.hang_s = TIMEOUT_S * 1.2
        venue.faults.modes, venue.faults.chance = ("hang",), 1.0
        silence._until.clear()
        yield venue
        silence._until.clear()
        memory().delete(silence._key("alpaca"))


class Processes:
    """What takes tasks from one queue, the oldest first."""

    def __init__(self):
        self.tasks, self.over, self.failed = deque(), threading.Event(), []
        self.done = Counter()
        self._threads = [threading.Thread(target=self._work) for _ in range(PROCESSES)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self._threads:
            thread.join()

    def put(self, task, *args):
        self.tasks.append((task, args))

    def _work(self):
        try:
            while not self.over.is_set():
                try:
                    task, args = self.tasks.popleft()
                except IndexError:
                    time.sleep(0.005)
                    continue
                task(*args)
                self.done[getattr(task, "name", "other")] += 1
        except Exception as error:
            self.failed.append(error)
            raise
        finally:
            connections.close_all()


def test_a_broker_that_is_silent_holds_up_nothing_else(silent_broker, monkeypatch):
    waits, processes = [], Processes()
    by_name = {tasks.reconcile.name: tasks.reconcile}

    def send(name, *, args, **_):
        if name in by_name:
            processes.put(by_name[name], *args)

    def other(since):
        waits.append((since, time.monotonic() - since))

    monkeypatch.setattr("core.outbox.services.current_app.send_task", send)
    began = time.monotonic()
    with processes:
        swept = 0.0
        while (now := time.monotonic()) < began + SILENT_S:
            if now - swept > 0.5:
                swept = now
                processes.put(tasks.sweep)
            processes.put(other, now)
            time.sleep(0.05)
        processes.put(other, time.monotonic())
        time.sleep(0.2)
    assert not processes.failed
    assert processes.done[tasks.sweep.name] >= SILENT_S
    assert len(waits) > 40
    once = [wait for since, wait in waits if since < began + KNOWN_S]
    later = [wait for since, wait in waits if since >= began + KNOWN_S]
    assert max(once) < KNOWN_S, "each process waits for it once, until it is known"
    # Were both to wait, all of these would stand behind a time-out for each account.
    assert max(later) < TIMEOUT_S, "one process waits, the other is free"
