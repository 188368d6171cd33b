"""A worker's hold on a job: renewed while it lives, so that its death shows within seconds."""

from __future__ import annotations

from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

import structlog
from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.utils import timezone

from market.choices import FetchStatus
from market.transitions import Job

log = structlog.get_logger(__name__)

RENEW_EVERY_S: Final = 5.0


class Hold:
    """The hold of one attempt on a download or import, as a context manager around the work.

    A thread touches the row's `updated_at`, which is what the sweeper looks at. It opens a
    connection to the database only where the work lasts long enough to need one.
    """

    def __init__(
        self, jobs: QuerySet[Job], job: Job, *, renew_every_s: float = RENEW_EVERY_S
    ) -> None:
        self._mine = jobs.filter(id=job.pk, status=FetchStatus.RUNNING, attempts=job.attempts)
        self._job = str(job.pk)
        self._renew_every_s = renew_every_s
        self._done = Event()
        self._thread = Thread(target=self._renew, name=f"hold-{job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _renew(self) -> None:
        try:
            while not self._done.wait(self._renew_every_s):
                self._renew_once()
        finally:
            connections.close_all()

    def _renew_once(self) -> None:
        try:
            self._mine.update(updated_at=timezone.now())
        except DatabaseError as error:
            # The next round tries again; if the database stays away the job counts as lost.
            log.warning("market.hold_not_renewed", job_id=self._job, error=str(error))
            connections.close_all()
