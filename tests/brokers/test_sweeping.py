"""What is looked after on a schedule, and who comes first."""

from __future__ import annotations

import pytest
from django.utils import timezone

from brokers import sweeping
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import RECONCILE_TASK
from brokers.models import BrokerAccount
from brokers.reconciling import account_reconcile
from core.outbox.models import OutboxMessage
from tests.venue.direct import DirectBroker

pytestmark = pytest.mark.django_db


@pytest.fixture
def connect(user, venue, monkeypatch):
    """Connect accounts at two brokers, of which each has room for two at a time."""
    monkeypatch.setattr(sweeping, "SWEEP_BATCH", 2)
    monkeypatch.setitem(ADAPTERS._made, "binance", DirectBroker())

    def make(name, kind="alpaca"):
        return BrokerAccount.objects.create(owner=user, kind=kind, name=name, sealed=b"x").id

    return make


def queued():
    OutboxMessage.objects.all().delete()
    sweeping.orders_sweep()
    asked = OutboxMessage.objects.filter(task=RECONCILE_TASK).values_list("args", flat=True)
    return {account_id for (account_id,) in asked}


def test_accounts_that_fail_again_and_again_keep_no_others_from_being_compared(connect, venue):
    failing = [connect(name) for name in ("one", "two")]
    venue.away = True
    for account_id in failing:
        assert account_reconcile(account_id=account_id) is False
    left = [connect(name) for name in ("three", "four")]
    assert queued() == set(map(str, left))
    for account_id in left:
        account_reconcile(account_id=account_id)
    assert queued() == set(map(str, failing)), "they are tried again when it is their turn"


def test_accounts_at_a_broker_that_is_not_asked_keep_those_at_others_from_nothing(connect):
    for name in ("one", "two", "three"):
        connect(name)
    other = connect("other", kind="binance")
    BrokerAccount.objects.filter(id=other).update(sender_until=timezone.now())
    assert str(other) in queued()
