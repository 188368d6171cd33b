"""A worker's hold on a job: the sweeper sees within seconds that it has died."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from core.renewal import Renewal
from market.choices import FetchStatus
from market.transitions import Job

RENEW_EVERY_S: Final = 5.0


class Hold(Renewal):
    """The hold of one attempt on a download or import: it touches the row's `updated_at`."""

    def __init__(
        self, jobs: QuerySet[Job], job: Job, *, renew_every_s: float = RENEW_EVERY_S
    ) -> None:
        super().__init__(every_s=renew_every_s, name=f"job-{job.pk}")
        self._mine = jobs.filter(id=job.pk, status=FetchStatus.RUNNING, attempts=job.attempts)

    def renew(self) -> None:
        """Touch the row."""
        self._mine.update(updated_at=timezone.now())
