"""Whoever interrupts whom while a bar is decided on: bought once, guarded once, sold once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest

from brokers.adapters.base import Replacing
from brokers.choices import AccountState, AssetType
from brokers.deployments.choices import DeploymentState
from brokers.deployments.stopping import position_of
from brokers.models import BrokerAccount, Deployment, Order
from brokers.recording import WORKING, venue_order_record
from tests.brokers.deployments.replaying import Venue
from tests.brokers.deployments.test_take_profit_remote import (
    FLAT,
    TOUCHED,
    bars_touching,
    graph_guarded,
)
from tests.faults.deployed import SWITCHES, Deployed, ways
from tests.faults.interleaving import ANYWHERE, Interrupted, Stage

BESIDE_BUYING = ["tick", "stop"]
WHILE_HOLDING = [("tick", "touch"), ("stop", "touch"), ("kill", "touch")]
if SWITCHES:
    BESIDE_BUYING += ["follow", "pause", "kill"]
    WHILE_HOLDING += [
        ("tick", "tick"), ("tick", "follow"), ("tick", "stop"), ("tick", "pause"),
        ("tick", "kill"), ("follow", "touch"),
    ]  # fmt: skip
SYMBOL, UNITS = "REPLAY", 10
pytestmark = pytest.mark.django_db(transaction=True)


class World(Deployed):
    """A deployment that buys at its first bar, with a stop below and a take-profit above."""

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


def broker_made(pause):
    broker = Interrupted(Replacing.IN_PLACE, pause)
    broker.exchange.prices[SYMBOL] = Decimal(100)
    broker.capabilities = replace(broker.capabilities, asset_types=frozenset(AssetType))
    return broker


@pytest.fixture
def explore(django_user_model, settings, tmp_path, monkeypatch):
    """Have two things be done to a deployment at a time, in every way there is."""
    settings.BARS_URL = str(tmp_path / "bars")
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    market = Venue(user, bars_touching())
    market.past(TOUCHED + 1)
    made = partial(World, market, graph_guarded(), at=FLAT)
    with Stage(anywhere=ANYWHERE) as stage:
        yield ways(stage, monkeypatch, broker_made, made)


@pytest.mark.parametrize("other", BESIDE_BUYING)
def test_a_bar_that_buys_is_decided_on_once_whoever_interrupts_whom(explore, other):
    explore("tick", other)


@pytest.mark.parametrize(("one", "other"), WHILE_HOLDING)
def test_what_is_held_is_sold_once_whoever_interrupts_whom(explore, one, other):
    explore(one, other, "hold")
