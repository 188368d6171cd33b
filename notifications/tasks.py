from __future__ import annotations

from uuid import UUID

from celery import shared_task

from notifications.codes import CodeNotSent, code_send
from notifications.dispatch import deliveries_sweep
from notifications.pump import deliveries_pump
from notifications.retention import alerts_prune


@shared_task(name="notifications.delivery_send")
def send(delivery_id: str) -> None:  # noqa: ARG001 - says for whom it was queued
    """Send this delivery and all others that are due, unless another worker is at it."""
    deliveries_pump()


@shared_task(
    name="notifications.code_send", autoretry_for=(CodeNotSent,), retry_backoff=10, max_retries=4
)
def send_code(channel_id: str) -> None:
    """Send the code that proves an address."""
    code_send(channel_id=UUID(channel_id))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Settle what a lost worker left behind, and send what is due."""
    deliveries_sweep()
    deliveries_pump()


@shared_task(name="notifications.prune")
def prune() -> None:
    """Forget alerts past their retention."""
    alerts_prune()
