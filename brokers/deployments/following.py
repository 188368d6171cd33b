"""From news of orders to what they change: fills booked, guards moved, the rest of a bar sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from uuid import UUID

from django.utils import timezone

from brokers.deployments.asking import orders_refresh
from brokers.deployments.batches import in_batches
from brokers.deployments.choices import FOLLOWED
from brokers.deployments.failing import deployment_fail
from brokers.deployments.gathering import dossiers_complete, dossiers_read
from brokers.deployments.looking import look_after, looks_act
from brokers.deployments.option_placing import legs_wait
from brokers.deployments.waiting import ticks_waiting
from brokers.models import BookEntry, Deployment, DeploymentTick


def deployment_follow(*, deployment_id: UUID, now: datetime) -> None:
    """Book what was filled since, have guards lie by it, send what had to wait for that."""
    deployments_follow(deployment_ids=[deployment_id], now=now)


def deployments_follow(*, deployment_ids: Iterable[UUID], now: datetime) -> None:
    """Book what deployments were filled since, and have guards lie by it."""
    batches = in_batches(
        deployment_ids,
        partial(_follow_all, now=now),
        before=orders_refresh,
        fail=partial(deployment_fail, now),
    )
    for _ in batches:
        pass


def _follow_all(deployments: Sequence[Deployment], now: datetime) -> list[DeploymentTick]:
    alive = [one for one in deployments if one.state in FOLLOWED and one.last_bar_ts is not None]
    pending = {tick.deployment_id: tick for tick in ticks_waiting(id__in=[one.id for one in alive])}
    news = []
    for dossier in dossiers_read(alive, now=now):
        tick = pending.get(dossier.deployment.id)
        retry_at = dossier.deployment.retry_at
        due = tick is not None and not legs_wait(dossier, now)
        due = due or (retry_at is not None and retry_at <= timezone.now())
        if dossier.closed and (dossier.fills or dossier.ended or due):
            news.append((dossier, tick))
    dossiers_complete(dossier for dossier, _ in news)
    looks = [look_after(dossier, tick) for dossier, tick in news]
    BookEntry.objects.bulk_create(chain.from_iterable(look.entries for look in looks))
    looks_act(looks, now)
    settled = [tick.id for _, tick in news if tick is not None and not tick.pending]
    DeploymentTick.objects.filter(id__in=settled).update(pending=False)
    return []
