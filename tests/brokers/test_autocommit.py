"""What runs outside of a transaction in a worker or a view, as it does there: each call commits.

Other tests run inside a transaction, where what needs one is not missed.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers import services, tasks
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order
from brokers.services.stopping import kill_switch
from core.realtime.models import Event
from market.models import Instrument
from tests.venue.direct import DirectBroker

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancels_and_the_kill_switch_commit_each_step(user, monkeypatch):
    broker = DirectBroker()
    monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
    monkeypatch.setattr("core.outbox.services.message_send", lambda **_: True)
    Instrument.objects.create(symbol="ACME")
    account = BrokerAccount.objects.create(owner=user, kind="alpaca", name="Test")

    def waits():
        order = services.order_create(
            account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
            order_type=OrderType.LIMIT, quantity=Decimal(1), limit_price=Decimal(90),
        )  # fmt: skip
        account_send(account_id=account.id)
        return order

    first, second, third = waits(), waits(), waits()
    services.order_cancel(order=Order.objects.get(id=first.id))
    tasks.change(str(first.id))
    # Ours is not remote, so its cancels are made one by one.
    local = replace(broker.capabilities, remote=False)
    monkeypatch.setattr(broker, "capabilities", local)
    stopped = kill_switch(account_ids=[account.id], reason="a test")
    assert (stopped.canceled, stopped.pending) == (2, 0)
    states = set(Order.objects.values_list("status", flat=True))
    assert states == {OrderStatus.CANCELED}
    assert {second.id, third.id} < set(Order.objects.values_list("id", flat=True))
    assert Event.objects.filter(topic="orders").exists()
