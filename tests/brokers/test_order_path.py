"""The order path against a venue that loses, repeats and refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from brokers import services
from brokers.access import request_of
from brokers.adapters.base import Replacing, VenuePosition
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import AccountState, OrderStatus, Side
from brokers.dispatch import account_send
from brokers.external import position_adopt
from brokers.lease import lease_claim, lease_hold, leases_release
from brokers.models import BrokerAccount, Fill, Order, OrderEvent, Position, RiskDecision
from brokers.quotes import Quotes
from brokers.reconciling import account_reconcile
from brokers.recording import venue_order_record
from brokers.resolving import order_resolve, orders_ask
from brokers.services import stopping
from brokers.services.accounts import account_sync
from brokers.services.intents import Intent
from brokers.services.stopping import kill_switch
from brokers.sweeping import orders_sweep
from core.errors import Conflict
from core.outbox.models import OutboxMessage
from core.realtime.models import Event
from notifications.models import Alert
from tests.brokers.ordering import fresh, history, sent
from tests.venue.direct import DirectBroker, Killed

pytestmark = pytest.mark.django_db


def test_a_sender_that_lost_its_lease_sends_nothing_more(account, place, venue):
    old = lease_claim(account.id)
    assert lease_claim(account.id) is None, "one sender at a time"
    BrokerAccount.objects.update(sender_until=timezone.now() - timedelta(seconds=1))
    new = lease_claim(account.id)
    assert (new.fence, new.clean) == (old.fence + 1, False)
    assert lease_hold(old) is None
    assert lease_hold(new) is not None


def test_orders_are_sent_in_the_order_they_were_placed(place, venue):
    ids = [place(limit="90").client_order_id for _ in range(3)]
    account_send(account_id=Order.objects.first().account_id)
    assert venue.sent == ids


def test_while_an_order_is_unknown_only_reductions_of_its_symbol_pass(place, venue, account):
    assert sent(place()).status == OrderStatus.ACCEPTED
    account_reconcile(account_id=account.id)
    venue.plan.append("silent")
    unknown = sent(place())
    assert unknown.status == OrderStatus.UNKNOWN
    blocked = sent(place())
    assert (blocked.status, blocked.reason_code) == (OrderStatus.DENIED, "order_unknown")
    assert sent(place(side=Side.SELL, quantity=3)).status == OrderStatus.ACCEPTED
    order_resolve(order_id=unknown.id)
    assert fresh(unknown).status == OrderStatus.FILLED
    assert sent(place()).status == OrderStatus.ACCEPTED


def test_nothing_is_sent_before_a_reconciliation_after_a_death(place, venue, account):
    venue.plan.append("killed_after")
    order = place()
    with pytest.raises(Killed):
        account_send(account_id=account.id)
    later = place(limit="90")
    BrokerAccount.objects.update(sender_until=timezone.now() - timedelta(seconds=1))
    venue.away = True
    account_send(account_id=account.id)
    assert fresh(order).status == OrderStatus.UNKNOWN
    assert fresh(later).status == OrderStatus.CREATED, "the venue does not answer"
    venue.away = False
    account_send(account_id=account.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert (len(venue.sent), len(set(venue.sent))) == (2, 2)


def test_an_order_that_could_not_be_sent_for_long_is_not_sent_late(place, venue):
    order = place()
    Order.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert (sent(order).status, fresh(order).reason_code) == (OrderStatus.DENIED, "too_late")
    assert not venue.sent


def test_an_order_is_canceled_at_its_venue(place, venue):
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    assert fresh(order).status == OrderStatus.CANCELED
    assert history(order)[-2:] == [
        ("accepted", "pending_cancel"), ("pending_cancel", "canceled"),
    ]  # fmt: skip


def test_a_cancel_that_fails_restores_what_was_before(place, venue):
    order = sent(place(limit="90"))
    venue.exchange.fill(venue.exchange.get(order.broker_order_id), 4)
    services.order_cancel(order=order)
    venue.plan.append("refused")
    order_change(order_id=order.id)
    order = fresh(order)
    assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 4)
    assert (order.reason_code, order.cancel_requested_at) == ("refused", None)


def test_a_fill_that_is_faster_than_the_cancel_wins(place, venue):
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    venue.exchange.tick("ACME", 80)
    order_change(order_id=order.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert Position.objects.get().quantity == 10


def test_a_fill_after_the_cancel_counts(place, venue, account):
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    venue.exchange.fill(venue.exchange.get(order.broker_order_id), 4)
    account_reconcile(account_id=account.id)
    assert (fresh(order).status, fresh(order).filled_quantity) == (OrderStatus.CANCELED, 4)
    venue.exchange.fill(venue.exchange.get(order.broker_order_id), 6)
    account_reconcile(account_id=account.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert Position.objects.get().quantity == 10
    account.refresh_from_db()
    assert account.state == AccountState.ACTIVE


def test_an_order_canceled_while_its_outcome_is_unknown_is_canceled_once_it_is_found(place, venue):
    venue.plan.append("silent")
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    assert fresh(order).status == OrderStatus.UNKNOWN
    order_resolve(order_id=order.id)
    assert fresh(order).status == OrderStatus.CANCELED


def test_a_cancel_whose_process_died_is_sent_by_the_sweeper(place, venue):
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    Order.objects.update(updated_at=timezone.now() - timedelta(seconds=9))
    orders_sweep()
    assert fresh(order).status == OrderStatus.CANCELED
    assert not venue.exchange.open()


def test_an_order_that_is_being_canceled_is_not_changed(place):
    order = sent(place(limit="90"))
    services.order_cancel(order=order)
    with pytest.raises(Conflict, match="being canceled"):
        services.order_replace(order=order, quantity=Decimal(7))


def replaced_by_new(order, monkeypatch, venue):
    monkeypatch.setattr(
        venue, "capabilities", replace(venue.capabilities, replacing=Replacing.NEW_ORDER)
    )
    return services.order_replace(order=order, quantity=Decimal(7))


def test_what_was_to_replace_an_order_is_canceled_with_it(place, monkeypatch, venue):
    order = sent(place(limit="90"))
    new = replaced_by_new(order, monkeypatch, venue)
    services.order_cancel(order=order)
    assert fresh(new).status == OrderStatus.CANCELED
    order_change(order_id=order.id)
    assert fresh(order).status == OrderStatus.CANCELED
    assert len(venue.exchange.orders) == 1


def test_what_was_to_replace_an_order_that_is_filled_before_ends(
    place, monkeypatch, venue, django_capture_on_commit_callbacks
):
    order = sent(place(limit="90"))
    new = replaced_by_new(order, monkeypatch, venue)
    venue.exchange.tick("ACME", 80)
    venue_order_record(order_id=order.id, venue=venue.find(None, request_of(order)))
    Order.objects.update(updated_at=timezone.now() - timedelta(seconds=11))
    with django_capture_on_commit_callbacks() as asked:
        orders_sweep()
    assert len(asked) == 1, "its task was lost"
    order_change(order_id=order.id)
    assert (fresh(order).status, fresh(new).status) == (OrderStatus.FILLED, OrderStatus.CANCELED)
    assert fresh(new).reason_code == "not_replaced"
    assert len(venue.exchange.orders) == 1


@pytest.mark.parametrize(
    ("outcome", "quantity"), [("ok", 7), ("silent", 7), ("lost", 10), ("refused", 10)]
)
def test_a_replacement_in_place_is_what_the_venue_shows(place, venue, outcome, quantity):
    order = sent(place(limit="90"))
    services.order_replace(order=order, quantity=Decimal(7), limit_price=Decimal(91))
    assert fresh(order).status == OrderStatus.PENDING_REPLACE
    venue.plan.append(outcome)
    order_change(order_id=order.id)
    order = fresh(order)
    assert (order.status, order.quantity, order.wanted) == (OrderStatus.ACCEPTED, quantity, {})
    assert len(venue.exchange.orders) == 1


def test_an_order_that_is_smaller_at_its_venue_is_filled_by_that(place, venue, account):
    order = sent(place(limit="90"))
    services.order_replace(order=order, quantity=Decimal(7))
    venue.plan.append("lost")
    order_change(order_id=order.id)
    assert fresh(order).quantity == 10
    there = venue.exchange.get(order.broker_order_id)
    venue.exchange.change(there.id, quantity=Decimal(7))  # it comes late
    venue.exchange.fill(there, 7)
    account_reconcile(account_id=account.id)
    order = fresh(order)
    assert (order.status, order.quantity, order.filled_quantity) == (OrderStatus.FILLED, 7, 7)
    notes = OrderEvent.objects.filter(order=order).values_list("note", flat=True)
    assert "The broker has it for 7." in notes


@pytest.mark.parametrize("quantity", [7, 12])
def test_an_order_that_was_changed_by_hand_at_its_venue_is_what_it_is_there(place, venue, quantity):
    order = sent(place(limit="90"))
    venue.exchange.fill(venue.exchange.get(order.broker_order_id), 4)
    orders_ask(Order.objects.select_related("account"))
    venue.exchange.change(order.broker_order_id, quantity=Decimal(quantity))
    orders_ask(Order.objects.select_related("account"))
    orders_ask(Order.objects.select_related("account"))
    order = fresh(order)
    assert (order.status, order.quantity) == (OrderStatus.PARTIALLY_FILLED, quantity)
    assert history(order).count(("partially_filled", "partially_filled")) == 1
    shown = Event.objects.filter(type="order.partially_filled").latest("created_at")
    assert shown.data["quantity"] == str(quantity)


def test_an_answer_from_before_a_change_does_not_undo_it(place, venue):
    order = sent(place(limit="90"))
    answer = venue.find(None, request_of(order))
    services.order_replace(order=order, quantity=Decimal(7))
    order_change(order_id=order.id)
    venue_order_record(order_id=order.id, venue=answer, asked=order)
    assert fresh(order).quantity == 7


@pytest.mark.parametrize(
    ("outcome", "old_status", "new_status"),
    [
        ("ok", OrderStatus.REPLACED, OrderStatus.ACCEPTED),
        ("silent", OrderStatus.REPLACED, OrderStatus.ACCEPTED),
        ("lost", OrderStatus.ACCEPTED, OrderStatus.REJECTED),
        ("refused", OrderStatus.ACCEPTED, OrderStatus.REJECTED),
    ],
)
def test_a_replacement_by_another_order_ends_as_one_of_the_two(
    place, monkeypatch, venue, outcome, old_status, new_status
):
    broker = DirectBroker(Replacing.NEW_ORDER)
    monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
    order = sent(place(limit="90"))
    new = services.order_replace(order=order, quantity=Decimal(7))
    broker.plan.append(outcome)
    sent(new)
    sent(new)
    Order.objects.filter(id=new.id).update(submitted_at=timezone.now() - timedelta(minutes=3))
    order_resolve(order_id=new.id)
    assert (fresh(order).status, fresh(new).status) == (old_status, new_status)
    assert len(broker.exchange.open()) == 1


def test_what_replaces_an_order_passes_what_every_order_passes(place, venue, account, monkeypatch):
    order = sent(place(limit="90"))
    new = replaced_by_new(order, monkeypatch, venue)
    BrokerAccount.objects.update(state=AccountState.HALTED)
    assert (sent(new).status, fresh(new).reason_code) == (OrderStatus.DENIED, "account_halted")
    order_change(order_id=order.id)
    order = fresh(order)
    assert (order.status, order.reason_code) == (OrderStatus.ACCEPTED, "account_halted")
    assert (order.quantity, len(venue.exchange.orders)) == (10, 1)


@pytest.mark.parametrize("code", ["too_late", "order_unknown"])
def test_nor_is_a_replacement_sent_late_or_beside_what_nobody_knows(
    place, venue, account, monkeypatch, code
):
    order = sent(place(limit="90"))
    new = replaced_by_new(order, monkeypatch, venue)
    if code == "too_late":
        Order.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    else:
        Order.objects.filter(id=order.id).update(created_at=timezone.now() - timedelta(minutes=1))
        other = place(limit="91")
        Order.objects.filter(id=other.id).update(status=OrderStatus.UNKNOWN)
    assert (sent(new).status, fresh(new).reason_code) == (OrderStatus.DENIED, code)
    assert len(venue.exchange.orders) == 1


def test_a_replacement_is_sent_under_its_accounts_lease(place, venue, account, monkeypatch):
    order = sent(place(limit="90"))
    new = replaced_by_new(order, monkeypatch, venue)
    lease = lease_claim(account.id)
    assert sent(new).status == OrderStatus.CREATED
    leases_release([lease], clean=True)
    assert sent(new).status == OrderStatus.ACCEPTED
    assert [each.quantity for each in venue.exchange.open()] == [7]


def test_orders_of_others_are_kept_as_external_and_move_the_position(venue, account):
    account_reconcile(account_id=account.id)
    theirs = venue.exchange.place(
        client_id="", symbol="ACME", side="buy", type="limit", quantity=Decimal(5),
        limit=Decimal(90),
    )  # fmt: skip
    account_reconcile(account_id=account.id)
    order = Order.objects.get()
    assert (order.external, order.status) == (True, OrderStatus.ACCEPTED)
    venue.exchange.fill(theirs, 5)
    account_reconcile(account_id=account.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert Position.objects.get().quantity == 5
    assert not venue.sent


@pytest.fixture
def telling(venue, monkeypatch):
    """A venue that lists what has come and gone."""

    class Telling(DirectBroker):
        def ended_orders(self, _):
            orders = self.exchange.orders.values()
            return [self.told(order, fills=False) for order in orders if order.status == "filled"]

    broker = Telling()
    monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
    return broker


def test_orders_of_others_that_have_come_and_gone_are_external(telling, account, place):
    def elsewhere(quantity):
        telling.exchange.place(
            client_id="", symbol="ACME", side="buy", type="market", quantity=Decimal(quantity)
        )

    elsewhere(5)
    account_reconcile(account_id=account.id)
    assert Position.objects.get().quantity == 5, "it was held before"
    sent(place())
    elsewhere(3)
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])
    assert Position.objects.get().quantity == 18
    external = Order.objects.filter(external=True).values_list("quantity", "status")
    assert sorted(external) == [(3, "filled"), (5, "filled")]


def test_what_was_executed_before_the_last_comparison_is_not_taken_twice(telling, account):
    account_reconcile(account_id=account.id)
    telling.exchange.place(
        client_id="", symbol="ACME", side="buy", type="market", quantity=Decimal(5)
    )
    BrokerAccount.objects.update(reconciled_at=timezone.now() + timedelta(minutes=1))
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.state, Order.objects.count()) == (AccountState.HALTED, 0)


def test_what_the_account_held_before_is_taken_over_at_first(venue, account):
    venue.exchange.fill(
        venue.exchange.place(
            client_id="", symbol="ACME", side="buy", type="limit", quantity=Decimal(5),
            limit=Decimal(90),
        ),
        5,
    )  # fmt: skip
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (Position.objects.get().quantity, account.mismatch) == (5, [])


def ordered_by_others(venue, quantity, *, filled, side="buy"):
    order = venue.exchange.place(
        client_id="", symbol="ACME", side=side, type="limit", quantity=Decimal(quantity),
        limit=Decimal(90 if side == "buy" else 110),
    )  # fmt: skip
    if filled:
        venue.exchange.fill(order, filled)
    return order


@pytest.mark.parametrize(("sold", "held"), [(0, 2), (2, 0)])
def test_what_others_orders_were_filled_by_before_is_taken_over_once(venue, account, sold, held):
    ordered_by_others(venue, 6, filled=2)
    if sold:
        ordered_by_others(venue, sold, filled=sold, side="sell")
    # As brokers list what waits: without executions.
    venue.open_orders = lambda _: [
        venue.told(order, fills=False) for order in venue.exchange.open()
    ]
    for _ in range(2):
        account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.mismatch, account.state) == ([], AccountState.ACTIVE)
    assert Position.objects.get().quantity == held


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("before", [True, False])
def test_what_is_filled_while_an_account_is_compared_counts_once(venue, account, after, before):
    ordered_by_others(venue, 5, filled=5)
    waiting = ordered_by_others(venue, 6, filled=0)
    looks, positions = iter(range(100)), venue.positions

    def shown(access):
        found = positions(access)
        if next(looks) != after:
            return found
        venue.exchange.fill(waiting, 1)
        for order in Order.objects.filter(broker_order_id=waiting.id):
            venue_order_record(order_id=order.id, venue=venue.told(waiting))
        return found if before else positions(access)

    venue.positions = shown
    for _ in range(6):
        account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.mismatch, account.state) == ([], AccountState.ACTIVE)
    assert Position.objects.get().quantity == 6


def test_an_order_that_is_found_while_it_is_to_be_canceled_is_canceled(place, venue, account):
    sent(place())  # so that the account is known
    order = place(limit="90")
    venue.plan.append("silent")
    assert sent(order).status == OrderStatus.UNKNOWN
    services.order_cancel(order=order)
    order_change(order_id=order.id)
    assert fresh(order).status == OrderStatus.UNKNOWN
    BrokerAccount.objects.update(sender_until=None)
    account_reconcile(account_id=account.id)
    assert (fresh(order).status, venue.exchange.open()) == (OrderStatus.CANCELED, [])


def test_an_order_that_grows_waits_though_all_that_its_row_has_is_filled(place, venue):
    order = sent(place(limit="90", quantity=4))
    there = venue.exchange.orders[order.broker_order_id]
    services.order_replace(order=order, quantity=Decimal(7))

    def filled():
        venue.during = None
        venue.exchange.fill(there, 4)
        venue_order_record(order_id=order.id, venue=venue.told(there))

    venue.during = filled
    order_change(order_id=order.id)
    found = fresh(order)
    assert (found.status, found.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 4)
    kill_switch(account_ids=[order.account_id], reason="panic")
    assert (fresh(order).status, venue.exchange.open()) == (OrderStatus.CANCELED, [])


def test_a_position_that_differs_halts_the_account_and_alerts(place, venue, account):
    sent(place())
    account_reconcile(account_id=account.id)
    venue.exchange.trades.pop()  # as if the venue had busted the trade
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert account.state == AccountState.HALTED
    assert account.mismatch == [{"symbol": "ACME", "ours": "10", "theirs": "0"}]
    assert Alert.objects.filter(event="account.halted").count() == 1
    account_sync(account=account, adopt=True)
    assert (Position.objects.get().quantity, account.mismatch) == (0, [])
    assert account.state == AccountState.HALTED, "its owner decides when it goes on"


def test_the_kill_switch_stops_what_is_being_sent_at_this_moment(place, venue, account):
    waiting = sent(place(limit="90"))
    flying, next_one = place(limit="91"), place(limit="92")
    venue.during = lambda: (setattr(venue, "during", None), pull())

    def pull():
        kill_switch(account_ids=[account.id], reason="panic")

    account_send(account_id=account.id)
    states = [fresh(order).status for order in (waiting, flying, next_one)]
    assert states == [OrderStatus.CANCELED] * 3
    assert len(venue.sent) == 2, "the third was never sent"
    assert not venue.exchange.open()
    with pytest.raises(Exception, match="halted"):
        place()


def test_the_kill_switch_cancels_what_its_sender_sees_at_the_venue_meanwhile(
    place, venue, account, monkeypatch
):
    order = place(limit="90")
    venue.plan.append("killed_after")
    with pytest.raises(Killed):
        account_send(account_id=account.id)
    pend = stopping.orders_pend

    def told_before(rows):
        """Have the sender write down what it was told, and read that nothing was to be canceled."""
        venue_order_record(order_id=order.id, venue=venue.find(None, request_of(order)))
        assert fresh(order).status == OrderStatus.ACCEPTED
        return pend(rows)

    monkeypatch.setattr(stopping, "orders_pend", told_before)
    kill_switch(account_ids=[account.id], reason="panic")
    assert fresh(order).status == OrderStatus.CANCELED
    assert not venue.exchange.open()


def test_the_kill_switch_finds_and_cancels_what_nobody_knows(place, venue, account):
    venue.plan.append("silent")
    order = sent(place(limit="90"))
    kill_switch(account_ids=[account.id], reason="panic")
    assert fresh(order).status == OrderStatus.CANCELED
    assert not venue.exchange.open()


def test_the_kill_switch_needs_no_redis(
    place, venue, account, monkeypatch, django_capture_on_commit_callbacks
):
    def away(*args, **kwargs):
        raise OperationalError("no connection")

    order = sent(place(limit="90"))
    monkeypatch.setattr("core.outbox.services.current_app.send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        late = place(limit="91")
        began = timezone.now()
        kill_switch(account_ids=[account.id], reason="panic")
    assert timezone.now() - began < timedelta(seconds=2)
    assert {fresh(each).status for each in (order, late)} == {OrderStatus.CANCELED}
    assert OutboxMessage.objects.exists(), "what could not be queued is still there"
    account_send(account_id=account.id)
    assert len(venue.sent) == 1


def test_a_decision_is_born_once_and_its_denial_is_kept(account, venue):
    intent = Intent(
        deployment_id=uuid4(), bar_ts=datetime(2026, 1, 5, tzinfo=UTC), node="buy", symbol="ACME",
        side=Side.BUY, quantity=Decimal(1),
    )  # fmt: skip
    first = services.intent_create(account=account, intent=intent)
    assert services.intent_create(account=account, intent=intent).id == first.id
    assert OutboxMessage.objects.count() == 1
    BrokerAccount.objects.update(state=AccountState.HALTED)
    other = replace(intent, leg=1)
    denied = services.intent_create(account=account, intent=other)
    assert (denied.status, denied.reason_code) == (OrderStatus.DENIED, "account_halted")
    assert list(RiskDecision.objects.values_list("admitted", flat=True)) == [True, False]


def test_an_order_believed_absent_that_turns_up_is_believed(place, venue, account):
    venue.plan.append("lost")
    order = sent(place(limit="90"))
    Order.objects.update(submitted_at=timezone.now() - timedelta(minutes=3), ask_at=None)
    orders_sweep()
    assert fresh(order).status == OrderStatus.REJECTED
    late = venue.exchange.place(
        client_id=order.client_order_id, symbol="ACME", side="buy", type="limit",
        quantity=Decimal(10), limit=Decimal(90),
    )  # fmt: skip
    venue.exchange.fill(late, 10)
    account_reconcile(account_id=account.id)
    assert fresh(order).status == OrderStatus.FILLED
    assert (Position.objects.get().quantity, Fill.objects.count()) == (10, 1)


@pytest.mark.parametrize(
    ("state", "code"),
    [(AccountState.HALTED, "account_halted"), (AccountState.REDUCING, "account_reducing")],
)
def test_the_state_is_read_again_in_the_transaction_that_sends(place, venue, account, state, code):
    order = place()
    BrokerAccount.objects.update(state=state)
    assert (sent(order).status, fresh(order).reason_code) == (OrderStatus.DENIED, code)
    assert not venue.sent


def test_what_two_have_compared_is_adopted_once(venue, account):
    ordered_by_others(venue, 5, filled=5)
    looks, told = iter(range(100)), venue.positions

    def positions(access):
        (found,) = told(access)
        if next(looks) == 3:  # three agreed, and another who has seen them adopts first
            position_adopt(account=account, position=found, difference=Decimal(5), number=0)
        return [found]

    venue.positions = positions
    account_sync(account=account, adopt=True)
    account.refresh_from_db()
    assert (account.mismatch, account.state) == ([], AccountState.ACTIVE)
    assert Position.objects.get().quantity == 5
    assert Order.objects.get().broker_order_id == "adopted-ACME-0"


def test_coins_that_differ_are_adopted_at_their_last_price(place, venue, account, monkeypatch):
    monkeypatch.setattr(venue, "capabilities", replace(venue.capabilities, wallet=True))
    monkeypatch.setattr(Quotes, "price", lambda *_: Decimal(80))
    sent(place())
    account_reconcile(account_id=account.id)
    assert Position.objects.get().quantity == 10
    elsewhere = {"client_id": "", "symbol": "ACME", "side": "sell", "type": "market"}
    venue.exchange.place(**elsewhere, quantity=Decimal(4))
    coins = [VenuePosition("ACME", Decimal(6), Decimal(0)), VenuePosition("GOOG", 5, Decimal(0))]
    monkeypatch.setattr(venue, "positions", lambda _: coins)
    account_sync(account=account, adopt=True)
    position = Position.objects.get()
    assert (position.symbol, position.quantity, position.realized_pnl) == ("ACME", 6, -80)
