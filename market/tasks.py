from __future__ import annotations

from dataclasses import asdict

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from market.polling import POLL_EVERY_S, quotes_poll
from market.pruning import DUE_EVERY_S, prune_due, snapshots_prune
from market.quotes import quotes_wanted
from market.refresh import watches_refresh
from market.runner import fetch_error, fetch_run
from market.stream_lease import lease_break
from market.streaming import quotes_stream, stream_due
from market.sweeper import fetches_requeue, imports_requeue, parts_prune
from market.uploads import files_prune, import_error, import_run

log = structlog.get_logger(__name__)


@shared_task(name="market.fetch")
def fetch(fetch_id: str) -> None:
    """Download bars."""
    try:
        fetch_run(fetch_id=fetch_id)
    except Exception:  # the wrapper that owns the end of a job: whatever broke, its row says so
        log.exception("fetch.errored", fetch_id=fetch_id)
        fetch_error(fetch_id=fetch_id)


@shared_task(name="market.import")
def import_file(import_id: str) -> None:
    """Import a file of bars."""
    try:
        import_run(import_id=import_id)
    except Exception:  # the wrapper that owns the end of a job: whatever broke, its row says so
        log.exception("import.errored", import_id=import_id)
        import_error(import_id=import_id)


@shared_task(name="market.sweep")
def sweep() -> None:
    """Queue again what a lost message or worker left behind."""
    fetches_requeue()
    imports_requeue()
    parts_prune()
    files_prune()
    if prune_due():
        prune.apply_async(queue="market", expires=DUE_EVERY_S)
    if quotes_wanted(now=timezone.now()):
        poll.apply_async(queue="market", expires=POLL_EVERY_S)
        if stream_due(now=timezone.now()):
            stream.apply_async(queue="market", expires=POLL_EVERY_S)


@shared_task(name="market.watch")
def watch() -> None:
    """Download watched series whose next bar is over, or that are due."""
    watches_refresh(now=timezone.now())


@shared_task(name="market.prune")
def prune() -> None:
    """Drop bars as they once were that nobody can ask for any more."""
    for dropped in snapshots_prune(now=timezone.now()):
        log.info("market.pruned", **asdict(dropped))


@shared_task(name="market.poll")
def poll() -> None:
    """Ask for the latest prices that somebody wants."""
    quotes_poll(now=timezone.now())


@shared_task(name="market.stream")
def stream() -> None:
    """Listen to the prices that somebody wants; ends after minutes, and the next one goes on."""
    if quotes_stream():
        stream.apply_async(queue="market", expires=POLL_EVERY_S)


@worker_shutting_down.connect
def stream_stop(**_: object) -> None:
    """Let the stream end with its worker, instead of keeping it waiting for minutes."""
    lease_break()
