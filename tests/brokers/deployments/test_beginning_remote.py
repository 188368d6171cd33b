"""Orders for a broker are sent from where they are born as long as it answers at once."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from brokers import silence
from brokers.access import access_of
from brokers.adapters.kinds import ADAPTERS
from brokers.beginning import Beginning
from brokers.choices import AssetType, OrderStatus, Side
from brokers.deployments import schedule, ticking
from brokers.deployments.schedule import deployments_tick
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Deployment, DeploymentTick, Order
from brokers.rounds import Round
from brokers.sweeping import orders_sweep
from market.models import Instrument
from tests.brokers.at_alpaca import alpaca_account, alpaca_served, nobody_silent
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.holding import held

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def heard():
    """No broker has been silent."""
    with nobody_silent():
        yield


@pytest.fixture
def broker(settings):
    with alpaca_served(settings, "REPLAY") as broker:
        broker.exchange.cash = Decimal(10**9)
        yield broker


@pytest.fixture
def venue(django_user_model, settings, tmp_path, broker):
    settings.BARS_URL = str(tmp_path / "bars")
    user = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    venue = Venue(user, bars_random(40), asset_class="equity")
    venue.account = alpaca_account(user)
    venue.past(30)
    venue.buys(30)
    venue.passes(30)
    return venue


@pytest.fixture
def another():
    """Another process that decides for the deployments at this broker."""
    with held("deployments-tick:alpaca:0"):
        yield


def tick(venue):
    deployments_tick(now=venue.over(30))
    return Order.objects.get(deployment_id__isnull=False)


def placed(broker):
    return sum(method == "POST" for method, _ in broker.requests)


def test_an_order_is_at_the_broker_when_the_bar_was_decided_on(venue, broker, queued):
    order = tick(venue)
    assert placed(broker) == 1
    assert (order.status, order.attempts) == (OrderStatus.ACCEPTED, 1)
    assert BrokerAccount.objects.get(kind="alpaca").sender_until is None, "the lease is given back"
    assert "brokers.accounts_send" in queued, "somebody looks whether it has filled"
    account_send(account_id=venue.account.id)
    assert placed(broker) == 1


def test_it_is_committed_as_being_sent_before_the_call(venue, broker, monkeypatch):
    seen = []
    place = broker._place

    def noted(body):
        order = Order.objects.get(client_order_id=body["client_order_id"])
        seen.append((order.status, order.attempts, order.leased_until > timezone.now()))
        return place(body)

    monkeypatch.setattr(broker, "_place", noted)
    tick(venue)
    assert seen == [(OrderStatus.SUBMITTING, 1, True)]


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_after", "garbage"])
def test_an_order_without_an_answer_is_unknown_and_not_sent_again(venue, broker, fault):
    broker.faults.next("submit", fault)
    order = tick(venue)
    assert order.status == OrderStatus.UNKNOWN
    account_send(account_id=venue.account.id)
    assert placed(broker) == 1


def test_what_happened_at_the_broker_is_looked_at_before_if_it_was_not_lately(
    venue, broker, queued
):
    long_ago = timezone.now() - timedelta(minutes=10)
    BrokerAccount.objects.update(reconciled_at=long_ago)
    order = tick(venue)
    assert (order.status, placed(broker)) == (OrderStatus.CREATED, 0)
    account_send(account_id=venue.account.id)
    order.refresh_from_db()
    assert (order.status, placed(broker)) == (OrderStatus.ACCEPTED, 1)
    assert BrokerAccount.objects.get(kind="alpaca").reconciled_at > long_ago


def test_an_account_without_credentials_is_told_why(venue, broker):
    BrokerAccount.objects.update(sealed=None)
    order = tick(venue)
    account_send(account_id=venue.account.id)
    order.refresh_from_db()
    assert (order.status, order.reason_code) == (OrderStatus.DENIED, "no_credentials")
    assert placed(broker) == 0


def test_a_broker_that_answers_late_is_left_to_the_senders(venue, broker, queued, monkeypatch):
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    broker.faults.hang_s = 0.3
    broker.faults.next("submit", "hang")
    tick(venue)
    assert silence.silent("alpaca")
    assert not silence.silent("zerodha")
    Order.objects.all().delete()
    venue.opens(31)
    venue.trades(31)
    deployments_tick(now=venue.over(31))
    order = Order.objects.get()
    assert (order.status, placed(broker)) == (OrderStatus.CREATED, 1)
    assert queued.count("brokers.accounts_send") == 2


def test_two_processes_decide_for_a_broker_and_no_third(venue, broker, another, monkeypatch):
    monkeypatch.setattr(schedule, "SHARED_FROM", 0)
    helped = []

    def tick():
        return deployments_tick(now=venue.over(30), help_call=lambda: helped.append(1))

    with held("deployments-tick:alpaca:1"):
        assert tick() == 0
    assert not helped, "where two are at it nobody else is called"
    assert tick() == 1
    assert helped == [1]
    assert placed(broker) == 1


def test_one_process_decides_for_a_silent_broker(venue, broker, another):
    silence._until["alpaca"] = time.monotonic() + 10
    assert deployments_tick(now=venue.over(30)) == 0
    assert placed(broker) == 0


def test_other_processes_know_that_a_broker_is_silent(monkeypatch):
    monkeypatch.setattr(silence, "LATE_S", 0.01)
    with silence.silence_watched(["alpaca"]):
        threading.Event().wait(0.1)
    silence._until.clear()  # as another process has it
    assert silence.silent("alpaca")


def test_a_broker_that_answers_at_once_is_not_silent(monkeypatch):
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    with silence.silence_watched(["alpaca"]):
        pass
    time.sleep(0.1)
    assert not silence.silent("alpaca")


def contract(side, symbol="X", asset_type=AssetType.OPTION):
    return Order(side=side, symbol=symbol, asset_type=asset_type)


def test_a_contract_is_sold_after_the_one_that_covers_it_was_bought():
    spread = Round(calls=8)
    assert spread.takes(contract(Side.BUY, "LOW"))
    assert not spread.takes(contract(Side.SHORT, "HIGH"))
    closing = Round(calls=8)
    assert closing.takes(contract(Side.COVER, "HIGH"))
    assert not closing.takes(contract(Side.SELL, "LOW"))


def test_shares_are_sold_beside_those_that_are_bought():
    both = Round(calls=8)
    assert both.takes(contract(Side.BUY, "A", AssetType.STOCK))
    assert both.takes(contract(Side.SHORT, "B", AssetType.STOCK))


def deployed(venue, count):
    """That many deployments on the same bar, each with a symbol of its own on the same account."""
    symbols = [venue.symbol]
    for number in range(1, count):
        other = Venue.__new__(Venue)
        other.__dict__ = venue.__dict__ | {"symbol": f"REPLAY{number}"}
        other.instrument = Instrument.objects.create(
            symbol=other.symbol, name=other.symbol, asset_class="crypto", calendar="24/7",
            timezone="UTC", periods_per_year=365,
        )  # fmt: skip
        other.past(30)
        other.buys(30)
        other.opens(30)
        other.trades(30)
        symbols.append(other.symbol)
    return symbols


def test_what_a_broker_takes_in_a_second_is_sent_and_the_rest_is_left_to_the_senders(
    venue, broker, queued, settings, monkeypatch
):
    for symbol in deployed(venue, 7):
        broker.exchange.prices[symbol] = Decimal(100)
    settings.BROKER_RATES = {"alpaca": 3}
    monkeypatch.setattr(silence, "LATE_S", 0.3)
    began = time.monotonic()
    assert deployments_tick(now=venue.over(30)) == 7
    took_s = time.monotonic() - began
    assert (placed(broker), took_s < 1.5) == (3, True), took_s
    assert queued.count("brokers.accounts_send") == 1
    assert BrokerAccount.objects.get(kind="alpaca").sender_until is None
    settings.BROKER_RATES = {}
    account_send(account_id=venue.account.id)
    assert placed(broker) == 7
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.ACCEPTED}


def test_to_wait_for_a_place_is_not_to_wait_for_the_broker(venue, broker, settings, monkeypatch):
    settings.BROKER_RATES = {"alpaca": 3}
    adapter = ADAPTERS.get("alpaca")
    for _ in range(3):  # the places of this second are taken
        adapter.open_orders(access_of(venue.account))
    monkeypatch.setattr(silence, "LATE_S", 0.5)
    began = time.monotonic()
    order = tick(venue)
    assert time.monotonic() - began > 0.5, "it had to wait for a place"
    assert order.status == OrderStatus.ACCEPTED
    assert not silence.silent("alpaca")


def test_a_fault_of_the_sending_is_none_of_the_deployment(venue, broker, queued, monkeypatch):
    def faulty(*args, **kwargs):
        raise LookupError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr("brokers.dispatch.venue_orders_record", faulty)
        order = tick(venue)
    deployment = Deployment.objects.get()
    assert deployment.state == "running", deployment.state_reason
    assert list(DeploymentTick.objects.values_list("status", flat=True)) == ["decided"]
    assert "brokers.accounts_send" in queued, "others that wait for the commit are told"
    assert (order.status, placed(broker)) == (OrderStatus.SUBMITTING, 1)
    past = timezone.now() - timedelta(seconds=1)
    BrokerAccount.objects.update(sender_until=past)
    account_send(account_id=venue.account.id)
    order.refresh_from_db()
    deployments_tick(now=venue.over(30))
    assert (Order.objects.count(), placed(broker)) == (1, 1)


def test_a_deadlock_after_the_commit_decides_nothing_again(venue, broker, queued, monkeypatch):
    looked = []
    begin = Beginning.begin

    def noted(beginning, orders):
        looked.append(len(orders))
        return begin(beginning, orders)

    def locked(*args, **kwargs):
        raise OperationalError from DeadlockDetected()

    monkeypatch.setattr(Beginning, "begin", noted)
    monkeypatch.setattr("brokers.beginning.leases_release", locked)
    order = tick(venue)
    assert (order.status, placed(broker), looked) == (OrderStatus.ACCEPTED, 1, [1])
    assert deployments_tick(now=venue.over(30)) == 0


def test_one_that_dies_between_commit_and_call_sends_nothing_and_nobody_does_after_it(
    venue, broker, queued, monkeypatch
):
    class Died(BaseException):
        pass

    def die(_):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Beginning, "finish", die)
        with pytest.raises(Died):
            tick(venue)
    assert Order.objects.get().status == OrderStatus.SUBMITTING
    account_send(account_id=venue.account.id)
    deployments_tick(now=venue.over(30))
    past = timezone.now() - timedelta(seconds=1)
    BrokerAccount.objects.update(sender_until=past)
    Order.objects.update(leased_until=past)
    orders_sweep()
    account_send(account_id=venue.account.id)
    assert placed(broker) == 0
    Order.objects.update(submitted_at=timezone.now() - timedelta(minutes=3), ask_at=None)
    orders_sweep()
    order = Order.objects.get()
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "not_at_broker")
    assert placed(broker) == 0


def test_who_finds_a_broker_silent_leaves_the_rest_to_who_waits_for_it(
    venue, broker, queued, monkeypatch
):
    for symbol in deployed(venue, 3):
        broker.exchange.prices[symbol] = Decimal(100)
    monkeypatch.setattr(schedule, "BATCH", 1)
    monkeypatch.setattr(silence, "LATE_S", 0.05)
    broker.faults.hang_s = 0.3
    broker.faults.next("submit", "hang")
    assert deployments_tick(now=venue.over(30)) == 1
    assert deployments_tick(now=venue.over(30)) == 2, "it is silent, and one process waits for it"
    assert placed(broker) == 1


def test_no_call_is_begun_that_would_wait_for_another(venue, broker, queued, monkeypatch):
    """A kill switch that commits meanwhile must not see it go out long after."""
    for symbol in deployed(venue, 4):
        broker.exchange.prices[symbol] = Decimal(100)
    monkeypatch.setattr("brokers.beginning.AT_ONCE", 3)
    assert deployments_tick(now=venue.over(30)) == 4
    assert placed(broker) == 3
    account_send(account_id=venue.account.id)
    assert placed(broker) == 4


def test_shares_that_cover_a_contract_are_bought_before_it_is_sold():
    covered = Round(calls=8)
    assert covered.takes(contract(Side.BUY, "X", AssetType.STOCK))
    assert not covered.takes(contract(Side.SHORT, "CALL"))


def test_shares_that_cover_a_contract_are_sold_after_it_was_bought_back():
    closing = Round(calls=8)
    assert closing.takes(contract(Side.COVER, "CALL"))
    assert not closing.takes(contract(Side.SELL, "X", AssetType.STOCK))


@pytest.mark.parametrize("error", [ValueError("of a strategy"), "deadlock"])
def test_a_batch_that_is_done_again_sends_each_order_once(
    venue, broker, queued, monkeypatch, error
):
    for symbol in deployed(venue, 3):
        broker.exchange.prices[symbol] = Decimal(100)
    tell, failed = ticking.ticks_tell, []

    def told(ticks):
        """Fail once everything is written, leases taken and orders being sent."""
        assert BrokerAccount.objects.get(kind="alpaca").sender_until is not None
        if len(ticks) == 3 and not failed:
            failed.append(ticks)
            if error == "deadlock":
                raise OperationalError from DeadlockDetected()
            raise error
        tell(ticks)

    monkeypatch.setattr(ticking, "ticks_tell", told)
    assert deployments_tick(now=venue.over(30)) == 3
    assert failed
    account_send(account_id=venue.account.id)
    assert (placed(broker), len(broker.exchange.orders), Order.objects.count()) == (3, 3, 3)
    assert set(Order.objects.values_list("status", "attempts")) == {(OrderStatus.ACCEPTED, 1)}
    account = BrokerAccount.objects.get(kind="alpaca")
    assert (account.sender_until, account.mismatch) == (None, [])
