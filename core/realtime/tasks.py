from __future__ import annotations

from celery import shared_task

from core.realtime.services import events_prune


@shared_task(name="core.realtime.prune")
def prune() -> None:
    """Delete events and tickets nobody can ask for any more."""
    events_prune()
