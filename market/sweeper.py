"""Finding downloads and imports that nobody works on any more."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from core.db import claim
from core.outbox.services import task_enqueue
from market.choices import FETCH_FINAL, FetchStatus
from market.models import Fetch, FetchPart, Import
from market.parts import StoredParts
from market.transitions import Job, job_move

# A message in the queue may simply wait; sending it once more does no harm, the row is claimed.
QUEUED_LOST_AFTER = timedelta(minutes=2)
# A worker that lives renews its hold every few seconds (market.hold).
RUNNING_LOST_AFTER = timedelta(seconds=30)
MAX_ATTEMPTS = 3
# What came of a download that ended without bars waits that long for another try.
PARTS_KEPT = timedelta(days=7)
PRUNED_AT_ONCE = 100


def fetches_requeue() -> int:
    """Queue lost downloads again; return how many."""
    return _requeue(Fetch.objects.all(), task="market.fetch")


def imports_requeue() -> int:
    """Queue lost imports again; return how many."""
    return _requeue(Import.objects.all(), task="market.import")


def _requeue(jobs: QuerySet[Job], *, task: str) -> int:
    """Queue lost jobs again; those that lost their worker three times end as errored."""
    now = timezone.now()
    queued = 0
    for job in jobs.filter(status=FetchStatus.RUNNING, updated_at__lt=now - RUNNING_LOST_AFTER):
        if job.attempts >= MAX_ATTEMPTS:
            job_move(
                jobs,
                job_id=job.id,
                before=FetchStatus.RUNNING,
                after=FetchStatus.ERRORED,
                finished_at=now,
                error_code="worker_lost",
                error_message=f"Its worker died {job.attempts} times; it was given up.",
            )
            continue
        with transaction.atomic():
            if job_move(jobs, job_id=job.id, before=FetchStatus.RUNNING, after=FetchStatus.QUEUED):
                task_enqueue(task=task, args=[str(job.id)], queue="market")
                queued += 1
    for job in jobs.filter(status=FetchStatus.QUEUED, updated_at__lt=now - QUEUED_LOST_AFTER):
        same = jobs.filter(id=job.id, status=FetchStatus.QUEUED, updated_at=job.updated_at)
        with transaction.atomic():
            # The claim only moves updated_at: of two sweepers one sends.
            if claim(same, progress=0.0):
                task_enqueue(task=task, args=[str(job.id)], queue="market")
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
