"""From a closed bar to orders: once, in one transaction, by whoever comes first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import transaction

from brokers.choices import WORKING_STATUSES
from brokers.deployments.booking import fills_book
from brokers.deployments.choices import DeploymentState, TickStatus
from brokers.deployments.decision import Decision, Wanted
from brokers.deployments.placing import Desk
from brokers.deployments.reading import View, bars_closed, book_rows, stored_of, view_of
from brokers.deployments.telling import late_tell, tick_tell
from brokers.deployments.timing import bar_after, bar_over_at, bars_missing, moment_of, ts_of
from brokers.deployments.transitions import deployment_move
from brokers.models import Deployment, DeploymentTick, Order
from brokers.resolving import order_ask
from core.errors import ApplicationError
from market.intervals import interval_get
from market.selectors import instrument_get
from market.store import StoredBars

# Providers take a while: before that nobody is told.
LATE_AFTER: Final = timedelta(minutes=2)
# What a strategy may raise on bars that nobody had thought of; the deployment fails, no other does.
FAULTS: Final = (ApplicationError, ValueError, ArithmeticError, LookupError)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A deployment that is looked at: what is stored, and how much of that is over."""

    stored: StoredBars
    closed: int
    now: datetime

    @property
    def bar_ts(self) -> int:
        return int(self.stored.bars.ts[self.closed - 1])


def orders_refresh(deployment: Deployment) -> None:
    """Ask the venue about what waits there: what was filled decides with the bar."""
    rows = Order.objects.filter(deployment_id=deployment.id, status__in=WORKING_STATUSES)
    for order in rows.select_related("account").order_by("created_at"):
        order_ask(order=order)


def deployment_tick(*, deployment_id: UUID, now: datetime) -> DeploymentTick | None:
    """Decide on the bar that was over last; None where that was done, or there is none.

    Of two workers at once one waits for the other and finds the bar decided. The tick and the
    orders it wants are one transaction: a worker that dies leaves both or neither.
    """
    deployment = Deployment.objects.select_related("account").get(id=deployment_id)
    if deployment.state != DeploymentState.RUNNING:
        return None
    orders_refresh(deployment)
    try:
        with transaction.atomic():
            return _tick(_locked(deployment_id), now)
    except FAULTS as error:
        return _fail(deployment_id, now, error)


def deployment_follow(*, deployment_id: UUID, now: datetime) -> None:
    """Book what was filled since, have guards lie by it, send what had to wait for that."""
    deployment = Deployment.objects.select_related("account").get(id=deployment_id)
    if deployment.state not in (DeploymentState.RUNNING, DeploymentState.PAUSED):
        return
    orders_refresh(deployment)
    try:
        with transaction.atomic():
            _follow(_locked(deployment_id), now)
    except FAULTS as error:
        _fail(deployment_id, now, error)


def _locked(deployment_id: UUID) -> Deployment:
    return (
        Deployment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("account", "strategy", "strategy_version")
        .get(id=deployment_id)
    )


def _look(deployment: Deployment, now: datetime) -> _Moment:
    stored = stored_of(deployment)
    return _Moment(stored, bars_closed(stored, now=now), now)


def _tick(deployment: Deployment, now: datetime) -> DeploymentTick | None:
    if deployment.state != DeploymentState.RUNNING:
        return None
    moment = _look(deployment, now)
    last = ts_of(deployment.last_bar_ts) if deployment.last_bar_ts else -1
    if not moment.closed or moment.bar_ts <= last:
        _late(deployment, now)
        return None
    fills_book(deployment, moment.stored, closed=moment.closed)
    notes = _passed(deployment, moment, last)
    view = view_of(deployment, moment.stored, count=moment.closed)
    instrument, interval = view.instrument, view.interval
    following = bar_after(moment.bar_ts, instrument=instrument, interval=interval)
    next_close = bar_over_at(following, instrument=instrument, interval=interval)
    late = now >= next_close
    tick = DeploymentTick(
        deployment=deployment,
        bar_ts=moment_of(moment.bar_ts),
        status=TickStatus.LATE if late else TickStatus.DECIDED,
        notes=notes,
        closed_at=bar_over_at(moment.bar_ts, instrument=instrument, interval=interval),
    )
    if late:
        message = "The next bar was over before this one came: nothing is sent."
        notes.append({"code": "late", "message": message})
    decision = _decide(deployment, view, skip=moment.bar_ts if late else None)
    tick.decision = decision_json(decision, view) | {"snapshot": moment.stored.snapshot}
    tick.position, tick.equity = decision.position, decision.equity
    desk = Desk(deployment, view.program, instrument)
    if late:
        desk.follow(decision)
    else:
        tick.pending = not desk.act(decision)
    tick.save(force_insert=True)
    deployment.last_bar_ts, deployment.next_close_at = tick.bar_ts, next_close
    deployment.save(update_fields=["last_bar_ts", "next_close_at", "updated_at"])
    tick_tell(deployment, tick)
    if not decision.alive:
        deployment_move(
            deployment, new=DeploymentState.FAILED, reason="No equity is left in its book."
        )
    return tick


