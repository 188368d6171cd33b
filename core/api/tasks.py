from __future__ import annotations

from celery import shared_task

from core.api.health import heartbeat_record
from core.api.idempotency import keys_prune


@shared_task(name="core.api.heartbeat")
def heartbeat(queue: str) -> None:
    """Note that this queue has a worker."""
    heartbeat_record(queue=queue)


@shared_task(name="core.api.prune")
def prune() -> None:
    """Delete idempotency keys past their retention."""
    keys_prune()
