"""Orders of our own venue are committed as being sent where they are born, unless somebody else is
at work on their account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from brokers import beginning
from brokers.adapters.paper import PaperBroker
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.deployments.schedule import deployments_tick
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order, PaperOrder
from brokers.services import order_create
from brokers.sweeping import orders_sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def venue(venue):
    venue.buys(30)
    venue.passes(30)
    return venue


class Died(BaseException):
    """The process is gone."""


def tick(venue):
    deployments_tick(now=venue.over(30))
    return Order.objects.get(deployment_id__isnull=False)


def test_an_order_is_being_sent_when_it_is_first_seen(venue, queued, monkeypatch):
    seen = []
    submit_all = PaperBroker.submit_all

    def noted(adapter, requests):
        order = Order.objects.get(deployment_id__isnull=False)
        seen.append((order.status, order.attempts, order.leased_until > timezone.now()))
        return submit_all(adapter, requests)

    monkeypatch.setattr(PaperBroker, "submit_all", noted)
    order = tick(venue)
    assert seen == [(OrderStatus.SUBMITTING, 1, True)]
    assert order.status == OrderStatus.ACCEPTED
    assert BrokerAccount.objects.get().sender_until is None, "the lease is given back"
    assert "brokers.accounts_send" not in queued


def test_who_dies_before_the_call_leaves_an_order_that_is_never_sent_again(venue, monkeypatch):
    def died(*args):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(PaperBroker, "submit_all", died)
        with pytest.raises(Died):
            tick(venue)
    assert Order.objects.get().status == OrderStatus.SUBMITTING
    account_send(account_id=venue.account.id)
    assert Order.objects.get().status == OrderStatus.SUBMITTING, "the lease is still held"
    past = timezone.now() - timedelta(seconds=1)
    BrokerAccount.objects.update(sender_until=past)
    Order.objects.update(leased_until=past)
    account_send(account_id=venue.account.id)
    orders_sweep()
    order = Order.objects.get()
    assert (order.status, order.attempts) == (OrderStatus.UNKNOWN, 1)
    assert not PaperOrder.objects.exists()


def test_while_another_sender_is_at_work_an_order_waits_for_it(venue, queued):
    BrokerAccount.objects.update(sender_until=timezone.now() + timedelta(seconds=30))
    order = tick(venue)
    assert (order.status, order.attempts) == (OrderStatus.CREATED, 0)
    assert "brokers.accounts_send" in queued


def test_an_order_goes_behind_those_that_wait_already(venue, monkeypatch):
    before = order_create(
        account=venue.account, symbol=venue.symbol, asset_type=AssetType.CRYPTO, side=Side.BUY,
        order_type=OrderType.MARKET, quantity=1,
    )  # fmt: skip
    sent = []
    submit_all = PaperBroker.submit_all

    def noted(adapter, requests):
        sent.extend(request.client_order_id for _, request in requests)
        return submit_all(adapter, requests)

    monkeypatch.setattr(PaperBroker, "submit_all", noted)
    order = tick(venue)
    assert sent == [before.client_order_id, order.client_order_id]


def test_a_halted_account_begins_nothing(venue):
    BrokerAccount.objects.update(state=AccountState.HALTED)
    order = tick(venue)
    assert (order.status, order.reason_code) == (OrderStatus.DENIED, "account_halted")
    assert BrokerAccount.objects.get().sender_fence == 0


def test_what_comes_while_a_lease_is_given_back_is_sent_too(venue, monkeypatch):
    release, late = beginning.leases_release, []

    def slow(leases, *, clean):
        late.append(
            order_create(
                account=venue.account, symbol=venue.symbol, asset_type=AssetType.CRYPTO,
                side=Side.BUY, order_type=OrderType.MARKET, quantity=1,
            )
        )  # fmt: skip
        account_send(account_id=venue.account.id)
        late[0].refresh_from_db()
        assert late[0].status == OrderStatus.CREATED, "its sender found the lease taken"
        release(leases, clean=clean)

    monkeypatch.setattr(beginning, "leases_release", slow)
    tick(venue)
    late[0].refresh_from_db()
    assert late[0].status == OrderStatus.ACCEPTED
