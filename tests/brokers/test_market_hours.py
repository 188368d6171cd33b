"""Which brokers take orders while their market is closed, and what is said where one does not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, Side
from brokers.models import BrokerAccount, Order
from brokers.services.intents import Intent, intent_create
from core.db import uuid7
from market.calendars import opens_at
from market.models import Instrument

pytestmark = pytest.mark.django_db
# Bombay trades from 3:45 to 10:00 UTC; Monday the 26th is Republic Day.
OPEN, CLOSED = "2026-01-23T09:59:59", "2026-01-23T10:00:00"
BODY = {"symbol": "ACME.NS", "trade_type": "buy", "quantity": "10", "client_order_id": "my-1"}


@pytest.fixture
def go(monkeypatch):
    def to(moment):
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        monkeypatch.setattr(timezone, "now", lambda: now)

    return to


@pytest.fixture
def share(db):
    return Instrument.objects.create(
        symbol="ACME.NS", asset_class="equity", calendar="XBOM", timezone="Asia/Kolkata"
    )


def execute(client, user, kind):
    account, _ = BrokerAccount.objects.get_or_create(owner=user, kind=kind, name=kind, live=True)
    return client.post(
        "/api/v1/trades/execute", BODY | {"account_id": str(account.id)}, format="json"
    )


def test_brokers_in_india_take_orders_while_their_market_is_open():
    offers = {kind: ADAPTERS.get(kind).capabilities for kind in ADAPTERS.names()}
    for asset_type in (AssetType.STOCK, AssetType.OPTION):
        waits = {kind for kind, can in offers.items() if not can.of(asset_type).queues}
        assert waits == {"zerodha", "dhan"}


@pytest.mark.parametrize("kind", ["zerodha", "dhan"])
def test_an_order_by_hand_is_refused_with_when_the_market_opens(client, user, share, go, kind):
    go(CLOSED)
    answer = execute(client, user, kind)
    assert (answer.status_code, answer.json()["code"]) == (409, "market_closed")
    assert "it opens at 2026-01-27 03:45 UTC" in answer.json()["message"]
    assert not Order.objects.exists()
    go(OPEN)
    assert execute(client, user, kind).status_code == 202
    go(CLOSED)
    again = execute(client, user, kind)
    assert (again.status_code, Order.objects.count()) == (202, 1), "the one that was sent in time"


@pytest.mark.parametrize("kind", ["alpaca", "paper", "interactive_brokers"])
def test_where_orders_are_queued_they_are_taken_at_any_hour(client, user, share, go, kind):
    go(CLOSED)
    assert execute(client, user, kind).status_code == 202


def test_a_market_without_hours_is_never_closed(client, user, share, go):
    Instrument.objects.update(calendar="24/7", timezone="UTC")
    go(CLOSED)
    assert execute(client, user, "zerodha").status_code == 202


def test_what_a_deployment_wants_is_on_record_with_the_reason(user, share, go):
    go(CLOSED)
    account = BrokerAccount.objects.create(owner=user, kind="dhan", name="Dhan", live=True)
    intent = Intent(uuid7(), timezone.now(), "buy#0:entry", "ACME.NS", Side.BUY, Decimal(1))
    order = intent_create(account=account, intent=intent)
    assert (order.status, order.reason_code) == ("denied", "market_closed")
    assert "2026-01-27 03:45 UTC" in order.reason


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-01-23T03:44:59", "2026-01-23T03:45:00"),
        ("2026-01-23T03:45:00", "2026-01-23T03:45:00"),
        (OPEN, "2026-01-23T03:45:00"),
        (CLOSED, "2026-01-27T03:45:00"),
        ("2026-01-26T05:00:00", "2026-01-27T03:45:00"),
    ],
)
def test_a_market_opens_with_its_next_session(share, moment, opens):
    found = opens_at(share, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(opens).replace(tzinfo=UTC)
