"""Whoever interrupts whom, and wherever: what was to be canceled is canceled, at once.

No sweeper comes after them: it would hide what they leave behind.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from brokers import services, tasks
from brokers.adapters.base import Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.beginning import Beginning
from brokers.choices import (
    FINAL_STATUSES,
    WORKING_STATUSES,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order
from brokers.reconciling import account_reconcile
from brokers.recording import WORKING, venue_order_record
from brokers.resolving import orders_ask
from brokers.services.intents import Draft, Intent, intents_create
from brokers.services.stopping import kill_switch
from core.errors import Conflict
from market.models import Instrument
from tests.faults.interleaving import ANYWHERE, Interrupted, Stage, schedules

SWITCHES = int(os.environ.get("SWITCHES", "1"))
ORDER = {
    "symbol": "ACME", "asset_type": AssetType.STOCK, "side": Side.BUY, "quantity": Decimal(4),
    "order_type": OrderType.LIMIT, "limit_price": Decimal(90),
}  # fmt: skip
TASKS = {task.name: task for task in (tasks.submit, tasks.send, tasks.change)}
pytestmark = pytest.mark.django_db(transaction=True)


class World:
    """An account with an order that waits at its venue, and what may be done to it at a time."""

    def __init__(self, owner, venue):
        self.venue, self.refused, self.asked = venue, False, deque()
        now = timezone.now()
        self.intent = Intent(
            deployment_id=uuid4(), bar_ts=timezone.now(), node="buy", time_in_force=TimeInForce.GTC,
            **ORDER,
        )  # fmt: skip
        self.account = BrokerAccount.objects.create(
            owner=owner, kind="alpaca", name=str(uuid4()), reconciled_at=now
        )
        self.waiting = Order.objects.create(
            owner=owner, account=self.account, client_order_id="waiting", submitted_at=now,
            status=OrderStatus.ACCEPTED, **ORDER,
        )  # fmt: skip
        self.there = venue.exchange.place(
            client_id="waiting", symbol="ACME", side="buy", type="limit", quantity=Decimal(4),
            limit=Decimal(90),
        )  # fmt: skip
        Order.objects.filter(id=self.waiting.id).update(broker_order_id=self.there.id)

    def place(self):
        services.order_create(account=self.account, **ORDER)

    def send(self):
        account_send(account_id=self.account.id)
        self._work()

    def decide(self):
        """Decide on a bar, and send what comes of it from there; twice is once."""
        beginning = Beginning()
        with transaction.atomic():
            transaction.on_commit(beginning.finish, robust=True)
            intents_create([Draft(self.account, self.intent)], begin=beginning.begin)
        self._work()

    def kill(self):
        kill_switch(account_ids=[self.account.id], reason="test")

    def cancel(self):
        try:
            services.order_cancel(order=self.waiting)
        except Conflict:  # it has been replaced
            self.refused = True
        self._work()

    def replace(self):
        with suppress(Conflict):
            services.order_replace(order=self.waiting, quantity=Decimal(7))
        self._work()

    def fill(self):
        """Have one unit be filled, and a stream tell it."""
        if self.there.status == "new":
            self.venue.exchange.fill(self.there, 1)
        venue_order_record(order_id=self.waiting.id, venue=self.venue.told(self.there))

    def reconcile(self):
        account_reconcile(account_id=self.account.id)
        self._work()

    def sweep(self):
        """Look after all of them, as if they had waited for it."""
        orders_ask(
            Order.objects.filter(account=self.account, status__in=WORKING_STATUSES).select_related(
                "account"
            )
        )

    def _work(self):
        """Do what a worker was asked for."""
        while self.asked:
            message = self.asked.popleft()
            TASKS[message.task](*message.args)

    def check(self):
        """Nothing is left open, and what is written down is what the venue has."""
        if self.refused:
            return
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        assert not self.venue.exchange.open(), rows
        assert {row.status for row in rows} <= set(FINAL_STATUSES), rows
        filled = sum(row.filled_quantity for row in rows)
        assert filled == self.venue.exchange.positions().get("ACME", 0)

    def agree(self):
        """What is written down is what the venue has, and nothing was sent twice."""
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        there = self.venue.exchange.orders
        assert {row.status for row in rows} <= {*WORKING, *FINAL_STATUSES}, rows
        assert sorted(row.broker_order_id for row in rows if row.broker_order_id) == sorted(there)
        working = {row.broker_order_id: row.quantity for row in rows if row.status in WORKING}
        assert working == {each.id: each.quantity for each in self.venue.exchange.open()}
        filled = sum(row.filled_quantity for row in rows)
        assert filled == self.venue.exchange.positions().get("ACME", 0)
        assert not BrokerAccount.objects.get(id=self.account.id).mismatch
        assert len(self.venue.sent) == len(set(self.venue.sent))


def pairs(*given):
    """Return who interrupts whom, and how the venue replaces where that matters."""
    return [
        pytest.param(one, other, replacing, id=f"{one}-{other}-{replacing}")
        for one, other in given
        for replacing in (Replacing.IN_PLACE, Replacing.NEW_ORDER)
        if replacing == Replacing.IN_PLACE or "replace" in {one, other}
    ]


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setitem(ADAPTERS._made, "alpaca", None)
    with Stage(anywhere=ANYWHERE) as stage:
        yield stage


@pytest.fixture
def explore(stage, django_user_model, monkeypatch):
    """Have two things be done to an order at a time, in every way there is."""
    Instrument.objects.create(symbol="ACME")
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")

    def run(replacing, first, second, check, switches):
        venue = Interrupted(replacing, stage.pause)
        venue.exchange.fills_at_once = False
        monkeypatch.setitem(ADAPTERS._made, "alpaca", venue)
        world = World(user, venue)
        monkeypatch.setattr(
            "core.outbox.services.message_send", lambda *, message: world.asked.append(message)
        )
        if "send" in (first, second):
            world.place()
        places = stage.run((getattr(world, first), getattr(world, second)), switches)
        check(world)
        return places

    def ways(replacing, one, other, check):
        for first, second in ((one, other), (other, one)):
            assert list(schedules(partial(run, replacing, first, second, check), SWITCHES))

    return ways


CANCELED = pairs(
    ("kill", "decide"), ("kill", "send"), ("kill", "replace"), ("cancel", "fill"),
    ("cancel", "replace"),
)  # fmt: skip
AGREED = pairs(("decide", "send"), ("send", "reconcile"), ("replace", "reconcile"))
if "SWITCHES" in os.environ:  # of `make faults`
    CANCELED += pairs(
        ("kill", "cancel"), ("kill", "fill"), ("kill", "kill"), ("cancel", "cancel"),
        ("cancel", "reconcile"),
    )  # fmt: skip
    AGREED += pairs(
        ("decide", "decide"), ("decide", "reconcile"), ("decide", "fill"), ("send", "send"),
        ("send", "fill"), ("send", "replace"), ("replace", "replace"), ("replace", "fill"),
        ("replace", "sweep"), ("fill", "fill"), ("fill", "reconcile"), ("fill", "sweep"),
        ("reconcile", "reconcile"),
    )  # fmt: skip


@pytest.mark.parametrize(("one", "other", "replacing"), CANCELED)
def test_what_is_canceled_is_canceled_whoever_interrupts_whom(explore, one, other, replacing):
    explore(replacing, one, other, World.check)


@pytest.mark.parametrize(("one", "other", "replacing"), AGREED)
def test_nothing_is_sent_twice_and_what_is_there_is_known_whoever_interrupts_whom(
    explore, one, other, replacing
):
    explore(replacing, one, other, World.agree)
