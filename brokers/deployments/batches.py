"""Working on many deployments at once: none of them takes the others with it, or keeps them.

A batch is one transaction. Where it fails it is rolled back and done again in halves, down to the
deployment that is at fault, which fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

import structlog
from django.db import IntegrityError

from brokers.models import Deployment, DeploymentTick
from core.errors import ApplicationError
from core.transactions import Overtaken, atomic

log = structlog.get_logger(__name__)

# What a strategy may raise on bars that nobody had thought of.
FAULTS: Final = (ApplicationError, IntegrityError, ValueError, ArithmeticError, LookupError)
BATCH: Final = 100

Ticks = list[DeploymentTick]
Work = Callable[[Sequence[Deployment]], Ticks]
Before = Callable[[Iterable[UUID]], None]
Fail = Callable[[UUID, BaseException], DeploymentTick | None]


def in_batches(
    ids: Iterable[UUID], work: Work, *, before: Before, fail: Fail, size: int = BATCH
) -> Iterator[Ticks]:
    """Work on deployments, those first that nobody else works on; yield what each batch made.

    Parameters
    ----------
    work : callable
        Is given deployments whose rows are locked, in a transaction.
    before : callable
        Is given the ids of a batch, outside of any transaction: venues are asked there.
    fail : callable
        Is given a deployment that failed alone, and the error.
    """
    rows = list(ids)
    left: list[UUID] = []
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        before(batch)
        made, locked = _apart(batch, work, fail, wait=len(rows) == 1)
        yield made
        left += locked
    if left:
        yield _apart(left, work, fail, wait=True)[0]


def deployments_lock(ids: Iterable[UUID], *, wait: bool = True) -> list[Deployment]:
    """Lock the rows of deployments for the transaction that is open, and return them.

    Without `wait` those are left out that somebody else has locked.
    """
    rows = Deployment.objects.select_for_update(
        of=("self",), no_key=True, skip_locked=not wait
    ).select_related("account")
    return list(rows.filter(id__in=list(ids)).order_by("id"))


def _apart(ids: Sequence[UUID], work: Work, fail: Fail, *, wait: bool) -> tuple[Ticks, list[UUID]]:
    """Return what a batch made, and those that somebody else works on."""
    try:
        return _together(ids, work, wait=wait)
    except Overtaken as error:
        if len(ids) == 1:
            return _left(ids[0], error)
    except FAULTS as error:
        if len(ids) == 1:
            try:
                tick = fail(ids[0], error)
            except Overtaken as overtaken:
                return _left(ids[0], overtaken)
            return [tick] if tick else [], []
    half = len(ids) // 2
    first, second = (_apart(part, work, fail, wait=wait) for part in (ids[:half], ids[half:]))
    return first[0] + second[0], first[1] + second[1]


def _left(deployment_id: UUID, error: Overtaken) -> tuple[Ticks, list[UUID]]:
    """Leave a deployment that others come before again and again to whoever looks next."""
    log.warning(
        "deployment.overtaken", deployment_id=str(deployment_id), error=repr(error.__cause__)
    )
    return [], []


def _together(ids: Sequence[UUID], work: Work, *, wait: bool) -> tuple[Ticks, list[UUID]]:
    rows, made = _once(ids, work, wait=wait)
    found = {deployment.id for deployment in rows}
    return made, [one for one in ids if one not in found]


@atomic
def _once(ids: Sequence[UUID], work: Work, *, wait: bool) -> tuple[list[Deployment], Ticks]:
    rows = deployments_lock(ids, wait=wait)
    return rows, work(rows)
