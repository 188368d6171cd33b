"""Telling a user about a deployment: on its socket topic always, as an alert where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brokers.deployments.choices import DeploymentState
from brokers.models import Deployment, DeploymentTick
from core.realtime.publishing import News, news_publish
from core.realtime.services import event_publish
from notifications.services import event_notify


def deployment_frame(deployment: Deployment) -> dict[str, Any]:
    """Return where a deployment is, as the socket shows it."""
    return {
        "deployment_id": str(deployment.id),
        "strategy_id": str(deployment.strategy_id),
        "account_id": str(deployment.account_id),
        "ticker": deployment.symbol,
        "status": deployment.state,
        "reason": deployment.state_reason,
    }


def state_tell(deployment: Deployment) -> None:
    """Tell of a new state; call it inside the transaction that made it."""
    data = deployment_frame(deployment)
    topic = f"deployment:{deployment.id}"
    event_publish(user_id=deployment.owner_id, topic=topic, type="deployment.changed", data=data)
    failed = deployment.state == DeploymentState.FAILED
    event = "deployment.failed" if failed else "deployment.changed"
    event_notify(
        owner_id=deployment.owner_id,
        event=event,
        key=f"{event}:{deployment.id}:{deployment.state}:{deployment.updated_at.isoformat()}",
        subject=f"{deployment.name}: {deployment.state}",
        text=deployment.state_reason or f"The deployment is {deployment.state}.",
        data={**data, "code": deployment.state},
    )


def ticks_tell(ticks: Sequence[DeploymentTick]) -> None:
    """Tell of decisions; call it inside the transaction that made them."""
    news_publish(
        [
            News(
                user_id=tick.deployment.owner_id,
                topic=f"deployment:{tick.deployment_id}",
                type="deployment.tick",
                data={
                    "deployment_id": str(tick.deployment_id),
                    "bar_ts": tick.bar_ts.isoformat(),
                    "status": tick.status,
                    "decision": tick.decision,
                    "notes": tick.notes,
                    "position": tick.position,
                    "equity": tick.equity,
                },
            )
            for tick in ticks
        ]
    )


def late_tell(deployment: Deployment, *, late_s: float) -> None:
    """Tell, once a bar, that it has not come; nothing is decided without it."""
    event_notify(
        owner_id=deployment.owner_id,
        event="data.late",
        key=f"data.late:{deployment.id}:{deployment.next_close_at}",
        subject=f"{deployment.name}: the bar of {deployment.symbol} is late",
        text=(
            f"The {deployment.interval} bar of {deployment.symbol} that was over at "
            f"{deployment.next_close_at:%Y-%m-%d %H:%M} UTC has not come. Nothing is decided "
            "until it does."
        ),
        data={
            "ticker": deployment.symbol,
            "interval": deployment.interval,
            "deployment_id": str(deployment.id),
            "late_s": late_s,
        },
    )
