"""Whose bar is over, and who waits for news: when bars are stored, and every second besides."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, Expression, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Random, RowNumber
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OPEN_STATUSES, AccountState
from brokers.deployments.batches import BATCH
from brokers.deployments.choices import FOLLOWED, BookKind, DeploymentState
from brokers.deployments.following import deployments_follow as _follow
from brokers.deployments.gathering import ended_unbooked
from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.deployments.ticking import LATE_AFTER, deployments_decide
from brokers.models import BookEntry, Deployment, DeploymentTick, Fill, Order
from brokers.silence import askable, silent, silent_here
from brokers.turns import in_turn, turn
from market.models import BarSeries

AT_ONCE: Final = 500
# What ended before, and nobody looked at since, is found with the next bar.
ENDED_LATELY: Final = timedelta(hours=1)
LOST_AFTER: Final = timedelta(seconds=10)
# So many deployments of a bar are worth a second process.
SHARED_FROM: Final = 20

# Symbols at whose last bar there were so many: another process is called before they are counted.
_shared: set[str] = set()


def deployments_tick(
    *,
    now: datetime,
    symbols: Collection[str] | None = None,
    help_call: Callable[[], None] | None = None,
    helping: bool = False,
) -> int:
    """Decide for every deployment whose next bar is over; return how many decided.

    Orders are sent from here, right after the commit. A broker that answered late has senders of
    its own instead, and one process at a time decides for its deployments: they hold up no others.

    Parameters
    ----------
    symbols : collection of str, optional
        Only deployments that trade these.
    help_call : callable, optional
        Is called where there is work for another process as well.
    helping : bool
        Whether another process has called for help.
    """
    if help_call is not None and not _shared.isdisjoint(symbols or ()):
        help_call()
        help_call = None
    due = Deployment.objects.filter(state=DeploymentState.RUNNING, next_close_at__lte=now)
    due = _with_news(due, now) if symbols is None else due.filter(symbol__in=symbols)
    # The same order everywhere: who helps begins at the other end.
    local, remote = _apart(_some(due, "next_close_at", "id"))
    swift = {kind for kind in remote if not silent(kind)}
    most = max(len(local), *(len(remote[kind]) for kind in swift), 0)
    # Whether somebody was called or not: who was told of a bar and who looks for one may meet.
    shared = most > SHARED_FROM
    (_shared.update if shared else _shared.difference_update)(symbols or ())
    half = _Half(now, shared=shared, helping=helping, help_call=help_call)
    decided = half.decide(local, send=True)
    with askable(remote) as asked:
        for kind in sorted(asked, key=lambda each: each not in swift):
            # Two processes at a broker, one where it is silent: the others are free.
            places = 2 if kind in swift else 1
            for part in in_turn(f"deployments-tick:{kind}", remote[kind], places=places):
                decided += half.decide(part, kind, send=kind in swift)
    return decided


@dataclass(slots=True)
class _Half:
    """What one process decides for: all there is, or what another one has not come to yet."""

    now: datetime
    shared: bool
    helping: bool
    help_call: Callable[[], None] | None

    def decide(self, deployment_ids: Sequence[UUID], kind: str = "", *, send: bool) -> int:
        """Decide for deployments; return for how many.

        What is left when their broker is found to be silent is left to who waits for it.
        """
        count = len(deployment_ids)
        # Not before it is this one's turn: two that are at work need no third.
        if count and self.shared and self.help_call is not None:
            self.help_call()
            self.help_call = None
        size = max(1, min(BATCH, -(-count // 2))) if self.shared else BATCH
        # Whoever called for help has begun at the other end.
        ids = deployment_ids[::-1] if self.helping else deployment_ids
        decided = 0
        with collection_later():
            for ticks in deployments_decide(deployment_ids=ids, now=self.now, send=send, size=size):
                decided += len(ticks)
                if send and silent_here(kind):
                    break
        return decided


def deployments_follow(*, now: datetime) -> None:
    """Take up news of orders, finish what stops, begin what a lost task left behind."""
    own = Order.objects.filter(deployment_id=OuterRef("id"))
    booked = BookEntry.objects.filter(~Q(kind=BookKind.FEE), fill=OuterRef("id"))
    news = Fill.objects.filter(~Exists(booked), order__deployment_id=OuterRef("id"))
    pending = DeploymentTick.objects.filter(
        deployment=OuterRef("id"), bar_ts=OuterRef("last_bar_ts"), pending=True
    )
    ended = ended_unbooked().filter(finished_at__gt=timezone.now() - ENDED_LATELY)
    # Nothing is sent for an account that is halted: it is tried again when that is over.
    due = Q(retry_at__lte=timezone.now())
    retried = due & ~Q(account__state=AccountState.HALTED)
    alive = Deployment.objects.filter(
        Exists(own.filter(status__in=OPEN_STATUSES))
        | Exists(news)
        | Exists(pending) & (Q(retry_at=None) | due)
        | Q(id__in=ended.values("deployment_id"))
        | retried,
        state__in=FOLLOWED,
    )
    local, remote = _apart(_some(alive, Random()))  # each has its turn, however many there are
    _follow(deployment_ids=local, now=now)
    with askable(remote) as asked:
        for kind in asked:
            with turn(f"deployments-follow:{kind}") as mine:
                if mine:
                    _follow_at(kind, remote[kind], now)
    stopping = Deployment.objects.filter(state=DeploymentState.STOPPING)
    for one in stopping.order_by(Random()).values_list("id", flat=True)[:AT_ONCE]:
        deployment_finish(deployment_id=one)
    lost = Deployment.objects.filter(
        state=DeploymentState.STARTING, updated_at__lt=now - LOST_AFTER
    )
    for deployment in lost.select_related("account", "strategy_version")[:AT_ONCE]:
        deployment_begin(deployment=deployment, now=now)


def _follow_at(kind: str, ids: Sequence[UUID], now: datetime) -> None:
    """Follow deployments at a broker. Once it is found to be silent, who waits for it goes on."""
    heard = not silent_here(kind)
    for start in range(0, len(ids), BATCH):
        if heard and silent_here(kind):
            return
        _follow(deployment_ids=ids[start : start + BATCH], now=now)


@contextmanager
def collection_later() -> Iterator[None]:
    """Keep Python from looking for garbage for a while: that stops the process for up to 0.5 s."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _with_news(due: QuerySet[Deployment], now: datetime) -> QuerySet[Deployment]:
    """Return those for which bars have come, or are late: the others would be locked for nothing.

    Whoever is told of their bars a moment later would have to wait for that.
    """
    newer = BarSeries.objects.filter(
        instrument__symbol=OuterRef("symbol"), last_ts__gt=OuterRef("last_bar_ts")
    )
    late = Q(next_close_at__lt=now - LATE_AFTER) | Q(last_bar_ts=None)
    return due.filter(Exists(newer) | late)


def _some(
    deployments: QuerySet[Deployment], *order: str | Expression
) -> QuerySet[Deployment, tuple[UUID, str]]:
    """Return ids and brokers of deployments: so many of each broker that others have room, too."""
    place = Window(RowNumber(), partition_by=F("account__kind"), order_by=order)
    rows = deployments.annotate(place=place).filter(place__lte=AT_ONCE).order_by("place")
    return rows.values_list("id", "account__kind")


def _apart(rows: Iterable[tuple[UUID, str]]) -> tuple[list[UUID], dict[str, list[UUID]]]:
    """Return the deployments on our own venue, and those of each broker."""
    local: list[UUID] = []
    remote: dict[str, list[UUID]] = {}
    for deployment_id, kind in rows:
        if ADAPTERS.get(kind).capabilities.remote:
            remote.setdefault(kind, []).append(deployment_id)
        else:
            local.append(deployment_id)
    return local, remote
