from __future__ import annotations

from celery import shared_task

from core.outbox.services import outbox_relay


@shared_task(name="core.outbox.relay")
def relay() -> None:
    """Send what a lost message or a broker that was away left behind."""
    outbox_relay()
