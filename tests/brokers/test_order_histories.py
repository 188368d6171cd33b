"""Whatever happens in whatever order, what must hold of orders, fills and positions holds."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers import services
from brokers.adapters.base import Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, OrderEvent, Position
from brokers.reconciling import account_reconcile
from brokers.recording import venue_order_record
from brokers.sweeping import orders_sweep
from brokers.transitions import ALLOWED
from core.errors import ApplicationError
from market.models import Instrument
from tests.venue.direct import DirectBroker, Killed

OUTCOMES = ("ok", "ok", "silent", "lost", "refused", "killed_before", "killed_after")
number = st.integers(0, 5)
action = st.one_of(
    st.tuples(st.just("place"), st.sampled_from(OUTCOMES), st.sampled_from([None, 90, 110])),
    st.tuples(st.just("cancel"), st.sampled_from(OUTCOMES[:5]), number),
    st.tuples(st.just("replace"), st.sampled_from(OUTCOMES[:5]), number),
    st.tuples(st.just("fill"), st.integers(1, 4), number),
    st.tuples(st.just("venue_cancels"), st.none(), number),
    st.tuples(st.just("old_news"), st.none(), number),
    st.tuples(st.just("keep_news"), st.none(), number),
    st.tuples(st.just("time_passes"), st.none(), number),
    st.tuples(st.just("restart"), st.none(), number),
)


class World:
    def __init__(self, owner, venue):
        Instrument.objects.create(symbol="ACME")
        self.account = BrokerAccount.objects.create(owner=owner, kind="alpaca", name="Test")
        self.venue = venue
        self.venue.exchange.fills_at_once = False
        self.news = []

    def order(self, index):
        rows = list(Order.objects.order_by("created_at", "id"))
        return rows[index % len(rows)] if rows else None

    def there(self, index):
        rows = list(self.venue.exchange.orders.values())
        return rows[index % len(rows)] if rows else None

    def step(self, what, how, index):
        with suppress(ApplicationError, Killed):  # refused by us, or the sender died
            getattr(self, what)(how, index)
        self.venue.plan.clear()

    def place(self, outcome, limit):
        services.order_create(
            account=self.account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
            order_type=OrderType.LIMIT if limit else OrderType.MARKET, quantity=Decimal(4),
            limit_price=Decimal(limit) if limit else None,
        )  # fmt: skip
        self.venue.plan.append(outcome)
        account_send(account_id=self.account.id)

    def cancel(self, outcome, index):
        if order := self.order(index):
            services.order_cancel(order=order)
            self.venue.plan.append(outcome)
            order_change(order_id=order.id)

    def replace(self, outcome, index):
        if order := self.order(index):
            services.order_replace(order=order, quantity=Decimal(5))
            self.venue.plan.append(outcome)
            account_send(account_id=self.account.id)
            order_change(order_id=order.id)

    def fill(self, units, index):
        if (order := self.there(index)) and order.filled < order.quantity:
            self.venue.exchange.fill(order, min(units, order.quantity - order.filled))

    def venue_cancels(self, _, index):
        if (order := self.there(index)) and order.status in {"new", "partially_filled"}:
            order.status = "canceled"

    def keep_news(self, _, index):
        if order := self.there(index):
            self.news.append(self.venue.told(order))

    def old_news(self, _, index):
        if self.news:
            told = self.news[index % len(self.news)]
            for order in Order.objects.filter(client_order_id=told.client_order_id):
                venue_order_record(order_id=order.id, venue=told)

    def time_passes(self, _, index):
        self.restart(None, 0)
        orders_sweep()

    def restart(self, _, index):
        """Leases lapse, as of a process that was killed."""
        past = timezone.now() - timedelta(seconds=200)
        Order.objects.update(submitted_at=past, updated_at=past, ask_at=None)
        Order.objects.filter(leased_until__isnull=False).update(leased_until=past)
        BrokerAccount.objects.filter(sender_until__isnull=False).update(sender_until=past)

    def settle(self):
        for _ in range(4):
            self.restart(None, 0)
            account_send(account_id=self.account.id)
            orders_sweep()
            account_reconcile(account_id=self.account.id)


def check(world):
    exchange = world.venue.exchange
    sent = world.venue.sent
    assert len(sent) == len(set(sent)), "nothing is sent twice"
    there = {order.client_id: order for order in exchange.orders.values()}
    assert len(there) == len(exchange.orders)
    for order in Order.objects.all():
        assert order.status not in {OrderStatus.UNKNOWN, OrderStatus.SUBMITTING}
        assert order.filled_quantity == sum(fill.quantity for fill in order.fills.all())
        assert (order.status == OrderStatus.FILLED) == (order.filled_quantity >= order.quantity)
        theirs = there.get(order.client_order_id)
        assert order.filled_quantity == (theirs.filled if theirs else 0)
        if theirs and theirs.status in {"new", "partially_filled"}:
            assert order.status in {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED}
        last = OrderStatus.CREATED
        for event in OrderEvent.objects.filter(order=order).order_by("created_at", "id"):
            assert event.old_status == last, "a history has no gap"
            resized = event.old_status == event.new_status and event.note
            assert resized or (event.old_status, event.new_status) in ALLOWED
            last = event.new_status
        assert order.status == last
    assert Fill.objects.count() == len(exchange.trades)
    held = sum(Position.objects.values_list("quantity", flat=True))
    assert held == exchange.positions().get("ACME", 0)
    world.account.refresh_from_db()
    assert world.account.state == AccountState.ACTIVE


@pytest.mark.django_db
@pytest.mark.parametrize("replacing", [Replacing.IN_PLACE, Replacing.NEW_ORDER])
def test_what_must_hold_holds_after_any_history(replacing, django_user_model):
    owner = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    before = ADAPTERS._made.get("alpaca")

    @settings(max_examples=25)
    @given(st.lists(action, min_size=3, max_size=14))
    def run(history):
        with transaction.atomic():
            ADAPTERS._made["alpaca"] = DirectBroker(replacing)
            world = World(owner, ADAPTERS._made["alpaca"])
            for step in history:
                world.step(*step)
            world.settle()
            check(world)
            transaction.set_rollback(True)

    try:
        run()
    finally:
        ADAPTERS._made.pop("alpaca", None)
        if before:
            ADAPTERS._made["alpaca"] = before
