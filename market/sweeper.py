"""Finding downloads that nobody works on any more."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from core.db import claim
from core.outbox.services import task_enqueue
from market.choices import FETCH_FINAL, FetchStatus
from market.models import Fetch, FetchPart, Import
from market.parts import StoredParts
from market.transitions import fetch_move, import_move

# A message in the queue may simply wait; sending it once more does no harm, the row is claimed.
QUEUED_LOST_AFTER = timedelta(minutes=2)
RUNNING_LOST_AFTER = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 60)
MAX_ATTEMPTS = 3
# What came of a download that ended without bars waits that long for another try.
PARTS_KEPT = timedelta(days=7)
PRUNED_AT_ONCE = 100


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


def parts_prune() -> int:
    """Drop what came of downloads that ended without bars a week ago; return of how many."""
    old = Fetch.objects.filter(
        Exists(FetchPart.objects.filter(fetch=OuterRef("pk"))),
        status__in=FETCH_FINAL,
        updated_at__lt=timezone.now() - PARTS_KEPT,
    )
    dropped = 0
    for fetch in old[:PRUNED_AT_ONCE]:
        with transaction.atomic():
            StoredParts(fetch).drop()
        dropped += 1
    return dropped
