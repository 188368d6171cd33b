"""Commissions that come after the executions which they were charged for, or before, or twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from time import sleep

import pytest
from django.db import connections
from django.utils import timezone

from brokers import charging
from brokers.access import access_of, ref_of
from brokers.adapters.interactive_brokers import InteractiveBrokers
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models import Fill, Position, RiskLimit
from brokers.reconciling import account_reconcile
from brokers.recording import commissions_record, venue_order_record
from brokers.resolving import accounts_follow
from brokers.risk.reading import deployments_cash
from brokers.services.orders import order_create
from core.db import uuid7
from core.realtime.models import Event
from market.models import Instrument
from tests.brokers.at_interactive_brokers import gateway_account, gateway_served
from tests.brokers.ordering import sent

CHARGED = Decimal("1.25")


@pytest.fixture
def gateway(settings):
    with gateway_served(settings, "ACME") as gateway:
        yield gateway


@pytest.fixture
def account(user, gateway):
    Instrument.objects.create(symbol="ACME")
    return gateway_account(user)


@pytest.fixture
def bought(account, gateway):
    """Buy ten at 100; return the order once its fill is there."""

    def make(**changes):
        fields = {
            "symbol": "ACME", "asset_type": AssetType.STOCK, "side": Side.BUY,
            "order_type": OrderType.MARKET, "quantity": Decimal(10),
        }  # fmt: skip
        gateway.exchange.listeners = [
            lambda event, _, trade: event == "trade" and setattr(trade, "commission", CHARGED)
        ]
        order = sent(order_create(account=account, **(fields | changes)))
        accounts_follow(account_ids=[account.id])
        order.refresh_from_db()
        assert order.status == OrderStatus.FILLED
        return order

    return make


def known(account):
    """The commissions of the account's fills, and what its position says it has cost."""
    position = Position.objects.get(account=account)
    commissions = Fill.objects.filter(account=account).values_list("commission", flat=True)
    return list(commissions), position.realized_pnl


@pytest.mark.django_db
def test_one_that_comes_two_seconds_later_is_taken_over_once(account, gateway, bought, client):
    gateway.charged_after_s = 2.0
    order = bought()
    assert known(account) == ([None], 0)
    path = f"/api/v1/broker-accounts/{account.id}/fills"
    assert client.get(path).json()["results"][0]["commission"] is None
    told = Event.objects.filter(user=account.owner, topic="orders")
    before = told.count()
    sleep(2.0)
    for _ in range(2):
        account_reconcile(account_id=account.id)
        assert known(account) == ([CHARGED], -CHARGED)
        assert told.count() == before + 1, "who shows the order is told that it has changed"
    event = told.latest("id")
    assert (event.type, event.data["trade_id"]) == ("order.filled", str(order.id))
    assert client.get(path).json()["results"][0]["commission"] == "1.25"


@pytest.mark.django_db
def test_one_that_comes_before_its_execution_is_that_executions(account, gateway, bought):
    gateway.charged_first = True
    bought()
    assert known(account) == ([CHARGED], -CHARGED)


@pytest.mark.django_db
def test_what_was_executed_while_nobody_listened_is_charged_with_its_fill(account, gateway):
    order = sent(
        order_create(
            account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
            order_type=OrderType.LIMIT, quantity=Decimal(10), limit_price=Decimal(95),
        )
    )  # fmt: skip
    assert order.status == OrderStatus.ACCEPTED
    gateway.exchange.tick("ACME", "95")
    (trade,) = gateway.exchange.trades
    trade.commission = CHARGED
    account_reconcile(account_id=account.id)
    assert known(account) == ([CHARGED], -CHARGED)


@pytest.mark.django_db
def test_whatever_tells_an_execution_again_may_bring_its_commission(account, gateway, bought):
    gateway.charged_after_s = 60.0
    order = bought()
    gateway.charged_after_s = 0.0
    found = InteractiveBrokers().find(access_of(account), ref_of(order))
    for _ in range(2):
        venue_order_record(order_id=order.id, venue=found)
        assert known(account) == ([CHARGED], -CHARGED)


@pytest.mark.django_db
def test_what_is_known_is_not_charged_again(account, gateway, bought):
    bought()
    (fill,) = Fill.objects.all()
    told = {fill.execution_id: Decimal(7)}
    assert commissions_record(account_id=account.id, told=told) == 0
    assert known(account) == ([CHARGED], -CHARGED)


@pytest.mark.django_db(transaction=True)
def test_of_several_that_hear_of_it_at_once_one_writes_it_down(account, gateway, bought):
    gateway.charged_after_s = 60.0
    bought()
    (fill,) = Fill.objects.all()

    def record(_):
        try:
            return commissions_record(
                account_id=account.id, told={fill.execution_id: CHARGED, "another's": Decimal(1)}
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(record, range(4))) == 1
    assert known(account) == ([CHARGED], -CHARGED)


@pytest.mark.django_db
def test_a_broker_that_does_not_tell_them_keeps_an_account_from_nothing(account, gateway, bought):
    gateway.charged_after_s = 60.0
    bought()
    gateway.faults.next("query", "", "", "", "", "drop_before")
    assert account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert account.state == "active"
    assert known(account) == ([None], 0)


@pytest.mark.django_db
def test_one_that_is_not_told_within_days_is_asked_for_no_more(
    account, gateway, bought, monkeypatch
):
    gateway.charged_after_s = 60.0
    bought()
    assert charging.fills_uncharged(timezone.now()).count() == 1
    Fill.objects.update(executed_at=timezone.now() - charging.CHARGED_WITHIN)
    monkeypatch.setattr(InteractiveBrokers, "commissions", None)
    assert account_reconcile(account_id=account.id)


@pytest.mark.django_db
def test_money_in_which_no_price_is_is_no_amount_and_is_named(account, gateway, bought):
    gateway.exchange.listeners = []
    order = bought()
    (trade,) = gateway.exchange.trades
    trade.charged_in = "CHF"
    (told,) = InteractiveBrokers().find(access_of(account), ref_of(order)).executions
    assert (told.commission, told.charged_in) == (None, "CHF")


@pytest.mark.django_db
def test_what_a_deployment_has_brought_counts_it_once_it_is_known(account, gateway, bought):
    gateway.charged_after_s = 60.0
    order = bought()
    deployment_id = uuid7()
    type(order).objects.filter(id=order.id).update(deployment_id=deployment_id)
    limit = RiskLimit(owner=account.owner, deployment_id=deployment_id, max_daily_loss=Decimal(1))
    assert [row.units for row in deployments_cash([limit])] == [Decimal(-1000)]
    (fill,) = Fill.objects.all()
    commissions_record(account_id=account.id, told={fill.execution_id: CHARGED})
    assert [row.units for row in deployments_cash([limit])] == [Decimal("-1001.25")]
