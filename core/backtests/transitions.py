"""How a run's status may change: one literal table, applied by compare-and-set."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from core.backtests.choices import RunStatus as S
from core.backtests.models import BacktestRun
from core.db import claim

TRANSITIONS: Final[frozenset[tuple[S, S]]] = frozenset(
    {
        (S.QUEUED, S.RUNNING),
        (S.QUEUED, S.CANCELED),
        (S.RUNNING, S.COMPLETED),
        (S.RUNNING, S.FAILED),
        (S.RUNNING, S.ERRORED),
        (S.RUNNING, S.TIMED_OUT),
        (S.RUNNING, S.CANCELED),
        # Its worker died, or something it needs is away for now: somebody else tries again.
        (S.RUNNING, S.QUEUED),
        # A user's retry. A completed run is never done again: it would give the same bits.
        (S.FAILED, S.QUEUED),
        (S.ERRORED, S.QUEUED),
        (S.TIMED_OUT, S.QUEUED),
        (S.CANCELED, S.QUEUED),
    }
)


def run_transition(
    *, run_id: UUID, before: S, after: S, where: Q | None = None, **changes: Any
) -> bool:
    """Move a run from one status to another and tell whether it was this call that did it.

    Parameters
    ----------
    run_id : UUID
        The run.
    before, after : RunStatus
        A pair of `TRANSITIONS`.
    where : Q, optional
        What else must hold, such as the number of the attempt.
    **changes
        Columns that change in the same statement.

    Raises
    ------
    ValueError
        When the table does not have the pair: a mistake of ours.
    """
    if (before, after) not in TRANSITIONS:
        raise ValueError(f"A run does not go from {before.value} to {after.value}.")
    rows = BacktestRun.objects.filter(where or Q(), id=run_id, status=before)
    return claim(rows, status=after, **changes)
