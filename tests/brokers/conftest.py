from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from brokers import services
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderType, Side
from brokers.models import BrokerAccount
from market.memory import memory
from market.models import Instrument
from tests.venue.direct import DirectBroker


@pytest.fixture
def stored_bars(db, settings, tmp_path):
    """The sample data: GOOG's last close is 806.19."""
    settings.BARS_URL = str(tmp_path / "bars")
    call_command("load_sample_data")


@pytest.fixture
def user(db, django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")


@pytest.fixture
def other(db, django_user_model):
    return django_user_model.objects.create_user("other@example.com", "correct horse battery")


@pytest.fixture
def client(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def venue(monkeypatch):
    broker = DirectBroker()
    monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
    return broker


@pytest.fixture
def own_memory(settings):
    """What processes share is this test's alone, and no broker is asked slower than it answers."""
    settings.REDIS_NAMESPACE = f"order-streams-{id(object())}"
    settings.BROKER_RATES = {}
    yield
    for key in memory().scan_iter(f"{settings.REDIS_NAMESPACE}:*"):
        memory().delete(key)


@pytest.fixture
def account(user, venue, monkeypatch):
    monkeypatch.setattr("brokers.reconciling.LOOK_AGAIN_S", 0.0)
    Instrument.objects.create(symbol="ACME")
    return BrokerAccount.objects.create(owner=user, kind="alpaca", name="Test")


@pytest.fixture
def place(account):
    def make(side=Side.BUY, limit=None, quantity=10, **changes):
        fields = {
            "symbol": "ACME",
            "asset_type": AssetType.STOCK,
            "side": side,
            "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
            "quantity": Decimal(quantity),
            "limit_price": None if limit is None else Decimal(limit),
        }
        return services.order_create(account=account, **(fields | changes))

    return make
