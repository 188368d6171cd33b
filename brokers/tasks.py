from __future__ import annotations

from uuid import UUID

from celery import shared_task

from brokers.changing import order_change
from brokers.dispatch import order_submit
from brokers.models import Order
from brokers.reconciling import account_reconcile
from brokers.resolving import account_follow
from brokers.sweeping import orders_sweep


@shared_task(name="brokers.order_submit")
def submit(order_id: str) -> None:
    """Send one order, and look after what should be done at once."""
    order_submit(order_id=UUID(order_id))
    account_follow(account_id=Order.objects.values_list("account_id", flat=True).get(id=order_id))


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
