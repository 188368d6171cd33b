"""A worker's hold on a run: renewed while it lives, so that its death shows.

A thread renews the lease and reads the cancel flag; the work itself only looks at two booleans,
which costs nothing. The thread opens a database connection only if a run lasts long enough to
need one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone

from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=15)
RENEW_EVERY_S: Final = 4.0


class CancelRequested(Exception):
    """The owner asked for the run to stop."""


class LeaseLost(Exception):
    """Somebody else has the run now; what this worker finds out no longer counts."""


def lease_end() -> datetime:
    """Return when a lease that is taken now runs out."""
    return timezone.now() + LEASE


class Lease:
    """The hold of one attempt on a run, as a context manager around the work."""

    def __init__(self, *, run_id: UUID, attempt: int, renew_every_s: float = RENEW_EVERY_S) -> None:
        self._run_id = run_id
        self._attempt = attempt
        self._renew_every_s = renew_every_s
        self._done = Event()
        self._canceled = False
        self._lost = False
        self._thread = Thread(target=self._renew, name=f"lease-{run_id}", daemon=True)

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

    def check(self) -> None:
        """Return if the work may go on.

        Raises
        ------
        CancelRequested, LeaseLost
            If it may not.
        """
        if self._canceled:
            raise CancelRequested
        if self._lost:
            raise LeaseLost

    def _renew(self) -> None:
        try:
            while not self._done.wait(self._renew_every_s):
                self._renew_once()
        finally:
            connections.close_all()

    def _renew_once(self) -> None:
        held = BacktestRun.objects.filter(
            id=self._run_id, status=RunStatus.RUNNING, attempts=self._attempt
        )
        try:
            self._lost = held.update(leased_until=lease_end()) == 0
            self._canceled = held.filter(cancel_requested=True).exists()
        except DatabaseError as error:
            # The next round tries again; if the database stays away the lease runs out by itself.
            log.warning("run.lease_not_renewed", run_id=str(self._run_id), error=str(error))
            connections.close_all()
