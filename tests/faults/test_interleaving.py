"""Whoever interrupts whom, and wherever: what was to be canceled is canceled, at once.

No sweeper comes after them: it would hide what they leave behind.
"""

from __future__ import annotations

import os
from contextlib import suppress
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from brokers import services
from brokers.adapters.base import Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import FINAL_STATUSES, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order
from brokers.recording import venue_order_record
from brokers.services.stopping import kill_switch
from core.errors import Conflict
from market.models import Instrument
from tests.faults.interleaving import Stage, schedules
from tests.venue.direct import DirectBroker

SWITCHES = int(os.environ.get("SWITCHES", "1"))
ORDER = {
    "symbol": "ACME", "asset_type": AssetType.STOCK, "side": Side.BUY, "quantity": Decimal(4),
    "order_type": OrderType.LIMIT, "limit_price": Decimal(90),
}  # fmt: skip
pytestmark = pytest.mark.django_db(transaction=True)


class Interrupted(DirectBroker):
    """A venue at whose calls the other process may get its turn."""

    def __init__(self, replacing, pause):
        super().__init__(replacing)
        self.exchange.fills_at_once = False
        self.pause = pause

    def _done(self, action):
        self.pause()
        return super()._done(action)

    def _ask(self):
        self.pause()
        super()._ask()


class World:
    """An account with an order that waits at its venue, and what may be done to it at a time."""

    def __init__(self, owner, venue):
        self.venue, self.refused = venue, False
        now = timezone.now()
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

    def _work(self):
        """Do what a worker was asked for."""
        rows = Order.objects.filter(account=self.account).order_by("id")
        for order_id in rows.values_list("id", flat=True):
            order_change(order_id=order_id)

    def check(self):
        """Nothing is left open, and what is written down is what the venue has."""
        if self.refused:
            return
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        assert not self.venue.exchange.open(), rows
        assert {row.status for row in rows} <= set(FINAL_STATUSES), rows
        filled = sum(row.filled_quantity for row in rows)
        assert filled == self.venue.exchange.positions().get("ACME", 0)


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr("core.outbox.services.message_send", lambda **_: True)
    monkeypatch.setitem(ADAPTERS._made, "alpaca", None)
    with Stage() as stage:
        yield stage


@pytest.mark.parametrize("replacing", [Replacing.IN_PLACE, Replacing.NEW_ORDER])
@pytest.mark.parametrize(
    ("one", "other"),
    [("kill", "send"), ("kill", "cancel"), ("kill", "replace"), ("kill", "fill"),
     ("cancel", "fill"), ("cancel", "replace"), ("cancel", "cancel")],
)  # fmt: skip
def test_what_is_canceled_is_canceled_whoever_interrupts_whom(
    stage, django_user_model, monkeypatch, replacing, one, other
):
    Instrument.objects.create(symbol="ACME")
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")

    def run(first, second, switches):
        venue = Interrupted(replacing, stage.pause)
        monkeypatch.setitem(ADAPTERS._made, "alpaca", venue)
        world = World(user, venue)
        if "send" in (first, second):
            world.place()
        places = stage.run((getattr(world, first), getattr(world, second)), switches)
        world.check()
        return places

    assert list(schedules(partial(run, one, other), SWITCHES))
    assert list(schedules(partial(run, other, one), SWITCHES))
