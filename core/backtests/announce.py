"""What the world is told about a run: frames to its owner's sockets, and alerts at its end."""

from __future__ import annotations

from typing import Any

from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from core.realtime.services import event_publish
from notifications.services import event_notify

TOLD_METRICS = (
    "total_return_pct",
    "cagr_pct",
    "sharpe",
    "max_drawdown_pct",
    "trades",
    "winrate_pct",
    "final_equity",
)


def run_announce(*, run: BacktestRun, status: RunStatus, **data: Any) -> None:
    """Publish that a run has entered a status; call it in the transaction that made it so."""
    event_publish(
        user_id=run.owner_id,
        topic=run.topic,
        type=f"run.{status.value}",
        data={"id": str(run.id), "status": status.value, "symbol": run.title, **data},
    )


def progress_announce(*, run: BacktestRun, stage: str, progress: float) -> None:
    """Publish how far a running run is."""
    event_publish(
        user_id=run.owner_id,
        topic=run.topic,
        type="run.progress",
        data={"id": str(run.id), "status": run.status, "stage": stage, "progress": progress},
    )


def completion_notify(*, run: BacktestRun, metrics: dict[str, Any]) -> None:
    """Tell the sockets and the alert rules that a run is complete."""
    told = {key: metrics.get(key) for key in TOLD_METRICS}
    run_announce(run=run, status=RunStatus.COMPLETED, progress=1.0, metrics=told)
    total, trades = told["total_return_pct"], told["trades"]
    outcome = "no return" if total is None else f"{total:+.2f} %"
    event_notify(
        owner_id=run.owner_id,
        event="run.completed",
        # A run completes once, however often it was tried.
        key=f"run.completed:{run.id}",
        subject=f"Backtest of {run} completed: {outcome}",
        text=f"{run}: {outcome} in {trades} trades.",
        data={**_described(run, RunStatus.COMPLETED), **told},
    )


def failure_notify(*, run: BacktestRun, status: RunStatus, code: str, message: str) -> None:
    """Tell the sockets and the alert rules that an attempt ended without a result."""
    run_announce(run=run, status=status, error={"code": code, "message": message})
    event_notify(
        owner_id=run.owner_id,
        event="run.failed",
        key=f"run.failed:{run.id}:{run.attempts}",
        subject=f"Backtest of {run} {status.label.lower()}",
        text=message,
        data={**_described(run, status), "code": code},
    )


def _described(run: BacktestRun, status: RunStatus) -> dict[str, Any]:
    """Return what alert rules may filter on (`notifications.choices.RUN_FILTERS`)."""
    return {
        "run_id": str(run.id),
        "ticker": run.title,
        "interval": run.interval,
        "strategy_id": str(run.strategy_id),
        "status": status.value,
    }
