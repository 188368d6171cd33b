from __future__ import annotations

from uuid import UUID

from celery import shared_task

from brokers.changing import order_change
from brokers.dispatch import accounts_send, order_submit
from brokers.models import Order
from brokers.reconciling import account_reconcile
from brokers.resolving import accounts_follow
from brokers.sweeping import orders_sweep


@shared_task(name="brokers.order_submit")
def submit(order_id: str) -> None:
    """Send one order, and look after what should be done at once."""
    order_submit(order_id=UUID(order_id))
    rows = Order.objects.filter(id=order_id)
    accounts_follow(account_ids=rows.values_list("account_id", flat=True))


@shared_task(name="brokers.accounts_send")
def send(account_ids: list[str]) -> None:
    """Send what waits in accounts, and look after what should be done at once."""
    ids = [UUID(each) for each in account_ids]
    accounts_send(account_ids=ids)
    accounts_follow(account_ids=ids)


@shared_task(name="brokers.order_change")
def change(order_id: str) -> None:
    """Cancel or replace one order at its venue."""
    order_change(order_id=UUID(order_id))


@shared_task(name="brokers.account_reconcile")
def reconcile(account_id: str) -> None:
    """Compare an account with what its broker says."""
    account_reconcile(account_id=UUID(account_id))


@shared_task(name="brokers.sweep")
def sweep() -> None:
    """Find out about orders that were left behind."""
    orders_sweep()
