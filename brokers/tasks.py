from __future__ import annotations

from uuid import UUID

from celery import shared_task

from brokers.dispatch import order_submit, orders_sweep


@shared_task(name="brokers.order_submit")
def submit(order_id: str) -> None:
    """Send one order."""
    order_submit(order_id=UUID(order_id))


@shared_task(name="brokers.sweep")
def sweep() -> None:
    """Find out about orders that were left behind."""
    orders_sweep()
