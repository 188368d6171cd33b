"""One attempt at a run: it owns the beginning and the end, whatever happens in between.

`failed` is the user's input (any `ApplicationError`), `errored` is our bug (anything else, logged
with its traceback); both are told to the owner, in the words that fit.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core.backtests.announce import failure_notify, run_announce
from core.backtests.choices import RunStatus
from core.backtests.lease import CancelRequested, Lease, LeaseLost, lease_end
from core.backtests.models import BacktestRun
from core.backtests.progress import Progress
from core.backtests.runner import run_compute
from core.backtests.store import outcome_store
from core.backtests.transitions import run_transition
from core.errors import ApplicationError, Detail, Transient

log = structlog.get_logger(__name__)

TRANSIENT_RETRY: Final = timedelta(seconds=5)
INTERNAL_ERROR: Final = "Something broke on our side; it was logged under the id of this run."


def run_attempt(*, run_id: UUID, time_limit_s: int) -> None:
    """Do a run if it is still to be done; end it in exactly one status.

    Safe to call twice and at the same time: whoever claims the run first does it.
    """
    run = attempt_begin(run_id=run_id)
    if run is None:
        return
    with Lease(run_id=run.id, attempt=run.attempts) as lease:
        try:
            outcome = run_compute(run=run, stage=Progress(run=run, lease=lease).stage)
            if not outcome_store(run=run, outcome=outcome):
                attempt_cancel(run=run)
        except CancelRequested:
            attempt_cancel(run=run)
        except LeaseLost:
            log.warning("run.lease_lost", run_id=str(run.id), attempt=run.attempts)
        except SoftTimeLimitExceeded:
            message = (
                f"The run took longer than {time_limit_s} s: choose a shorter range or a longer "
                "interval."
            )
            attempt_end(run=run, status=RunStatus.TIMED_OUT, code="timed_out", message=message)
        except Transient as error:
            attempt_postpone(run=run, error=error)
        except ApplicationError as error:
            attempt_end(
                run=run,
                status=RunStatus.FAILED,
                code=error.code,
                message=error.message,
                details=error.details,
            )
        except DatabaseError:
            # Nothing can be written now. The lease runs out and the sweeper has it tried again.
            raise
        except Exception:
            log.exception("run.errored", run_id=str(run.id), attempt=run.attempts)
            attempt_end(
                run=run, status=RunStatus.ERRORED, code="internal_error", message=INTERNAL_ERROR
            )


def attempt_begin(*, run_id: UUID) -> BacktestRun | None:
    """Claim a queued run, and return it; None where there is nothing to do any more."""
    with transaction.atomic():
        if not run_transition(
            run_id=run_id,
            before=RunStatus.QUEUED,
            after=RunStatus.RUNNING,
            attempts=F("attempts") + 1,
            started_at=timezone.now(),
            leased_until=lease_end(),
            stage="start",
            progress=0.0,
        ):
            return None
        run = BacktestRun.objects.select_related("strategy_version").get(id=run_id)
        run_announce(run=run, status=RunStatus.RUNNING)
    return run


def attempt_end(
    *,
    run: BacktestRun,
    status: RunStatus,
    code: str,
    message: str,
    details: tuple[Detail, ...] = (),
) -> None:
    """End an attempt without a result, if it still holds the run, and tell its owner why."""
    with transaction.atomic():
        if run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=status,
            where=Q(attempts=run.attempts),
            finished_at=timezone.now(),
            leased_until=None,
            stage="",
            error_code=code,
            error_message=message,
            error_details=[detail.as_dict() for detail in details],
        ):
            failure_notify(run=run, status=status, code=code, message=message)


def attempt_cancel(*, run: BacktestRun) -> None:
    """End an attempt because its owner asked for it; nothing where the run is somebody else's."""
    with transaction.atomic():
        if run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=RunStatus.CANCELED,
            where=Q(attempts=run.attempts, cancel_requested=True),
            finished_at=timezone.now(),
            leased_until=None,
            stage="",
        ):
            run_announce(run=run, status=RunStatus.CANCELED)


def attempt_postpone(*, run: BacktestRun, error: Transient) -> None:
    """Give a run back because something it needs is away; the sweeper sends it again."""
    if run.attempts >= run.attempts_allowed:
        attempt_end(run=run, status=RunStatus.ERRORED, code=error.code, message=error.message)
        return
    delay = timedelta(seconds=error.retry_after_s) if error.retry_after_s else TRANSIENT_RETRY
    with transaction.atomic():
        if run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=RunStatus.QUEUED,
            where=Q(attempts=run.attempts),
            leased_until=None,
            stage="",
            messages=0,
            resend_at=timezone.now() + delay,
        ):
            run_announce(run=run, status=RunStatus.QUEUED, reason=error.message)
