from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from brokers.deployments import schedule
from brokers.deployments.drifting import drifts_compare
from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.models import Deployment


@shared_task(name="brokers.deployments_tick")
def tick() -> None:
    """Decide on the bars that are over."""
    schedule.deployments_tick(now=timezone.now())


@shared_task(name="brokers.bars_stored")
def bars_stored(symbol: str) -> None:
    """Decide on bars of a symbol as soon as they are there."""
    schedule.deployments_tick(now=timezone.now(), symbol=symbol)


@shared_task(name="brokers.deployments_follow")
def follow_all() -> None:
    """Take up what came of orders."""
    schedule.deployments_follow(now=timezone.now())


@shared_task(name="brokers.deployment_begin")
def begin(deployment_id: str) -> None:
    """Get one deployment ready to run."""
    deployment = Deployment.objects.select_related("account", "strategy_version").get(
        id=deployment_id
    )
    deployment_begin(deployment=deployment, now=timezone.now())


@shared_task(name="brokers.deployment_follow")
def finish(deployment_id: str) -> None:
    """Go on with the end of one deployment."""
    deployment_finish(deployment_id=UUID(deployment_id))


@shared_task(name="brokers.deployments_drift")
def drift() -> None:
    """Replay the sessions that are over through the backtester."""
    drifts_compare(now=timezone.now())
