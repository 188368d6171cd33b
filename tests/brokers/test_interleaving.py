"""Whoever interrupts whom, and wherever: what was to be canceled is canceled."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from brokers import services
from brokers.adapters.base import Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import FINAL_STATUSES, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order
from brokers.recording import venue_order_record
from brokers.services.stopping import kill_switch
from core.errors import ApplicationError
from market.models import Instrument
from tests.brokers.interleaving import Turns, schedules
from tests.venue.direct import DirectBroker

pytestmark = pytest.mark.django_db(transaction=True)
SWITCHES = 2


class Interrupted(DirectBroker):
    """A venue at whose calls another process may get its turn."""

    pause = staticmethod(lambda: None)

    def _done(self, action):
        self.pause()
        done = super()._done(action)
        self.pause()
        return done

    def find(self, access, ref):
        self.pause()
        found = super().find(access, ref)
        self.pause()
        return found


class World:
    """An account with an order that waits at its venue, and what may be done to it at a time."""

    def __init__(self, owner, replacing):
        self.venue = Interrupted(replacing)
        self.account = BrokerAccount.objects.create(owner=owner, kind="alpaca", name=str(uuid4()))
        self.refused = False
        ADAPTERS._made["alpaca"] = self.venue
        self.waiting = self.place()
        self.send()
        self.waiting.refresh_from_db()
        assert self.waiting.status == OrderStatus.ACCEPTED

    def place(self):
        return services.order_create(
            account=self.account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
            order_type=OrderType.LIMIT, quantity=Decimal(4), limit_price=Decimal(90),
        )  # fmt: skip

    def send(self):
        account_send(account_id=self.account.id)

    def kill(self):
        kill_switch(account_ids=[self.account.id], reason="test")

    def cancel(self):
        try:
            services.order_cancel(order=self.waiting)
        except ApplicationError:
            self.refused = True
        self.work()

    def replace(self):
        with suppress(ApplicationError):
            services.order_replace(order=self.waiting, quantity=Decimal(7))
        self.work()

    def work(self):
        """Do what a worker is asked for."""
        for order in Order.objects.filter(account=self.account).order_by("id"):
            order_change(order_id=order.id)

    def fill(self):
        """Have one unit be filled, and a stream tell it."""
        there = self.venue.exchange.by_client_id(self.waiting.client_order_id)[0]
        if there.status == "new":
            self.venue.exchange.fill(there, 1)
        venue_order_record(order_id=self.waiting.id, venue=self.venue.told(there))

    def run(self, works, switches):
        turns = Turns([getattr(self, work) for work in works], switches)
        self.venue.pause = turns.pause
        return turns.run()

    def check(self):
        """Nothing is left open, and what is written down is what the venue has."""
        rows = list(Order.objects.filter(account=self.account))
        statuses = [(row.symbol, row.status, row.reason) for row in rows]
        assert not self.venue.exchange.open(), statuses
        assert {row.status for row in rows} <= set(FINAL_STATUSES), statuses
        filled = sum(row.filled_quantity for row in rows)
        assert filled == self.venue.exchange.positions().get("ACME", 0)


@pytest.fixture
def world(user, monkeypatch):
    monkeypatch.setattr("core.outbox.services.message_send", lambda **_: True)
    monkeypatch.setitem(ADAPTERS._made, "alpaca", None)
    Instrument.objects.create(symbol="ACME")
    return partial(World, user)


@pytest.mark.parametrize("replacing", [Replacing.IN_PLACE, Replacing.NEW_ORDER])
@pytest.mark.parametrize(
    ("one", "other"),
    [("kill", "send"), ("kill", "cancel"), ("kill", "replace"), ("kill", "fill"),
     ("cancel", "fill"), ("cancel", "replace"), ("cancel", "cancel")],
)  # fmt: skip
def test_what_is_canceled_is_canceled_whoever_interrupts_whom(world, replacing, one, other):
    for works in ((one, other), (other, one)):
        made = world(replacing)
        places = made.run(works, ())
        made.check()
        for switches in schedules(places, SWITCHES):
            made = world(replacing)
            if "send" in works:
                made.place()
            made.run(works, switches)
            if not made.refused:
                made.check()
