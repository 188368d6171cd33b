from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from brokers.deployments import schedule, warm  # noqa: F401 - warm is there by being imported
from brokers.deployments.drifting import drifts_compare
from brokers.deployments.holdings import holdings_compare
from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.models import Deployment
from market.telling import BARS_STORED, told_take

# Told of together they are looked at together, yet not so many that others wait long for theirs.
SYMBOLS: Final = 25


@shared_task(name="brokers.deployments_tick")
def tick() -> None:
    """Decide on the bars that are over, whether it was told that they are stored or not."""
    schedule.deployments_tick(now=timezone.now(), help_call=partial(_help, None))


@shared_task(name=BARS_STORED)
def bars_stored(symbol: str) -> None:
    """Decide on bars as soon as they are there: on those of all symbols told of so far."""
    symbols = told_take(symbol, most=SYMBOLS)
    if symbols:
        schedule.deployments_tick(
            now=timezone.now(), symbols=symbols, help_call=partial(_help, symbols)
        )


@shared_task(name="brokers.bars_help")
def bars_help(symbols: list[str] | None) -> None:
    """Take a part of what another process decides on; None is whatever is over."""
    schedule.deployments_tick(now=timezone.now(), symbols=symbols, helping=True)


def _help(symbols: Iterable[str] | None) -> None:
    """Have another process take a part; without Redis nobody does."""
    names = None if symbols is None else sorted(symbols)
    with suppress(OperationalError, OSError):
        bars_help.apply_async(args=(names,), queue="live", retry=False)


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


@shared_task(name="brokers.deployments_holdings")
def holdings() -> None:
    """Pause what trades with what its account does not hold."""
    holdings_compare()


@shared_task(name="brokers.deployments_drift")
def drift() -> None:
    """Replay the sessions that are over through the backtester."""
    drifts_compare(now=timezone.now())
