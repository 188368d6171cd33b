"""The end of a deployment that cannot decide any more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from brokers.deployments.batches import deployments_lock
from brokers.deployments.choices import ACTIVE, DeploymentState, TickStatus
from brokers.deployments.transitions import deployment_move
from brokers.deployments.withdrawing import OPENS, OpenOrders
from brokers.models import Deployment, DeploymentTick
from core.errors import ApplicationError
from core.transactions import atomic
from market.bar_times import bar_after, moment_of, ts_of
from market.intervals import interval_get
from market.selectors import instrument_get


@atomic
def deployment_fail(
    now: datetime, deployment_id: UUID, error: BaseException
) -> DeploymentTick | None:
    """End a deployment whose strategy cannot decide; what it holds at the broker stays guarded.

    Entries that wait are taken back. Of one that fills all the same, the fill is booked and guarded
    like any other (`FOLLOWED`).
    """
    (deployment,) = deployments_lock([deployment_id])
    reason = error.message if isinstance(error, ApplicationError) else repr(error)
    if deployment.state not in ACTIVE:
        return None
    tick = None
    if deployment.last_bar_ts is not None and deployment.next_close_at is not None:
        tick, _ = DeploymentTick.objects.get_or_create(
            deployment=deployment,
            bar_ts=moment_of(_next_ts(deployment)),
            defaults={
                "status": TickStatus.FAILED,
                "notes": [{"code": "failed", "message": reason}],
                "closed_at": deployment.next_close_at,
            },
        )
    OpenOrders(deployment).withdraw(OPENS)
    deployment_move(deployment, new=DeploymentState.FAILED, reason=reason, stopped_at=now)
    return tick


def _next_ts(deployment: Deployment) -> int:
    """Return when the bar opens that is decided on next."""
    last = deployment.last_bar_ts or deployment.created_at
    return bar_after(
        ts_of(last),
        instrument=instrument_get(deployment.symbol, owner_id=deployment.owner_id),
        interval=interval_get(deployment.interval),
    )
