"""The only way in which the status of a download or an import changes."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from core.db import claim
from market.choices import FETCH_FINAL, FetchStatus
from market.models import Fetch, Import
from market.models.job import BarsJob

Job = TypeVar("Job", bound=BarsJob)

ALLOWED = frozenset(
    {
        (FetchStatus.QUEUED, FetchStatus.RUNNING),
        (FetchStatus.RUNNING, FetchStatus.COMPLETED),
        (FetchStatus.RUNNING, FetchStatus.FAILED),
        (FetchStatus.RUNNING, FetchStatus.ERRORED),
        # its worker died, its time was up, or the provider sent it away for now
        (FetchStatus.RUNNING, FetchStatus.QUEUED),
        (FetchStatus.QUEUED, FetchStatus.CANCELED),
        (FetchStatus.RUNNING, FetchStatus.CANCELED),
        # tried again by its owner, from where it stopped
        (FetchStatus.FAILED, FetchStatus.QUEUED),
        (FetchStatus.ERRORED, FetchStatus.QUEUED),
        (FetchStatus.CANCELED, FetchStatus.QUEUED),
    }
)


def job_move(
    jobs: QuerySet[Job],
    *,
    job_id: UUID | str,
    before: FetchStatus,
    after: FetchStatus,
    **changes: Any,
) -> bool:
    """Change a status and tell whether it was still `before`."""
    if (before, after) not in ALLOWED:
        raise ValueError(f"A job does not go from {before} to {after}.")
    return claim(jobs.filter(id=job_id, status=before), status=after, **changes)


def job_cancel(jobs: QuerySet[Job], *, job_id: UUID | str) -> bool:
    """Cancel a job that waits or is worked on; tell whether it was not over."""
    return any(
        job_move(
            jobs,
            job_id=job_id,
            before=before,
            after=FetchStatus.CANCELED,
            stage="",
            finished_at=timezone.now(),
        )
        for before in (FetchStatus.QUEUED, FetchStatus.RUNNING)
    )


def job_queue_again(jobs: QuerySet[Job], *, job_id: UUID | str, **changes: Any) -> bool:
    """Queue a job that ended without bars; tell whether it had."""
    return any(
        job_move(
            jobs,
            job_id=job_id,
            before=FetchStatus(before),
            after=FetchStatus.QUEUED,
            attempts=0,
            finished_at=None,
            error_code="",
            error_message="",
            error_details=[],
            **changes,
        )
        for before in FETCH_FINAL - {FetchStatus.COMPLETED}
    )


def fetch_move(
    *,
    fetch_id: UUID | str,
    before: FetchStatus,
    after: FetchStatus,
    attempt: int | None = None,
    **changes: Any,
) -> bool:
    """Change the status of a download and tell whether it was still `before`.

    With an attempt, only while it is that one: a worker that was taken for dead ends nothing.
    """
    mine = _of_attempt(Fetch.objects.all(), attempt)
    return job_move(mine, job_id=fetch_id, before=before, after=after, **changes)


def import_move(
    *,
    import_id: UUID | str,
    before: FetchStatus,
    after: FetchStatus,
    attempt: int | None = None,
    **changes: Any,
) -> bool:
    """Change the status of an import, as `fetch_move` does of a download."""
    mine = _of_attempt(Import.objects.all(), attempt)
    return job_move(mine, job_id=import_id, before=before, after=after, **changes)


def _of_attempt(jobs: QuerySet[Job], attempt: int | None) -> QuerySet[Job]:
    return jobs if attempt is None else jobs.filter(attempts=attempt)
