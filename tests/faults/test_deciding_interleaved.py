"""Whoever interrupts whom while a bar is decided on: bought once, guarded once, sold once."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from brokers import tasks
from brokers.adapters.base import Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AccountState, AssetType
from brokers.deployments import tasks as deployment_tasks
from brokers.deployments.choices import DeploymentState
from brokers.deployments.following import deployment_follow
from brokers.deployments.services import deployment_pause, deployment_stop
from brokers.deployments.stopping import position_of
from brokers.deployments.ticking import deployments_decide
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Deployment, Order
from brokers.recording import WORKING, venue_order_record
from brokers.services.stopping import kill_switch
from tests.brokers.deployments.replaying import Venue
from tests.brokers.deployments.test_take_profit_remote import (
    FLAT,
    TOUCHED,
    bars_touching,
    graph_guarded,
)
from tests.faults.interleaving import ANYWHERE, Interrupted, Stage, schedules

# Without it one after the other only, which takes a tenth of the time, and fewer of them.
SWITCHES = int(os.environ.get("SWITCHES", "0"))
BESIDE_BUYING = ["tick", "stop"]
WHILE_HOLDING = [("tick", "touch"), ("stop", "touch"), ("kill", "touch")]
if SWITCHES:
    BESIDE_BUYING += ["follow", "pause", "kill"]
    WHILE_HOLDING += [
        ("tick", "tick"), ("tick", "follow"), ("tick", "stop"), ("tick", "pause"),
        ("tick", "kill"), ("follow", "touch"),
    ]  # fmt: skip
SYMBOL, UNITS = "REPLAY", 10
TASKS = {
    task.name: task for task in (tasks.submit, tasks.send, tasks.change, deployment_tasks.finish)
}
pytestmark = pytest.mark.django_db(transaction=True)


class World:
    """A deployment that buys at its first bar, with a stop below and a take-profit above."""

    def __init__(self, market, graph, broker):
        self.market, self.broker, self.at, self.asked = market, broker, FLAT, deque()
        market.account = self.account = BrokerAccount.objects.create(
            owner=market.user, kind="alpaca", name=str(uuid4()), reconciled_at=timezone.now(),
            initial_cash=Decimal(10**6), buying_power=Decimal(10**6),
        )  # fmt: skip
        self.deployment = market.deploy(graph, at=FLAT)

    @property
    def now(self):
        return self.market.over(self.at)

    def tick(self):
        for _ in deployments_decide(deployment_ids=[self.deployment.id], now=self.now, send=True):
            pass
        self._work()

    def follow(self):
        deployment_follow(deployment_id=self.deployment.id, now=self.now)
        self._work()

    def stop(self):
        deployment_stop(deployment=self.deployment, liquidate=True)
        self._work()

    def pause(self):
        deployment_pause(deployment=self.deployment)
        self._work()

    def kill(self):
        kill_switch(account_ids=[self.account.id], reason="test")

    def touch(self):
        """Have the price touch the stop, and a stream tell what becomes of it."""
        self.broker.exchange.tick(SYMBOL, 89)
        for order in Order.objects.filter(account=self.account, side="sell"):
            told = self.broker.exchange.by_client_id(order.client_order_id)
            if told:
                venue_order_record(order_id=order.id, venue=self.broker.told(told[0]))

    def hold(self):
        """Be where the stop lies at the broker, and the bar is over that reached the profit."""
        for self.at in range(FLAT, TOUCHED):
            self.tick()
            self.settle()
        self.at = TOUCHED
        assert self.units == UNITS
        assert [order.type for order in self.broker.exchange.open()] == ["stop"]

    def settle(self):
        """Go on as the workers do, until nothing is left to do."""
        for _ in range(4):
            account_send(account_id=self.account.id)
            self._work()
            deployment_follow(deployment_id=self.deployment.id, now=self.now)
            TASKS["brokers.deployment_follow"](str(self.deployment.id))
            self._work()

    def _work(self):
        while self.asked:
            message = self.asked.popleft()
            if message.task in TASKS:
                TASKS[message.task](*message.args)

    @property
    def units(self):
        return self.broker.exchange.positions().get(SYMBOL, 0)

    def check(self):
        """What is held is what the book says, guarded by as much, or closed where that was asked.

        Each order of a decision was sent once.
        """
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        waiting = self.broker.exchange.open()
        state = Deployment.objects.get(id=self.deployment.id).state
        bought = [trade for trade in self.broker.exchange.trades if trade.side == "buy"]
        assert sum(trade.quantity for trade in bought) in {0, UNITS}, rows
        assert self.units in {0, UNITS}, rows
        assert len(self.broker.sent) == len(set(self.broker.sent))
        halted = BrokerAccount.objects.get(id=self.account.id).state == AccountState.HALTED
        if halted:
            assert not waiting, rows
            return
        assert position_of(self.deployment) == self.units
        if state == DeploymentState.STOPPED:
            assert (self.units, waiting) == (0, []), rows
        else:
            assert state in {DeploymentState.RUNNING, DeploymentState.PAUSED}
            guards = [(order.type, order.quantity) for order in waiting]
            assert guards == ([("stop", UNITS)] if self.units else []), rows
        assert {row.broker_order_id for row in rows if row.status in WORKING} == {
            order.id for order in waiting
        }


@pytest.fixture
def explore(django_user_model, settings, tmp_path, monkeypatch):
    """Have two things be done to a deployment at a time, in every way there is."""
    settings.BARS_URL = str(tmp_path / "bars")
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    market = Venue(user, bars_touching())
    market.past(TOUCHED + 1)
    graph = graph_guarded()
    with Stage(anywhere=ANYWHERE) as stage:

        def run(first, second, holding, switches):
            broker = Interrupted(Replacing.IN_PLACE, stage.pause)
            broker.exchange.prices[SYMBOL] = Decimal(100)
            broker.capabilities = replace(broker.capabilities, asset_types=frozenset(AssetType))
            monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
            world = World(market, graph, broker)
            monkeypatch.setattr(
                "core.outbox.services.message_send", lambda *, message: world.asked.append(message)
            )
            if holding:
                world.hold()
            places = stage.run((getattr(world, first), getattr(world, second)), switches)
            world.settle()
            world.check()
            return places

        def ways(one, other, *, holding):
            for first, second in ((one, other), (other, one)):
                assert list(schedules(partial(run, first, second, holding), SWITCHES))

        yield ways


@pytest.mark.parametrize("other", BESIDE_BUYING)
def test_a_bar_that_buys_is_decided_on_once_whoever_interrupts_whom(explore, other):
    explore("tick", other, holding=False)


@pytest.mark.parametrize(("one", "other"), WHILE_HOLDING)
def test_what_is_held_is_sold_once_whoever_interrupts_whom(explore, one, other):
    explore(one, other, holding=True)
