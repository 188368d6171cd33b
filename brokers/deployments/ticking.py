"""From a closed bar to orders: once, in one transaction, by whoever comes first.

Deployments are looked at together (`batches`): what they share is read and computed once, and what
they decide is written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.beginning import Beginning
from brokers.deployments.asking import venues_ask
from brokers.deployments.batches import BATCH, in_batches
from brokers.deployments.choices import DeploymentState
from brokers.deployments.failing import deployment_fail
from brokers.deployments.gathering import dossiers_complete, dossiers_read
from brokers.deployments.looking import Look, look_at, looks_act
from brokers.deployments.signals import decisions_tell
from brokers.deployments.telling import late_tell, ticks_tell
from brokers.deployments.transitions import deployment_move
from brokers.deployments.waiting import ticks_waiting
from brokers.models import BookEntry, Deployment, DeploymentTick
from market.bar_times import ts_of

# Providers take a while: before that nobody is told.
LATE_AFTER: Final = timedelta(minutes=2)


def deployment_tick(*, deployment_id: UUID, now: datetime) -> DeploymentTick | None:
    """Decide on the bar that was over last; None where that was done, or there is none."""
    ticks = list(chain.from_iterable(deployments_decide(deployment_ids=[deployment_id], now=now)))
    return ticks[0] if ticks else None


def deployments_decide(
    *,
    deployment_ids: Iterable[UUID],
    now: datetime,
    send: bool = False,
    size: int = BATCH,
) -> Iterator[list[DeploymentTick]]:
    """Decide for deployments on the bars that were over last; yield what each batch decided.

    Of two workers at once each takes what the other has not; what is left then waits for the
    other, and is found decided. A tick and the orders it wants are one transaction: a worker that
    dies leaves both or neither.

    Parameters
    ----------
    send : bool
        Whether orders are sent right after a batch's commit.
    size : int
        How many are decided for in one transaction.
    """
    work = partial(_decide_all, now=now, send=send)
    fail = partial(deployment_fail, now)
    return in_batches(
        deployment_ids, work, before=partial(venues_ask, now=now), fail=fail, size=size
    )


def _decide_all(
    deployments: Sequence[Deployment], now: datetime, *, send: bool
) -> list[DeploymentTick]:
    beginning = Beginning() if send else None
    if beginning is not None:  # before anybody is told
        # What fails there fails no deployment: the bar is decided, and others wait for the commit.
        transaction.on_commit(beginning.finish, robust=True)
    running = [one for one in deployments if one.state == DeploymentState.RUNNING]
    due = []
    for dossier in dossiers_read(running, now=now):
        last = dossier.deployment.last_bar_ts
        if dossier.closed and dossier.bar_ts > (ts_of(last) if last else -1):
            due.append(dossier)
        else:
            _late(dossier.deployment, now)
    dossiers_complete(due)
    looks = [look_at(dossier, now) for dossier in due]
    BookEntry.objects.bulk_create(chain.from_iterable(look.entries for look in looks))
    looks_act(looks, now, beginning.begin if beginning is not None else None)
    ticks = [look.tick for look in looks if look.tick is not None]
    DeploymentTick.objects.bulk_create(ticks)
    _go_on(looks)
    ticks_tell(ticks)
    decisions_tell([(look.tick, look.decision, look.view) for look in looks if look.tick])
    for look in looks:
        if not look.decision.alive:
            deployment_move(
                look.dossier.deployment,
                new=DeploymentState.FAILED,
                reason="No equity is left in its book.",
            )
    return ticks


def _go_on(looks: Sequence[Look]) -> None:
    """Write down which bar each deployment has decided on, and when its next one is over.

    What waits of the bar before is part of what this one has found.
    """
    ticks_waiting(id__in=[look.dossier.deployment.id for look in looks]).update(pending=False)
    together: dict[tuple[datetime, datetime], list[Deployment]] = {}
    for look in looks:
        if look.tick is not None and look.next_close_at is not None:
            place = look.tick.bar_ts, look.next_close_at
            together.setdefault(place, []).append(look.dossier.deployment)
    for (bar_ts, next_close_at), deployments in together.items():
        Deployment.objects.filter(id__in=[one.id for one in deployments]).update(
            last_bar_ts=bar_ts, next_close_at=next_close_at, updated_at=timezone.now()
        )
        for deployment in deployments:
            deployment.last_bar_ts, deployment.next_close_at = bar_ts, next_close_at


def _late(deployment: Deployment, now: datetime) -> None:
    due = deployment.next_close_at
    if due is not None and now > due + LATE_AFTER:
        late_tell(deployment, late_s=(now - due).total_seconds())
