from __future__ import annotations

from uuid import UUID

from celery import shared_task

from notifications.dispatch import deliveries_sweep, delivery_send


@shared_task(name="notifications.delivery_send")
def send(delivery_id: str) -> None:
    """Send one delivery."""
    delivery_send(delivery_id=UUID(delivery_id))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Queue again what is due or was left behind."""
    deliveries_sweep()
