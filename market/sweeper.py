"""Finding downloads that nobody works on any more."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.db import claim
from core.outbox.services import task_enqueue
from market.choices import FetchStatus
from market.models import Fetch, Import
from market.transitions import fetch_move, import_move

# A message in the queue may simply wait; sending it once more does no harm, the row is claimed.
QUEUED_LOST_AFTER = timedelta(minutes=2)
RUNNING_LOST_AFTER = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 60)
MAX_ATTEMPTS = 3


def fetches_requeue() -> int:
    """Queue lost downloads again; those that lost their worker three times end as errored.

    Returns
    -------
    int
        How many were queued.
    """
    now = timezone.now()
    queued = 0
    for fetch in Fetch.objects.filter(
        status=FetchStatus.RUNNING, updated_at__lt=now - RUNNING_LOST_AFTER
    ):
        if fetch.attempts >= MAX_ATTEMPTS:
            fetch_move(
                fetch_id=fetch.id,
                before=FetchStatus.RUNNING,
                after=FetchStatus.ERRORED,
                finished_at=now,
                error_code="worker_lost",
                error_message=f"Its worker died {fetch.attempts} times; it was given up.",
            )
            continue
        with transaction.atomic():
            if fetch_move(fetch_id=fetch.id, before=FetchStatus.RUNNING, after=FetchStatus.QUEUED):
                task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
                queued += 1
    for fetch in Fetch.objects.filter(
        status=FetchStatus.QUEUED, updated_at__lt=now - QUEUED_LOST_AFTER
    ):
        same = Fetch.objects.filter(
            id=fetch.id, status=FetchStatus.QUEUED, updated_at=fetch.updated_at
        )
        with transaction.atomic():
            # The claim only moves updated_at: of two sweepers one sends.
            if claim(same, progress=0.0):
                task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
                queued += 1
    return queued


def imports_requeue() -> int:
    """Queue lost imports again; those that lost their worker three times end as errored.

    Returns
    -------
    int
        How many were queued.
    """
    now = timezone.now()
    queued = 0
    running = Import.objects.filter(
        status=FetchStatus.RUNNING, updated_at__lt=now - RUNNING_LOST_AFTER
    )
    for upload in running:
        lost = upload.attempts >= MAX_ATTEMPTS
        with transaction.atomic():
            if lost:
                import_move(
                    import_id=upload.id,
                    before=FetchStatus.RUNNING,
                    after=FetchStatus.ERRORED,
                    finished_at=now,
                    error_code="worker_lost",
                    error_message=f"Its worker died {upload.attempts} times; it was given up.",
                )
            elif import_move(
                import_id=upload.id, before=FetchStatus.RUNNING, after=FetchStatus.QUEUED
            ):
                task_enqueue(task="market.import", args=[str(upload.id)], queue="market")
                queued += 1
    waiting = Import.objects.filter(
        status=FetchStatus.QUEUED, updated_at__lt=now - QUEUED_LOST_AFTER
    )
    for upload in waiting:
        same = Import.objects.filter(
            id=upload.id, status=FetchStatus.QUEUED, updated_at=upload.updated_at
        )
        with transaction.atomic():
            if claim(same, progress=0.0):
                task_enqueue(task="market.import", args=[str(upload.id)], queue="market")
                queued += 1
    return queued
