"""Whoever interrupts whom while streams tell of orders, and others trade on the same account.

What is filled counts once, whoever tells it; what was to be canceled is canceled; and what an
account had before it was connected is taken over once. No sweeper comes after them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from decimal import Decimal
from functools import partial

import pytest

from brokers import tasks
from brokers.adapters.base import Replacing, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import FINAL_STATUSES, AccountState, OrderStatus
from brokers.models import BrokerAccount, Order, Position
from brokers.reconciling import account_reconcile
from brokers.recording import WORKING
from brokers.resolving import orders_resolve
from brokers.services.accounts import account_sync
from brokers.streams.base import Update
from brokers.streams.lines import Heard
from brokers.streams.listening import News
from core.errors import Conflict
from market.models import Instrument
from tests.faults import test_interleaving as orders
from tests.faults.interleaving import ANYWHERE, Interrupted, Stage, schedules

SWITCHES = int(os.environ.get("SWITCHES", "1"))
TASKS = orders.TASKS | {task.name: task for task in (tasks.look, tasks.reconcile)}
OURS = 4
pytestmark = pytest.mark.django_db(transaction=True)


class World(orders.World):
    """An account with an order that waits at its venue, whose stream tells of all that happens."""

    def _work(self):
        while self.asked:
            message = self.asked.popleft()
            TASKS[message.task](*message.args)

    def hear(self, *told):
        News().take(Heard([(self.account.id, update) for update in told], set()))
        self._work()

    def update(self, there, *, executions=True, **changes):
        """What a stream says of an order: with its fills, or only how much they are."""
        venue = self.venue.told(there, fills=executions)
        fields = {name: getattr(venue, name) for name in VenueOrder.__dataclass_fields__}
        return Update(VenueOrder(**fields | changes), filled=there.filled)

    def new(self, there):
        """What a stream said of an order before anything was filled."""
        status = OrderStatus.ACCEPTED
        return Update(self.update(there, executions=(), status=status).order, filled=Decimal(0))

    def stream(self):
        """Have one unit be filled; the stream tells, twice, and that the order is new after it."""
        self._filled(1)
        told = [self.update(each) for each in self.venue.exchange.orders.values()]
        self.hear(*told, *map(self.new, self.venue.exchange.orders.values()), *told)

    def sums(self):
        """Have one unit be filled at a venue whose stream only says how much is."""
        self._filled(1)
        self.hear(
            *(self.update(each, executions=False) for each in self.venue.exchange.orders.values()),
            *map(self.new, self.venue.exchange.orders.values()),
        )

    def complete(self):
        """Have all be filled that was ordered at first, and the stream tell it."""
        self._filled(OURS)
        self.hear(*(self.update(each) for each in self.venue.exchange.orders.values()))

    def news(self):
        """Have the stream tell how everything stands, twice."""
        told = [self.update(each) for each in self.venue.exchange.orders.values()]
        self.hear(*told, *told)

    def resolve(self):
        orders_resolve(Order.objects.filter(account=self.account))

    def _filled(self, units):
        if self.there.status == "new":
            self.venue.exchange.fill(self.there, units)


class Lost(World):
    """The reply to the order was lost: it is not known whether it is at its venue, where it is."""

    def __init__(self, owner, venue):
        super().__init__(owner, venue)
        Order.objects.filter(id=self.waiting.id).update(
            status=OrderStatus.UNKNOWN, broker_order_id=""
        )


class Shared(World):
    """Somebody else orders on the same account: ten are held, six more wait, two came of them."""

    reconciled = True
    state = AccountState.ACTIVE

    def __init__(self, owner, venue):
        super().__init__(owner, venue)
        place = partial(venue.exchange.place, symbol="ACME", side="buy")
        held = place(client_id="held", type="market", quantity=Decimal(10))
        venue.exchange.fill(held, 10)
        self.theirs = place(
            client_id="theirs", type="limit", quantity=Decimal(6), limit=Decimal(80)
        )
        venue.exchange.fill(self.theirs, 2)
        BrokerAccount.objects.filter(id=self.account.id).update(reconciled_at=None)
        if self.reconciled:
            account_reconcile(account_id=self.account.id)

    def theirs_fill(self):
        """Have more of what others ordered be filled, and the stream tell it."""
        self.venue.exchange.fill(self.theirs, 1)
        self.hear(self.update(self.theirs), self.new(self.theirs))

    def both_fill(self):
        """Have what others ordered and what we ordered be filled, and the stream tell it."""
        self._filled(1)
        self.venue.exchange.fill(self.theirs, 1)
        self.hear(self.update(self.there), self.update(self.theirs))

    def others(self):
        """Have somebody order more."""
        more = self.venue.exchange.place(
            client_id="more", symbol="ACME", side="buy", type="limit", quantity=Decimal(3),
            limit=Decimal(70),
        )  # fmt: skip
        self.venue.exchange.fill(more, 1)

    def agree(self):
        """What is held and what waits is that of the venue, and never was found to differ."""
        account_reconcile(account_id=self.account.id)
        rows = list(Order.objects.filter(account=self.account).order_by("id"))
        assert {row.status for row in rows} <= {*WORKING, *FINAL_STATUSES}, rows
        working = {row.broker_order_id: row.quantity for row in rows if row.status in WORKING}
        assert working == {each.id: each.quantity for each in self.venue.exchange.open()}
        (held,) = Position.objects.filter(account=self.account)
        assert held.quantity == self.venue.exchange.positions()["ACME"]
        assert sum(row.filled_quantity for row in rows) == held.quantity
        account = BrokerAccount.objects.get(id=self.account.id)
        assert (account.mismatch, account.state) == ([], self.state)
        assert len(self.venue.sent) == len(set(self.venue.sent))


class Connected(Shared):
    """The same, and it was never compared with its venue."""

    reconciled = False


class Halted(Shared):
    """The same, and the venue had five more than it told of: its owner takes them over."""

    state = AccountState.HALTED

    def __init__(self, owner, venue):
        super().__init__(owner, venue)
        given = venue.exchange.place(
            client_id="given", symbol="ACME", side="buy", type="market", quantity=Decimal(5)
        )
        venue.exchange.fill(given, 5)
        account_reconcile(account_id=self.account.id)

    def adopt(self):
        with suppress(Conflict):  # another does it
            account_sync(account=self.account, adopt=True)
        self._work()


@pytest.fixture
def explore(django_user_model, monkeypatch):
    """Have two things be done on an account at a time, in every way there is."""
    Instrument.objects.create(symbol="ACME")
    user = django_user_model.objects.create_user("faults@example.com", "correct horse battery")
    monkeypatch.setitem(ADAPTERS._made, "alpaca", None)
    monkeypatch.setattr("brokers.reconciling.LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr("brokers.resolving.FOLLOW_S", (0.0,))
    with Stage(anywhere=ANYWHERE) as stage:

        def run(made, replacing, first, second, check, switches):
            venue = Interrupted(replacing, stage.pause)
            venue.exchange.fills_at_once = False
            monkeypatch.setitem(ADAPTERS._made, "alpaca", venue)
            monkeypatch.setattr("core.outbox.services.message_send", lambda **_: None)
            world = made(user, venue)
            monkeypatch.setattr(
                "core.outbox.services.message_send",
                lambda *, message: world.asked.append(message),
            )
            if "send" in (first, second):
                world.place()
            places = stage.run((getattr(world, first), getattr(world, second)), switches)
            getattr(world, check)()
            return places

        def ways(made, replacing, one, other, check):
            for first, second in ((one, other), (other, one)):
                each = partial(run, made, replacing, first, second, check)
                assert list(schedules(each, SWITCHES))

        yield ways


TOLD = [("stream", "reconcile"), ("complete", "replace")]
CANCELED = [(Lost, "cancel", "news")]
OTHERS = [(Shared, "theirs_fill", "theirs_fill")]
if "SWITCHES" in os.environ:  # of `make faults`
    TOLD += [
        ("stream", "send"), ("stream", "cancel"), ("stream", "replace"), ("stream", "stream"),
        ("stream", "sweep"), ("stream", "resolve"), ("sums", "send"), ("sums", "replace"),
        ("sums", "reconcile"), ("sums", "stream"), ("complete", "send"), ("complete", "sweep"),
        ("complete", "reconcile"),
    ]  # fmt: skip
    CANCELED += [
        (World, "kill", "news"), (World, "kill", "sums"), (World, "cancel", "news"),
        (Lost, "kill", "news"), (Lost, "kill", "sums"), (Lost, "kill", "stream"),
        (Lost, "kill", "reconcile"), (Lost, "kill", "resolve"), (Lost, "cancel", "resolve"),
        (Lost, "cancel", "reconcile"),
    ]  # fmt: skip
    OTHERS += [
        (Shared, "reconcile", "both_fill"), (Shared, "reconcile", "theirs_fill"),
        (Shared, "reconcile", "others"), (Shared, "reconcile", "send"),
        (Shared, "reconcile", "replace"), (Shared, "theirs_fill", "send"),
        (Shared, "theirs_fill", "sweep"),
        (Connected, "reconcile", "theirs_fill"), (Connected, "reconcile", "others"),
        (Connected, "reconcile", "send"), (Connected, "reconcile", "reconcile"),
        (Connected, "reconcile", "decide"), (Halted, "adopt", "adopt"),
        (Halted, "adopt", "reconcile"), (Halted, "adopt", "theirs_fill"),
        (Halted, "adopt", "both_fill"), (Connected, "reconcile", "both_fill"),
    ]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "replacing"), orders.pairs(*TOLD))
def test_what_a_stream_tells_counts_once_whoever_interrupts_it(explore, one, other, replacing):
    explore(World, replacing, one, other, "agree")


@pytest.mark.parametrize(("made", "one", "other"), CANCELED)
def test_what_is_canceled_is_canceled_whoever_finds_it_at_its_venue(explore, made, one, other):
    explore(made, Replacing.IN_PLACE, one, other, "check")


@pytest.mark.parametrize(("made", "one", "other"), OTHERS)
def test_what_others_trade_counts_once_whoever_interrupts_whom(explore, made, one, other):
    explore(made, Replacing.IN_PLACE, one, other, "agree")
