"""Finds what fell through: messages that Redis lost, and runs whose worker died.

Each repair is a compare-and-set, so two sweeps at once, or one that comes late, do no harm.
"""

from __future__ import annotations

from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.backtests.announce import failure_notify, run_announce
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from core.backtests.sending import lost_at, message_send
from core.backtests.transitions import run_transition
from core.db import claim

log = structlog.get_logger(__name__)

BATCH: Final = 500


def runs_sweep() -> int:
    """Repair what can be repaired now; return how many runs were."""
    now = timezone.now()
    lost = BacktestRun.objects.filter(status=RunStatus.QUEUED, resend_at__lt=now)
    orphaned = BacktestRun.objects.filter(status=RunStatus.RUNNING, leased_until__lt=now)
    swept = sum([_resend(run) for run in lost.order_by("resend_at")[:BATCH]])
    return swept + sum([_recover(run) for run in orphaned.order_by("leased_until")[:BATCH]])


def _resend(run: BacktestRun) -> bool:
    """Send a queued run again, unless somebody has done so or it has begun."""
    seen = BacktestRun.objects.filter(id=run.id, status=RunStatus.QUEUED, resend_at=run.resend_at)
    messages = run.messages + 1
    with transaction.atomic():
        if not claim(seen, messages=messages, resend_at=lost_at(messages=messages)):
            return False
        message_send(run_id=run.id)
    log.warning("run.message_lost", run_id=str(run.id), messages=messages)
    return True


def _recover(run: BacktestRun) -> bool:
    """Queue a run whose worker has died again, or park it when it has killed too many of them."""
    if run.cancel_requested:
        return _end_canceled(run)
    if run.attempts >= run.attempts_allowed:
        return _park(run)
    with transaction.atomic():
        if not run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=RunStatus.QUEUED,
            where=_as_seen(run),
            leased_until=None,
            stage="",
            progress=0.0,
            messages=1,
            resend_at=lost_at(messages=1),
        ):
            return False
        message_send(run_id=run.id)
        run_announce(run=run, status=RunStatus.QUEUED, reason="Its worker died: trying again.")
    log.warning("run.worker_lost", run_id=str(run.id), attempt=run.attempts)
    return True


def _park(run: BacktestRun) -> bool:
    message = (
        f"The worker died {run.attempts} times while it did this run, so it is not tried again by "
        "itself: choose a shorter range, or retry it."
    )
    with transaction.atomic():
        if not run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=RunStatus.ERRORED,
            where=_as_seen(run),
            leased_until=None,
            stage="",
            finished_at=timezone.now(),
            error_code="worker_lost",
            error_message=message,
        ):
            return False
        failure_notify(run=run, status=RunStatus.ERRORED, code="worker_lost", message=message)
    log.error("run.parked", run_id=str(run.id), attempts=run.attempts)
    return True


def _end_canceled(run: BacktestRun) -> bool:
    with transaction.atomic():
        if not run_transition(
            run_id=run.id,
            before=RunStatus.RUNNING,
            after=RunStatus.CANCELED,
            where=_as_seen(run),
            leased_until=None,
            stage="",
            finished_at=timezone.now(),
        ):
            return False
        run_announce(run=run, status=RunStatus.CANCELED)
    return True


def _as_seen(run: BacktestRun) -> Q:
    """Return the condition that nothing has happened since: no renewal, no other attempt."""
    return Q(attempts=run.attempts, leased_until=run.leased_until)
