"""What the owner may do with a run that exists."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.backtests.announce import run_announce
from core.backtests.choices import RETRYABLE, RunStatus
from core.backtests.models import BacktestRun
from core.backtests.selectors import run_get, run_missing
from core.backtests.sending import lost_at, message_send
from core.backtests.transitions import run_transition
from core.db import claim
from core.errors import Conflict

ATTEMPTS: Final = 3


def run_cancel(*, owner_id: UUID, run_id: UUID | str) -> BacktestRun:
    """Cancel a queued run at once; have a running one stopped by its worker.

    Raises
    ------
    NotFound
        If it is not the caller's.
    Conflict
        If it has ended already.
    """
    run = run_get(owner_id=owner_id, run_id=run_id)
    if run.status == RunStatus.CANCELED:
        return run
    with transaction.atomic():
        if run_transition(
            run_id=run.id,
            before=RunStatus.QUEUED,
            after=RunStatus.CANCELED,
            finished_at=timezone.now(),
        ):
            run_announce(run=run, status=RunStatus.CANCELED)
            return run_get(owner_id=owner_id, run_id=run_id)
    running = BacktestRun.objects.filter(id=run.id, status=RunStatus.RUNNING)
    if claim(running, cancel_requested=True):
        return run_get(owner_id=owner_id, run_id=run_id)
    run = run_get(owner_id=owner_id, run_id=run_id)
    raise Conflict(
        f"The run is {run.status} already: there is nothing left to cancel.", code="finished"
    )


def run_retry(*, owner_id: UUID, run_id: UUID | str) -> BacktestRun:
    """Queue a run again that ended without a result.

    Raises
    ------
    NotFound
        If it is not the caller's.
    Conflict
        If it is still under way, or complete: the same run would give the same bits.
    """
    run = run_get(owner_id=owner_id, run_id=run_id)
    if run.status not in RETRYABLE:
        raise Conflict(
            f"The run is {run.status}: only one that is {', '.join(RETRYABLE)} can be retried.",
            code="not_retryable",
        )
    with transaction.atomic():
        retried = run_transition(
            run_id=run.id,
            before=RunStatus(run.status),
            after=RunStatus.QUEUED,
            attempts_allowed=F("attempts") + ATTEMPTS,
            messages=1,
            resend_at=lost_at(messages=1),
            progress=0.0,
            cancel_requested=False,
            started_at=None,
            finished_at=None,
            error_code="",
            error_message="",
            error_details=[],
        )
        if not retried:
            raise Conflict("The run was retried by another request.", code="not_retryable")
        message_send(run_id=run.id)
        run_announce(run=run, status=RunStatus.QUEUED)
    return run_get(owner_id=owner_id, run_id=run_id)


def run_delete(*, owner_id: UUID, run_id: UUID | str) -> None:
    """Delete a run with all it found; a worker that still computes it will store nothing.

    Raises
    ------
    NotFound
        If it is not the caller's.
    """
    with transaction.atomic():
        # The row first: a worker that is about to store its result waits, and then finds no run.
        locked = BacktestRun.objects.select_for_update().filter(owner_id=owner_id, id=run_id)
        run = locked.only("id").first()
        if run is None:
            raise run_missing(run_id)
        run.delete()
