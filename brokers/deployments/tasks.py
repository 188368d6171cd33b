from __future__ import annotations

from contextlib import suppress
from functools import partial
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from brokers.deployments import schedule, warm  # noqa: F401 - warm is there by being imported
from brokers.deployments.drifting import drifts_compare
from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.models import Deployment
from market.telling import BARS_STORED


@shared_task(name="brokers.deployments_tick")
def tick() -> None:
    """Decide on the bars that are over, whether it was told that they are stored or not."""
    schedule.deployments_tick(now=timezone.now())


@shared_task(name=BARS_STORED)
def bars_stored(symbol: str, *, helping: bool = False) -> None:
    """Decide on bars of a symbol as soon as they are there."""
    schedule.deployments_tick(
        now=timezone.now(),
        symbol=symbol,
        help_call=None if helping else partial(_help, symbol),
        helping=helping,
    )


def _help(symbol: str) -> None:
    """Have another process take a part; without Redis nobody does."""
    with suppress(OperationalError, OSError):
        bars_stored.apply_async(args=(symbol,), kwargs={"helping": True}, queue="live", retry=False)


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
