"""Looking at a deployment: what its last bar decides, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from brokers.deployments.booking import fills_book
from brokers.deployments.choices import DeploymentState, TickStatus
from brokers.deployments.gathering import Dossier
from brokers.deployments.option_placing import OptionDesk, options_act
from brokers.deployments.option_reading import options_decide
from brokers.deployments.option_telling import opens_recall, option_notes
from brokers.deployments.passing import bars_passed
from brokers.deployments.placing import Desk, drafts_create
from brokers.deployments.reading import View
from brokers.deployments.showing import decision_json
from brokers.deployments.waiting import opens_withdrawn
from brokers.deployments.wanted import Decision
from brokers.lease import accounts_lock
from brokers.models import BookEntry, Deployment, DeploymentTick
from brokers.services.orders import Begin
from market.bar_times import bar_after, bar_over_at, moment_of, ts_of


@dataclass(slots=True)
class Look:
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
            options_act(self.tick, OptionDesk(desk, now), self.decision)

    def _act(self, desk: Desk) -> None:
        if self.tick is None:
            desk.follow(self.decision)
        elif self.tick.status == TickStatus.LATE:
            self.tick.pending = not desk.follow(self.decision)
        elif self.next_close_at is not None:
            self.tick.pending = not desk.act(self.decision)
        else:
            self.tick.pending = not desk.enter(self.decision)


def look_at(dossier: Dossier, now: datetime) -> Look:
    """Decide on the last bar of a deployment."""
    entries = fills_book(dossier, closed=dossier.closed)
    notes = bars_passed(dossier)
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
        decision=decision_json(decision, view.program) | {"snapshot": dossier.stored.snapshot},
        position=decision.position,
        equity=decision.equity,
        closed_at=bar_over_at(dossier.bar_ts, instrument=instrument, interval=interval),
    )
    return Look(dossier, view, decision, entries, tick, next_close)


def look_after(dossier: Dossier, tick: DeploymentTick | None) -> Look:
    """Decide once more on the bar that was decided on last: one that came since has its tick."""
    last = ts_of(dossier.last_bar_ts)
    decided = int(np.searchsorted(dossier.stored.bars.ts, last, side="right"))
    entries = fills_book(dossier, closed=decided)
    view = dossier.view(decided)
    found = _decide(dossier, view)
    decision = opens_recall(found, tick.decision) if tick else found
    running = dossier.deployment.state == DeploymentState.RUNNING
    # What trades at the market was sent with its tick. What closes goes on in any case.
    if tick is None or not running or opens_withdrawn(tick):
        decision = replace(
            decision,
            now=tuple(one for one in decision.now if not one.opens),
            waiting=tuple(one for one in decision.waiting if not one.opens),
        )
    return Look(dossier, view, decision, entries, tick)


def looks_act(looks: Sequence[Look], now: datetime, begin: Begin | None = None) -> None:
    """Have lie at the brokers what was decided; the accounts are locked in one order."""
    busy = [look for look in looks if look.dossier.orders or _wants(look.decision)]
    if any(look.dossier.orders for look in busy):
        accounts_lock({look.dossier.deployment.account_id for look in busy})
    desks = {}
    for look in busy:
        dossier = look.dossier
        desk = Desk(
            dossier.deployment, look.view.program, look.view.instrument, dossier.orders, now=now
        )
        look.act(desk, now)
        desks[dossier.deployment.id] = desk
    for look in looks:
        found = desks.get(look.dossier.deployment.id)
        if found is None and look.tick is not None:
            look.tick.pending = False  # What waited is not wanted any more.
        retry_note(look.dossier.deployment, found.retry_at if found else None)
    if busy:
        drafts_create(desks.values(), begin=begin, quotes=busy[0].dossier.shelf.quotes)


def retry_note(deployment: Deployment, retry_at: datetime | None) -> None:
    """Write down when a deployment is looked at again; mostly that is with its next news."""
    if deployment.retry_at != retry_at:
        Deployment.objects.filter(id=deployment.id).update(retry_at=retry_at)
        deployment.retry_at = retry_at


def _wants(decision: Decision) -> bool:
    wanted = decision.now or decision.waiting or decision.guards
    return bool(wanted) or decision.options is not None


def _decide(dossier: Dossier, view: View, *, skip: Iterable[int] = ()) -> Decision:
    first = ts_of(dossier.deployment.first_bar_ts or moment_of(int(view.bars.ts[-1])))
    skipped = [*dossier.skipped, *skip]
    if view.program.option_rules:
        return options_decide(dossier, view, first_ts=first, skipped=skipped)
    return view.decide(book=dossier.book.rows, first_ts=first, skipped=skipped)
