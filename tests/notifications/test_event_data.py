"""Events carry what rules may filter on: a rule that is accepted can be met."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.frames import account_tell, order_frame
from brokers.models import BrokerAccount, Order
from core.backtests.announce import completion_notify, failure_notify
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from notifications.events import EVENTS
from notifications.models import Alert

pytestmark = pytest.mark.django_db


def test_runs_carry_theirs(user):
    run = BacktestRun(owner=user, symbol="GOOG", interval="1d", start=user.created_at)
    completion_notify(run=run, metrics={"total_return_pct": 1.0})
    failure_notify(run=run, status=RunStatus.FAILED, code="x", message="y")
    for alert in Alert.objects.all():
        assert set(EVENTS[alert.event].filters) <= alert.data.keys()
        assert alert.data["ticker"] == "GOOG"
    assert Alert.objects.count() == 2


def test_orders_carry_theirs(user):
    order = Order(owner=user, symbol="GOOG", side="buy", quantity=Decimal(1))
    assert set(EVENTS["order.filled"].filters) <= {*order_frame(order), "ticker"}


def test_accounts_carry_theirs(user):
    account = BrokerAccount.objects.create(owner=user, name="Paper", kind="paper", state="halted")
    account_tell(account_id=account.id)
    alert = Alert.objects.get(event="account.halted")
    assert set(EVENTS[alert.event].filters) <= alert.data.keys()