def _passed(deployment: Deployment, moment: _Moment, last: int) -> list[dict[str, Any]]:
    """Write down bars that passed while nobody looked, and tell of those that there are not."""
    ts = moment.stored.bars.ts
    instrument, interval = moment.stored.instrument, moment.stored.interval
    first = int(np.searchsorted(ts, last, side="right"))
    ticks_pass(
        deployment, moment.stored, first=first, stop=moment.closed - 1, status=TickStatus.MISSED
    )
    notes = []
    if (passed := moment.closed - 1 - first) > 0:
        message = f"{passed} bars passed unseen: nothing was decided on them."
        notes.append({"code": "bars_missed", "message": message})
    holes = 0
    for number in range(max(first, 1), moment.closed):
        before, after = int(ts[number - 1]), int(ts[number])
        holes += bars_missing(before, after, instrument=instrument, interval=interval)
    if holes:
        message = f"{holes} bars that the sessions have are not there."
        notes.append({"code": "bars_missing", "message": message})
    return notes


def ticks_pass(
    deployment: Deployment, stored: StoredBars, *, first: int, stop: int, status: TickStatus
) -> None:
    """Write down bars on which nothing was decided."""
    for ts in stored.bars.ts[first:stop]:
        DeploymentTick.objects.get_or_create(
            deployment=deployment,
            bar_ts=moment_of(int(ts)),
            defaults={
                "status": status,
                "closed_at": bar_over_at(
                    int(ts), instrument=stored.instrument, interval=stored.interval
                ),
            },
        )


def _decide(deployment: Deployment, view: View, *, skip: int | None = None) -> Decision:
    skipped = [
        ts_of(bar_ts)
        for bar_ts in deployment.ticks.exclude(status=TickStatus.DECIDED).values_list(
            "bar_ts", flat=True
        )
    ]
    first = deployment.first_bar_ts or moment_of(int(view.bars.ts[-1]))
    return view.decide(
        book=book_rows(deployment),
        first_ts=ts_of(first),
        skipped=skipped if skip is None else [*skipped, skip],
    )


def _follow(deployment: Deployment, now: datetime) -> None:
    if deployment.state not in (DeploymentState.RUNNING, DeploymentState.PAUSED):
        return
    moment = _look(deployment, now)
    if not moment.closed or deployment.last_bar_ts is None:
        return
    # What was decided is what the last tick decided: a bar that came since has a tick of its own.
    decided = int(
        np.searchsorted(moment.stored.bars.ts, ts_of(deployment.last_bar_ts), side="right")
    )
    news = fills_book(deployment, moment.stored, closed=decided)
    tick = deployment.ticks.filter(bar_ts=deployment.last_bar_ts).first()
    pending = tick is not None and tick.pending
    if not news and not pending:
        return
    view = view_of(deployment, moment.stored, count=decided)
    decision = _decide(deployment, view)
    desk = Desk(deployment, view.program, view.instrument)
    if tick is not None and pending:
        if desk.enter(decision):
            DeploymentTick.objects.filter(id=tick.id).update(pending=False)
        return
    desk.follow(_settled(decision))


def _settled(decision: Decision) -> Decision:
    """Return a decision whose orders at the market were sent with its tick."""
    return Decision(**{**_shallow(decision), "now": ()})


def _shallow(decision: Decision) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in Decision.__slots__}


def _late(deployment: Deployment, now: datetime) -> None:
    due = deployment.next_close_at
    if due is not None and now > due + LATE_AFTER:
        late_tell(deployment, late_s=(now - due).total_seconds())


@transaction.atomic
def _fail(deployment_id: UUID, now: datetime, error: BaseException) -> DeploymentTick | None:
    """End a deployment whose strategy cannot decide; what it has at the broker stays guarded."""
    deployment = _locked(deployment_id)
    reason = error.message if isinstance(error, ApplicationError) else repr(error)
    if deployment.state not in (DeploymentState.RUNNING, DeploymentState.PAUSED):
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


def decision_json(decision: Decision, view: View) -> dict[str, Any]:
    """Return a decision as it is kept and shown."""
    rules = view.program.rules
    return {
        "orders": [_order_json(one, rules) for one in (*decision.now, *decision.waiting)],
        "guards": [_order_json(one, rules) for one in decision.guards],
        "refused": [
            {"node_id": rules[rule].source, "reason": reason} for rule, reason in decision.refused
        ],
        "alerts": [rules[rule].source for rule in decision.alerts],
    }


def _order_json(wanted: Wanted, rules: Any) -> dict[str, Any]:
    data = asdict(wanted)
    prices = {
        name: None if data[name] != data[name] else data[name]
        for name in ("limit", "stop", "trail")
    }
    return {
        "node_id": rules[wanted.rule].source,
        "role": wanted.role.value,
        "side": "buy" if wanted.side > 0 else "sell",
        "order_type": wanted.kind.name.lower(),
        "quantity": wanted.quantity,
        **prices,
    }
