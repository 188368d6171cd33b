"""Whoever interrupts whom around the legs of an option position: both are held, or none is.

Nothing is sold that is not covered, contracts that are over end once, and of what was stopped
nothing stays.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from brokers import tasks
from brokers.adapters.base import Replacing, VenuePosition
from brokers.choices import FINAL_STATUSES, AccountState, AssetType, Side
from brokers.deployments.choices import DeploymentState
from brokers.deployments.contracts import contracts_forget
from brokers.deployments.drifting import drift_compare
from brokers.deployments.services import deployment_resume
from brokers.models import BookEntry, BrokerAccount, Deployment, Order, Position
from brokers.reconciling import account_reconcile
from brokers.recording import WORKING
from brokers.streams.base import Update
from brokers.streams.taking import orders_look, updates_take
from tests.brokers.deployments.option_graphs import graph
from tests.brokers.deployments.replaying import Venue
from tests.brokers.deployments.test_option_remote import AT, LENGTH, bars_until_today
from tests.faults.deployed import SWITCHES, Deployed, ways
from tests.faults.interleaving import ANYWHERE, Interrupted, Stage

UNITS = 2
SHARES = Decimal(100 * UNITS)
SPREAD = {
    "operation": "vertical", "right": "put", "side": "buy", "width": 10, "quantity": UNITS,
    "expiry": {"dte": 21, "policy": "nearest"},
}  # fmt: skip
pytestmark = pytest.mark.django_db(transaction=True)


class Broker(Interrupted):
    """A broker where contracts trade at 2.5, and may turn into shares over night."""

    def __init__(self, pause):
        super().__init__(Replacing.IN_PLACE, pause)
        self.capabilities = replace(self.capabilities, asset_types=frozenset(AssetType))
        self.exchange.prices["REPLAY"] = Decimal(96)
        self.exchange.fills_at_once = False
        self.became, self.over, self.uncovered = {}, set(), False

    def submit(self, access, request):
        if request.symbol not in self.over:
            self.exchange.prices.setdefault(request.symbol, Decimal("2.5"))
        if self.uncovered and request.side == Side.SHORT:
            self.plan.append("refused")
        return super().submit(access, request)

    def become(self, symbol, shares=Decimal(0)):
        """Have what is held of a contract be gone, and shares be there; nobody trades it then."""
        self.became[symbol] = self.became.get(symbol, 0) - self.held[symbol]
        self.became["REPLAY"] = self.became.get("REPLAY", 0) + shares
        self.over.add(symbol)
        del self.exchange.prices[symbol]
        for order in self.exchange.open():
            if order.symbol == symbol:
                order.status = "canceled"

    def positions(self, access):
        self._ask()
        return [VenuePosition(symbol, units, Decimal(2)) for symbol, units in self.held.items()]

    @property
    def held(self):
        """What is held by the fills, and by what became of contracts."""
        held = self.exchange.positions()
        for symbol, units in self.became.items():
            held[symbol] = held.get(symbol, 0) + units
        return {symbol: units for symbol, units in held.items() if units}


class World(Deployed):
    """A deployment that buys puts near the price, and sells as many further below it."""

    TASKS = (*Deployed.TASKS, tasks.look)

    def fill(self):
        """Have all that waits be filled, and a stream tell it."""
        self.trade()
        self.tell()

    def lose(self):
        """Have a half of what waits be filled and the rest be canceled, and a stream tell it."""
        for order in self.broker.exchange.open():
            self.broker.exchange.fill(order, order.quantity / 2)
            order.status = "canceled"
        self.tell()

    def assign(self):
        """Have the puts that were sold be exercised over night, and see it."""
        for symbol, units in self.broker.held.items():
            if units < 0:
                self.broker.become(symbol, SHARES)
        account_reconcile(account_id=self.account.id)
        self.work()

    def expire(self):
        """Have all contracts expire, worth nothing, and see it."""
        for symbol in self.broker.held:
            self.broker.become(symbol)
        ended = timezone.now() - timedelta(seconds=1)
        Position.objects.filter(account=self.account).update(expires_at=ended)
        account_reconcile(account_id=self.account.id)
        self.work()

    def drift(self):
        """Compare the sessions that are over with the backtester."""
        deployment = Deployment.objects.get(id=self.deployment.id)
        drift_compare(deployment=deployment, now=self.now + timedelta(days=1))

    def tell(self):
        """Have the stream tell how everything stands."""
        updates = [
            (self.account.id, Update(self.broker.told(order), filled=order.filled))
            for order in self.broker.exchange.orders.values()
        ]
        orders_look(updates_take(updates).ask)
        self.work()

    def trade(self):
        for order in self.broker.exchange.open():
            self.broker.exchange.fill(order, order.quantity - order.filled)

    def wait(self):
        """Be where the purchase waits at the broker."""
        self.tick()
        assert [order.side for order in self.broker.exchange.open()] == ["buy"]

    def refused(self):
        """Be where the purchase is filled, and the sale will be refused."""
        self.wait()
        self.trade()
        self.broker.uncovered = True

    def hold(self):
        """Be where both legs are held, and the next bar is over."""
        self.tick()
        self.settle()
        assert sorted(self.broker.held.values()) == [-UNITS, UNITS]
        self.at += 1

    def settle(self):
        """Go on as the workers and the broker do."""
        if self.broker.became:  # every minute
            account_reconcile(account_id=self.account.id)
        for _ in range(5):
            self.send()
            self.trade()
            self.sweep()

    def finish(self):
        """Go on until nothing is left to do, with the next bar where it was paused."""
        self.settle()
        paused = Deployment.objects.filter(id=self.deployment.id, state=DeploymentState.PAUSED)
        if paused.exists():
            deployment_resume(deployment=self.deployment, now=self.now)
            self.at += 1
            self.tick()
            self.settle()

    def check(self):
        """What is held is what the book says: both legs or none, nothing where it was stopped."""
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        account = BrokerAccount.objects.get(id=self.account.id)
        state = Deployment.objects.get(id=self.deployment.id).state
        held, waiting = self.broker.held, self.broker.exchange.open()
        assert len(self.broker.sent) == len(set(self.broker.sent))
        ours = Position.objects.filter(account=account).exclude(quantity=0)
        assert dict(ours.values_list("symbol", "quantity")) == held, rows
        assert {row.status for row in rows} <= {*WORKING, *FINAL_STATUSES}, rows
        assert account.mismatch == []
        if not self.broker.became:
            self._covered()
        if account.state == AccountState.HALTED:
            assert not waiting, rows
            return
        assert self._booked() == held, rows
        assert waiting == []
        assert state in {DeploymentState.RUNNING, DeploymentState.STOPPED}
        if state == DeploymentState.STOPPED:
            assert held == {}, rows
        elif "REPLAY" not in self.broker.became:
            assert sorted(held.values()) in ([], [-UNITS, UNITS]), rows

    def _booked(self):
        held = {}
        for row in BookEntry.objects.filter(deployment=self.deployment):
            symbol = row.symbol or "REPLAY"
            if row.kind != "leg_end":
                held[symbol] = held.get(symbol, 0) + row.side * row.quantity
        return {symbol: units for symbol, units in held.items() if units}

    def _covered(self):
        """As many puts were bought, whenever some were sold."""
        units = 0
        for trade in self.broker.exchange.trades:
            units += trade.quantity if trade.side == "buy" else -trade.quantity
            assert units >= 0, self.broker.exchange.trades


@pytest.fixture
def explore(django_user_model, settings, tmp_path, monkeypatch):
    """Have two things be done to a deployment at a time, in every way there is."""
    settings.BARS_URL = str(tmp_path / "bars")
    monkeypatch.setattr("brokers.reconciling.LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr("brokers.resolving.FOLLOW_S", (0.0,))
    monkeypatch.setattr("brokers.settling.WAITED_FOR", timedelta(0))
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    market = Venue(user, bars_until_today())
    market.past(LENGTH)
    contracts_forget()
    drawn = graph([("spread", "action", SPREAD)], [("always", "spread", "when")])
    made = partial(World, market, drawn, at=AT)
    with Stage(anywhere=ANYWHERE) as stage:
        yield ways(stage, monkeypatch, Broker, made)


DECIDING = [("tick", "stop")]
WAITING = [("fill", "stop")]
REFUSED = [("follow", "stop")]
HELD = [("assign", "stop")]
if SWITCHES:
    DECIDING += [("tick", "tick"), ("tick", "follow"), ("tick", "pause"), ("tick", "kill")]
    WAITING += [
        ("fill", "tick"), ("fill", "follow"), ("fill", "pause"), ("fill", "kill"),
        ("lose", "follow"), ("lose", "tick"), ("lose", "stop"), ("lose", "pause"), ("lose", "kill"),
    ]  # fmt: skip
    REFUSED += [
        ("follow", "tick"), ("follow", "follow"), ("follow", "kill"), ("follow", "pause"),
        ("tell", "follow"),
    ]  # fmt: skip
    HELD += [
        ("assign", "tick"), ("assign", "follow"), ("assign", "kill"), ("assign", "assign"),
        ("expire", "tick"), ("expire", "stop"), ("expire", "follow"), ("expire", "kill"),
        ("expire", "expire"), ("stop", "tick"), ("drift", "tick"), ("drift", "stop"),
        ("drift", "assign"), ("drift", "drift"),
    ]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DECIDING)
def test_a_position_is_opened_once_whoever_interrupts_whom(explore, one, other):
    explore(one, other)


@pytest.mark.parametrize(("one", "other"), WAITING)
def test_nothing_is_half_open_whoever_interrupts_a_fill(explore, one, other):
    explore(one, other, "wait")


@pytest.mark.parametrize(("one", "other"), REFUSED)
def test_what_cannot_be_had_whole_is_given_up_once(explore, one, other):
    explore(one, other, "refused")


@pytest.mark.parametrize(("one", "other"), HELD)
def test_what_became_of_contracts_is_known_whoever_interrupts_whom(explore, one, other):
    explore(one, other, "hold")
