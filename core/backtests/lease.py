"""A worker's hold on a run.

A thread renews the lease and reads the cancel flag; the work itself only looks at two booleans,
which costs nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from core.renewal import Renewal

LEASE: Final = timedelta(seconds=15)
RENEW_EVERY_S: Final = 4.0


class CancelRequested(Exception):
    """The owner asked for the run to stop."""


class LeaseLost(Exception):
    """Somebody else has the run now; what this worker finds out no longer counts."""


def lease_end() -> datetime:
    """Return when a lease that is taken now runs out."""
    return timezone.now() + LEASE


class Lease(Renewal):
    """The hold of one attempt on a run, as a context manager around the work."""

    def __init__(self, *, run_id: UUID, attempt: int, renew_every_s: float = RENEW_EVERY_S) -> None:
        super().__init__(every_s=renew_every_s, name=f"run-{run_id}")
        self._held = BacktestRun.objects.filter(
            id=run_id, status=RunStatus.RUNNING, attempts=attempt
        )
        self._canceled = False
        self._lost = False

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

    def renew(self) -> None:
        """Renew the lease, and look at what its owner wants."""
        self._lost = self._held.update(leased_until=lease_end()) == 0
        self._canceled = self._held.filter(cancel_requested=True).exists()
