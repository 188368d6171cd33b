"""What the kill switch locks, and what it counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction

from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, Order
from brokers.services.stopping import kill_switch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def accounts(django_user_model):
    owner = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    made = [BrokerAccount.objects.create(owner=owner, kind="paper", name=name) for name in "ABC"]
    # The first row lies behind the others now, where a statement that goes through all finds it.
    BrokerAccount.objects.filter(id=made[0].id).update(name="First")
    return made


def waits(eventually):
    """Wait until somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def somebody():
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    eventually(somebody)


def test_it_locks_accounts_in_the_order_in_which_senders_do(accounts, eventually):
    begun, end = threading.Event(), threading.Event()

    def send():
        try:
            with transaction.atomic():
                accounts_lock([accounts[0].id])
                begun.set()
                assert end.wait(10)
        finally:
            connections.close_all()

    def pull():
        try:
            return kill_switch(account_ids=[each.id for each in accounts], reason="test")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(send)
        assert begun.wait(10)
        pulled = pool.submit(pull)
        try:
            waits(eventually)
            others = BrokerAccount.objects.filter(id__in=[each.id for each in accounts[1:]])
            with transaction.atomic():  # what a sender of several accounts locks next
                assert len(others.select_for_update(skip_locked=True, no_key=True)) == 2
        finally:
            end.set()
        sending.result(10)
        assert pulled.result(10).accounts == 3


def test_what_was_canceled_before_is_not_counted_again(accounts):
    account = accounts[0]
    Order.objects.create(
        owner=account.owner, account=account, client_order_id="one", symbol="ACME",
        asset_type=AssetType.STOCK, side=Side.BUY, order_type=OrderType.MARKET,
        quantity=Decimal(1), status=OrderStatus.CREATED,
    )  # fmt: skip
    pulled = [kill_switch(account_ids=[account.id], reason="test") for _ in range(2)]
    assert [(each.canceled, each.pending) for each in pulled] == [(1, 0), (0, 0)]
