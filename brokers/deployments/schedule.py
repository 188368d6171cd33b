"""Whose bar is over, and who waits for news: looked at every second, safe to run twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from brokers.choices import OPEN_STATUSES
from brokers.deployments.choices import DeploymentState
from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.deployments.ticking import deployment_follow, deployment_tick
from brokers.models import BookEntry, Deployment, DeploymentTick, Fill, Order

AT_ONCE: Final = 500
LOST_AFTER: Final = timedelta(seconds=10)


def deployments_tick(*, now: datetime) -> int:
    """Decide for every deployment whose next bar is over; return how many decided."""
    due = Deployment.objects.filter(state=DeploymentState.RUNNING, next_close_at__lte=now)
    ids = due.order_by("next_close_at").values_list("id", flat=True)[:AT_ONCE]
    return sum(deployment_tick(deployment_id=one, now=now) is not None for one in ids)


def deployments_follow(*, now: datetime) -> None:
    """Take up news of orders, finish what stops, begin what a lost task left behind."""
    own = Order.objects.filter(deployment_id=OuterRef("id"))
    booked = BookEntry.objects.filter(fill=OuterRef("id"))
    news = Fill.objects.filter(~Exists(booked), order__deployment_id=OuterRef("id"))
    pending = DeploymentTick.objects.filter(deployment=OuterRef("id"), pending=True)
    alive = Deployment.objects.filter(
        Exists(own.filter(status__in=OPEN_STATUSES)) | Exists(news) | Exists(pending),
        state__in=(DeploymentState.RUNNING, DeploymentState.PAUSED),
    )
    for one in alive.values_list("id", flat=True)[:AT_ONCE]:
        deployment_follow(deployment_id=one, now=now)
    stopping = Deployment.objects.filter(state=DeploymentState.STOPPING)
    for one in stopping.values_list("id", flat=True)[:AT_ONCE]:
        deployment_finish(deployment_id=one)
    lost = Deployment.objects.filter(
        state=DeploymentState.STARTING, updated_at__lt=now - LOST_AFTER
    )
    for deployment in lost.select_related("account", "strategy_version")[:AT_ONCE]:
        deployment_begin(deployment=deployment, now=now)
