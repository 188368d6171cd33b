"""The life of a deployment, as its owner leads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
from django.utils import timezone

from brokers.deployments.batches import deployments_lock
from brokers.deployments.choices import ALLOWED, DeploymentState, TickStatus
from brokers.deployments.compiled import options_warm
from brokers.deployments.history import history_first
from brokers.deployments.offering import orders_check
from brokers.deployments.option_reading import options_check
from brokers.deployments.passing import ticks_pass
from brokers.deployments.reading import bars_closed, config_of, plan_of, stored_of
from brokers.deployments.stopping import orders_withdraw
from brokers.deployments.transitions import deployment_move
from brokers.deployments.waiting import ticks_waiting
from brokers.deployments.withdrawing import OPENS, OpenOrders
from brokers.models import BrokerAccount, Deployment
from core.errors import ApplicationError, Conflict, Detail, InvalidInput
from core.outbox.services import task_enqueue
from core.transactions import Overtaken, atomic
from market.bar_times import bar_after, bar_over_at, moment_of, ts_of
from market.intervals import interval_get
from market.selectors import instrument_get
from strategies.models import Strategy
from strategies.services import version_pin

BEGIN_TASK: Final = "brokers.deployment_begin"
FOLLOW_TASK: Final = "brokers.deployment_follow"
# What was asked for, in the words of who asked.
ASKED: Final = {
    DeploymentState.STARTING: "started",
    DeploymentState.PAUSED: "paused",
    DeploymentState.RUNNING: "resumed",
    DeploymentState.STOPPING: "stopped",
}
SETTINGS: Final = frozenset(
    {"commission", "slippage", "spread", "margin", "maintenance_margin", "fractional", "options"}
)


@atomic
def deployment_create(
    *,
    strategy: Strategy,
    account: BrokerAccount,
    symbol: str,
    interval: str,
    capital: Decimal,
    name: str = "",
    version: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    drift_threshold: Decimal | None = None,
) -> Deployment:
    """Pin a strategy's version to an account; nothing trades before it is started.

    Raises
    ------
    InvalidInput
        With every fault of the graph, the parameters or the configuration.
    """
    instrument = instrument_get(symbol, owner_id=account.owner_id)
    pinned = version_pin(strategy=strategy, number=version)
    unknown = sorted(set(config or {}) - SETTINGS)
    if unknown:
        known = ", ".join(sorted(SETTINGS))
        raise InvalidInput(
            f"A deployment has no setting {unknown[0]!r}: use {known}.",
            details=[
                Detail(f"config.{key}", "unknown_key", f"{key} is not known.") for key in unknown
            ],
        )
    deployment = Deployment(
        owner_id=account.owner_id,
        name=name or f"{strategy.name} {instrument.symbol}"[:100],
        strategy=strategy,
        strategy_version=pinned,
        parameters=dict(parameters or {}),
        account=account,
        symbol=instrument.symbol,
        interval=interval_get(interval).name,
        capital=capital,
        config=dict(config or {}),
    )
    if drift_threshold is not None:
        deployment.drift_threshold = drift_threshold
    plan_of(deployment)
    config_of(deployment, instrument)
    options_check(deployment, instrument)
    orders_check(deployment, instrument)
    deployment.save(force_insert=True)
    return deployment


@atomic
def deployment_start(*, deployment: Deployment) -> Deployment:
    """Have a deployment begin with the next bar; a worker gets its history ready."""
    deployment.refresh_from_db()
    _move(deployment, DeploymentState.STARTING, stopped_at=None, liquidate=False)
    task_enqueue(task=BEGIN_TASK, args=[str(deployment.id)], queue="live")
    return deployment


def deployment_begin(*, deployment: Deployment, now: datetime) -> None:
    """Get the history of a starting deployment ready: it runs, or fails with the reason."""
    if deployment.state != DeploymentState.STARTING:
        return
    try:
        stored = stored_of(deployment)
        closed = bars_closed(stored, now=now)
        if plan_of(deployment).program.option_rules:
            options_warm()
        start = history_first(deployment, stored, closed=closed)
    except ApplicationError as error:
        deployment_move(deployment, new=DeploymentState.FAILED, reason=error.message)
        return
    ts = stored.bars.ts
    around = stored.instrument, stored.interval
    following = bar_after(int(ts[closed - 1]), instrument=around[0], interval=around[1])
    changes: dict[str, Any] = {}
    if deployment.first_bar_ts is None:
        changes = {
            "history_from": moment_of(int(ts[start])),
            "first_bar_ts": moment_of(following),
        }
    else:  # started again: its book goes on, what passed meanwhile does not decide
        last = ts_of(deployment.last_bar_ts or deployment.first_bar_ts)
        first = int(np.searchsorted(ts, last, side="right"))
        ticks_pass(deployment, stored, first=first, stop=closed, status=TickStatus.PAUSED)
    deployment_move(
        deployment,
        new=DeploymentState.RUNNING,
        last_bar_ts=moment_of(int(ts[closed - 1])),
        next_close_at=bar_over_at(following, instrument=around[0], interval=around[1]),
        started_at=now,
        **changes,
    )


@atomic
def deployment_pause(*, deployment: Deployment) -> Deployment:
    """Decide nothing until it is resumed: entries that wait are canceled.

    Guards stay, and so do exits: what was being closed is. An option position of which a leg is
    filled gets the others: one alone is another bet.
    """
    held = _held(deployment)
    OpenOrders(held).withdraw(OPENS)
    _move(held, DeploymentState.PAUSED)
    return held


@atomic
def deployment_resume(*, deployment: Deployment, now: datetime | None = None) -> Deployment:
    """Go on with the next bar; those that passed meanwhile are written down as such."""
    held = _held(deployment)
    stored = stored_of(held)
    closed = bars_closed(stored, now=now or timezone.now())
    changes: dict[str, Any] = {}
    if closed and held.last_bar_ts is not None:
        first = int(np.searchsorted(stored.bars.ts, ts_of(held.last_bar_ts), side="right"))
        ticks_pass(held, stored, first=first, stop=closed, status=TickStatus.PAUSED)
        last = int(stored.bars.ts[closed - 1])
        following = bar_after(last, instrument=stored.instrument, interval=stored.interval)
        changes["last_bar_ts"] = max(held.last_bar_ts, moment_of(last))
        changes["next_close_at"] = bar_over_at(
            following, instrument=stored.instrument, interval=stored.interval
        )
    _move(held, DeploymentState.RUNNING, **changes)
    return held


@atomic
def deployment_stop(*, deployment: Deployment, liquidate: bool = False) -> Deployment:
    """Cancel what is open and decide nothing more; with `liquidate` close what is held.

    Without it the position stays in the account, unguarded: its owner has it in hand. One that is
    stopping already is asked to close now, or not to close any more: then it ends with what it
    holds.
    """
    held = _held(deployment)
    if held.state == DeploymentState.INACTIVE:
        raise Conflict("This deployment was never started: there is nothing to stop.")
    if held.state != DeploymentState.STOPPING:
        _move(held, DeploymentState.STOPPING, liquidate=liquidate)
    elif held.liquidate != liquidate:
        Deployment.objects.filter(id=held.id).update(liquidate=liquidate, state_reason="")
        held.refresh_from_db(fields=["liquidate", "state_reason"])
    orders_withdraw(held)
    ticks_waiting(id=held.id).update(pending=False)
    task_enqueue(task=FOLLOW_TASK, args=[str(held.id)], queue="live")
    return held


@atomic
def deployment_delete(*, deployment: Deployment) -> None:
    """Forget a deployment that never traded; one that did is kept with its history."""
    held = _held(deployment)
    if held.state not in (DeploymentState.INACTIVE, DeploymentState.STOPPED):
        raise Conflict(f"This deployment is {held.state}: stop it first.")
    if held.book.exists():
        raise Conflict("This deployment has traded: its history is kept.", code="has_history")
    held.delete()


def _held(deployment: Deployment) -> Deployment:
    (held,) = deployments_lock([deployment.id])
    return held


def _move(deployment: Deployment, new: DeploymentState, **changes: Any) -> None:
    old = DeploymentState(deployment.state)
    if (old, new) not in ALLOWED:
        raise Conflict(f"This deployment is {old}: it cannot be {ASKED[new]}.", code="wrong_state")
    if not deployment_move(deployment, new=new, **changes):
        raise Overtaken
