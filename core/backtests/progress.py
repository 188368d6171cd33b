"""How far a run is, told no more often than anybody wants to hear it."""

from __future__ import annotations

import time
from typing import Final

from django.db import transaction

from core.backtests.announce import progress_announce
from core.backtests.choices import RunStatus
from core.backtests.lease import Lease
from core.backtests.models import BacktestRun

QUIET_S: Final = 0.5


class Progress:
    """Says at each stage whether the work may go on, and tells the owner of a long one.

    A run that takes milliseconds writes nothing between its beginning and its end.
    """

    def __init__(self, *, run: BacktestRun, lease: Lease) -> None:
        self._run = run
        self._lease = lease
        self._told_at = time.monotonic()

    def stage(self, name: str, progress: float) -> None:
        """Enter a stage, `progress` of the whole being done.

        Raises
        ------
        CancelRequested, LeaseLost
            When the work must stop.
        """
        self._lease.check()
        if time.monotonic() - self._told_at < QUIET_S:
            return
        with transaction.atomic():
            BacktestRun.objects.filter(
                id=self._run.id, status=RunStatus.RUNNING, attempts=self._run.attempts
            ).update(stage=name, progress=progress)
            progress_announce(run=self._run, stage=name, progress=progress)
        self._told_at = time.monotonic()
