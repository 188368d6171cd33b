"""From a closed bar to orders: once, in one transaction, by whoever comes first.

Deployments are looked at together (`batches`): what they share is read and computed once, and what
they decide is written in one transaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from brokers.beginning import Beginning
from brokers.choices import WORKING_STATUSES
from brokers.deployments.batches import BATCH, deployments_lock, in_batches
from brokers.deployments.booking import fills_book
from brokers.deployments.choices import DeploymentState, TickStatus
from brokers.deployments.contracts import contracts_refresh
from brokers.deployments.gathering import Dossier, dossiers_complete, dossiers_read
from brokers.deployments.option_placing import OptionDesk, legs_wait, options_act
from brokers.deployments.option_reading import options_decide
from brokers.deployments.option_telling import opens_recall, option_notes, options_json
from brokers.deployments.placing import Desk, drafts_create
from brokers.deployments.reading import View
from brokers.deployments.signals import decisions_tell
from brokers.deployments.telling import late_tell, ticks_tell
from brokers.deployments.timing import bar_after, bar_over_at, bars_missing, moment_of, ts_of
from brokers.deployments.transitions import deployment_move
from brokers.deployments.wanted import Decision, Wanted
from brokers.lease import accounts_lock
from brokers.models import BookEntry, Deployment, DeploymentTick, Order
from brokers.resolving import orders_ask
from brokers.services.orders import Begin
from brokers.silence import silence_watched
from core.errors import ApplicationError
from core.transactions import atomic
from market.intervals import interval_get
from market.selectors import instrument_get
from market.store import StoredBars

# Providers take a while: before that nobody is told.
LATE_AFTER: Final = timedelta(minutes=2)
FOLLOWED: Final = (DeploymentState.RUNNING, DeploymentState.PAUSED)


@dataclass(slots=True)
class _Look:
    """What comes of looking at a deployment: its tick, what it wants, what it was told of."""

    dossier: Dossier
    view: View
    decision: Decision
    entries: list[BookEntry]
    tick: DeploymentTick | None
    next_close_at: datetime | None = None

    def act(self, desk: Desk, now: datetime) -> None:
        """Do what the bar decided; later only what had to wait, or what fills have changed."""
        self._act(desk)
        if self.decision.options is not None:
            fresh = self.next_close_at is not None
            options_act(self.tick, OptionDesk(desk, now), self.decision, fresh=fresh)

    def _act(self, desk: Desk) -> None:
        if self.tick is None:
            desk.follow(self.decision)
        elif self.tick.status == TickStatus.LATE:
            self.tick.pending = not desk.follow(self.decision)
        elif self.next_close_at is not None:
            self.tick.pending = not desk.act(self.decision)
        else:
            self.tick.pending = not desk.enter(self.decision)


def venues_ask(deployment_ids: Iterable[UUID], now: datetime) -> None:
    """Ask venues what a decision needs of them: what waits there, and the contracts there are."""
    ids = list(deployment_ids)
    orders_refresh(ids)
    contracts_refresh(ids, now=now)


def orders_refresh(deployment_ids: Iterable[UUID]) -> None:
    """Ask venues about what waits there: what was filled decides with the bar."""
    rows = Order.objects.filter(deployment_id__in=list(deployment_ids), status__in=WORKING_STATUSES)
    orders = list(rows.select_related("account").order_by("created_at"))
    with silence_watched({order.account.kind for order in orders}):
        orders_ask(orders)


def deployment_tick(*, deployment_id: UUID, now: datetime) -> DeploymentTick | None:
    """Decide on the bar that was over last; None where that was done, or there is none."""
    ticks = list(chain.from_iterable(deployments_decide(deployment_ids=[deployment_id], now=now)))
    return ticks[0] if ticks else None


def deployments_decide(
    *,
    deployment_ids: Iterable[UUID],
    now: datetime,
    send: bool = False,
    size: int = BATCH,
) -> Iterator[list[DeploymentTick]]:
    """Decide for deployments on the bars that were over last; yield what each batch decided.

    Of two workers at once each takes what the other has not; what is left then waits for the
    other, and is found decided. A tick and the orders it wants are one transaction: a worker that
    dies leaves both or neither.

    Parameters
    ----------
    send : bool
        Whether orders are sent right after a batch's commit.
    size : int
        How many are decided for in one transaction.
    """
    work = partial(_decide_all, now=now, send=send)
    fail = partial(_fail, now)
    return in_batches(
        deployment_ids, work, before=partial(venues_ask, now=now), fail=fail, size=size
    )


def deployment_follow(*, deployment_id: UUID, now: datetime) -> None:
    """Book what was filled since, have guards lie by it, send what had to wait for that."""
    deployments_follow(deployment_ids=[deployment_id], now=now)


def deployments_follow(*, deployment_ids: Iterable[UUID], now: datetime) -> None:
    """Book what deployments were filled since, and have guards lie by it."""
    batches = in_batches(
        deployment_ids,
        partial(_follow_all, now=now),
        before=orders_refresh,
        fail=partial(_fail, now),
    )
    for _ in batches:
        pass


def _decide_all(
    deployments: Sequence[Deployment], now: datetime, *, send: bool
) -> list[DeploymentTick]:
    beginning = Beginning() if send else None
    if beginning is not None:  # before anybody is told
        # What fails there fails no deployment: the bar is decided, and others wait for the commit.
        transaction.on_commit(beginning.finish, robust=True)
    running = [one for one in deployments if one.state == DeploymentState.RUNNING]
    due = []
    for dossier in dossiers_read(running, now=now):
        last = dossier.deployment.last_bar_ts
        if dossier.closed and dossier.bar_ts > (ts_of(last) if last else -1):
            due.append(dossier)
        else:
            _late(dossier.deployment, now)
    dossiers_complete(due)
    looks = [_look(dossier, now) for dossier in due]
    BookEntry.objects.bulk_create(chain.from_iterable(look.entries for look in looks))
    _act(looks, now, beginning.begin if beginning is not None else None)
    ticks = [look.tick for look in looks if look.tick is not None]
    DeploymentTick.objects.bulk_create(ticks)
    _go_on(looks)
    ticks_tell(ticks)
    decisions_tell([(look.tick, look.decision, look.view) for look in looks if look.tick])
    for look in looks:
        if not look.decision.alive:
            deployment_move(
                look.dossier.deployment,
                new=DeploymentState.FAILED,
                reason="No equity is left in its book.",
            )
    return ticks


def _look(dossier: Dossier, now: datetime) -> _Look:
    """Decide on the last bar of a deployment."""
    entries = fills_book(dossier, closed=dossier.closed)
    notes = _passed(dossier)
    view = dossier.view(dossier.closed)
    instrument, interval = view.instrument, view.interval
    following = bar_after(dossier.bar_ts, instrument=instrument, interval=interval)
    next_close = bar_over_at(following, instrument=instrument, interval=interval)
    late = now >= next_close
    if late:
        message = "The next bar was over before this one came: nothing is sent."
        notes.append({"code": "late", "message": message})
    decision = _decide(dossier, view, skip=[dossier.bar_ts] if late else [])
    notes += option_notes(decision)
    tick = DeploymentTick(
        deployment=dossier.deployment,
        bar_ts=moment_of(dossier.bar_ts),
        status=TickStatus.LATE if late else TickStatus.DECIDED,
        notes=notes,
        decision=decision_json(decision, view) | {"snapshot": dossier.stored.snapshot},
        position=decision.position,
        equity=decision.equity,
        closed_at=bar_over_at(dossier.bar_ts, instrument=instrument, interval=interval),
    )
    return _Look(dossier, view, decision, entries, tick, next_close)


def _act(looks: Sequence[_Look], now: datetime, begin: Begin | None = None) -> None:
    """Have lie at the brokers what was decided; the accounts are locked in one order."""
    busy = [look for look in looks if look.dossier.orders or _wants(look.decision)]
    if not busy:
        return
    if any(look.dossier.orders for look in busy):
        accounts_lock({look.dossier.deployment.account_id for look in busy})
    desks = []
    for look in busy:
        dossier = look.dossier
        desk = Desk(dossier.deployment, look.view.program, look.view.instrument, dossier.orders)
        look.act(desk, now)
        desks.append(desk)
    drafts_create(desks, begin=begin, quotes=busy[0].dossier.shelf.quotes)


def _wants(decision: Decision) -> bool:
    wanted = decision.now or decision.waiting or decision.guards
    return bool(wanted) or decision.options is not None


def _go_on(looks: Sequence[_Look]) -> None:
    """Write down which bar each deployment has decided on, and when its next one is over."""
    together: dict[tuple[datetime, datetime], list[Deployment]] = {}
    for look in looks:
        if look.tick is not None and look.next_close_at is not None:
            place = look.tick.bar_ts, look.next_close_at
            together.setdefault(place, []).append(look.dossier.deployment)
    for (bar_ts, next_close_at), deployments in together.items():
        Deployment.objects.filter(id__in=[one.id for one in deployments]).update(
            last_bar_ts=bar_ts, next_close_at=next_close_at, updated_at=timezone.now()
        )
        for deployment in deployments:
            deployment.last_bar_ts, deployment.next_close_at = bar_ts, next_close_at


def _passed(dossier: Dossier) -> list[dict[str, Any]]:
    """Write down bars that passed while nobody looked, and tell of those that there are not."""
    stored, closed, last = dossier.stored, dossier.closed, dossier.deployment.last_bar_ts
    ts, instrument, interval = stored.bars.ts, stored.instrument, stored.interval
    first = int(np.searchsorted(ts, ts_of(last) if last else -1, side="right"))
    notes = []
    if (passed := closed - 1 - first) > 0:
        ticks_pass(
            dossier.deployment, stored, first=first, stop=closed - 1, status=TickStatus.MISSED
        )
        dossier.skipped += ts[first : closed - 1].tolist()
        message = f"{passed} bars passed unseen: nothing was decided on them."
        notes.append({"code": "bars_missed", "message": message})
    holes = 0
    for number in range(max(first, 1), closed):
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


def _decide(dossier: Dossier, view: View, *, skip: Iterable[int] = ()) -> Decision:
    first = ts_of(dossier.deployment.first_bar_ts or moment_of(int(view.bars.ts[-1])))
    skipped = [*dossier.skipped, *skip]
    if view.program.option_rules:
        return options_decide(dossier, view, first_ts=first, skipped=skipped)
    return view.decide(book=dossier.book.rows, first_ts=first, skipped=skipped)


def _follow_all(deployments: Sequence[Deployment], now: datetime) -> list[DeploymentTick]:
    alive = [one for one in deployments if one.state in FOLLOWED and one.last_bar_ts is not None]
    waits = DeploymentTick.objects.filter(deployment__in=alive, pending=True)
    pending = {(tick.deployment_id, tick.bar_ts): tick for tick in waits}
    news = []
    for dossier in dossiers_read(alive, now=now):
        tick = pending.get((dossier.deployment.id, _last_bar(dossier)))
        due = tick is not None and not legs_wait(dossier, now)
        if dossier.closed and (dossier.fills or dossier.ended or due):
            news.append((dossier, tick))
    dossiers_complete(dossier for dossier, _ in news)
    looks = [_look_after(dossier, tick) for dossier, tick in news]
    BookEntry.objects.bulk_create(chain.from_iterable(look.entries for look in looks))
    _act(looks, now)
    settled = [tick.id for _, tick in news if tick is not None and not tick.pending]
    DeploymentTick.objects.filter(id__in=settled).update(pending=False)
    return []


def _look_after(dossier: Dossier, tick: DeploymentTick | None) -> _Look:
    """Decide once more on the bar that was decided on last: one that came since has its tick."""
    last = ts_of(_last_bar(dossier))
    decided = int(np.searchsorted(dossier.stored.bars.ts, last, side="right"))
    entries = fills_book(dossier, closed=decided)
    view = dossier.view(decided)
    found = _decide(dossier, view)
    # What trades at the market was sent with its tick.
    decision = opens_recall(found, tick.decision) if tick else replace(found, now=())
    return _Look(dossier, view, decision, entries, tick)


def _last_bar(dossier: Dossier) -> datetime:
    last = dossier.deployment.last_bar_ts
    if last is None:
        raise ValueError("A deployment that runs has a last bar.")
    return last


def _late(deployment: Deployment, now: datetime) -> None:
    due = deployment.next_close_at
    if due is not None and now > due + LATE_AFTER:
        late_tell(deployment, late_s=(now - due).total_seconds())


@atomic
def _fail(now: datetime, deployment_id: UUID, error: BaseException) -> DeploymentTick | None:
    """End a deployment whose strategy cannot decide; what it has at the broker stays guarded."""
    (deployment,) = deployments_lock([deployment_id])
    reason = error.message if isinstance(error, ApplicationError) else repr(error)
    if deployment.state not in FOLLOWED:
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
        **options_json(decision.options, view.program.option_rules),
    }


def _order_json(wanted: Wanted, rules: Any) -> dict[str, Any]:
    prices = {
        name: price if math.isfinite(price := getattr(wanted, name)) else None
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
