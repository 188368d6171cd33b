"""Events carry what rules may filter on: a rule that is accepted can be met."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.choices import OrderStatus
from brokers.frames import account_tell, mismatch_tell, order_frame
from brokers.models import BrokerAccount, Order
from core.backtests.announce import completion_notify, failure_notify
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from core.errors import InvalidInput
from notifications import services
from notifications.events import EVENTS
from notifications.models import Alert, AlertRule

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
# Those that are named by what they are about: `brokers.frames`, `notifications.watching`.
NAMED = re.compile(r'\bevent="([a-z_]+\.[a-z_]+)"')
BY_STATUS = {f"order.{status}" for status in OrderStatus.values}
BY_RULE = {name for name, kind in EVENTS.items() if kind.market}


def test_every_event_that_is_offered_is_announced_somewhere():
    apps = ("brokers", "core", "market", "notifications", "strategies")
    passed_over = {"events.py", "examples.py"}
    code = "\n".join(
        path.read_text()
        for app in apps
        for path in (ROOT / app).rglob("*.py")
        if path.name not in passed_over and "migrations" not in path.parts
    )
    silent = {name for name in EVENTS if f'"{name}"' not in code}
    assert silent - BY_STATUS - BY_RULE == set()


def test_every_event_that_is_announced_is_offered():
    named = set()
    for app in ("brokers", "core", "market", "notifications", "strategies"):
        for path in (ROOT / app).rglob("*.py"):
            if not {"migrations", "api"} & set(path.parts):
                named |= set(NAMED.findall(path.read_text()))
    assert {"run.completed", "account.halted"} < named
    named -= {"channel.code"}  # a message that is no alert
    assert named <= EVENTS.keys(), "nobody can make a rule on it"


def test_a_rule_on_an_event_that_is_gone_says_so_and_takes_another(user):
    rule = AlertRule.objects.create(owner=user, event="study.completed")
    with pytest.raises(InvalidInput, match="any more"):
        services.rule_update(rule=rule, name="x")
    assert not services.rule_update(rule=rule, event="run.completed", enabled=False).enabled


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
    services.rule_create(owner_id=user.id, event="account.mismatch", channels=[])
    mismatch_tell(account_id=account.id)
    for event in ("account.halted", "account.mismatch"):
        alert = Alert.objects.get(event=event)
        assert set(EVENTS[event].filters) <= alert.data.keys()
