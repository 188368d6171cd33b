"""Downloading watched series again when they are due."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django.db import transaction

from core.db import claim
from core.outbox.services import task_enqueue
from market.choices import FETCH_FINAL, FetchStatus
from market.due import due_next, due_since
from market.history import RESTATED
from market.models import BarSeries, Fetch, Watch

AT_ONCE: Final = 200


def watches_refresh(*, now: datetime) -> int:
    """Queue a download for every watched series that is due; of two at once one does.

    A series goes on with the day of its last bar. Where the provider has restated its prices (a
    split), the next download takes the place of everything: old runs keep their bars.

    Returns
    -------
    int
        How many downloads were queued.
    """
    due = Watch.objects.filter(active=True, next_at__lte=now).select_related("fetch")
    return sum(_refresh(watch, now) for watch in due.order_by("next_at")[:AT_ONCE])


def _refresh(watch: Watch, now: datetime) -> bool:
    stored, last = _stored(watch), watch.fetch
    mine = Watch.objects.filter(id=watch.id, active=True, next_at=watch.next_at)
    with transaction.atomic():
        if not claim(mine, next_at=due_next(watch, stored, now=now)):
            return False
        if last is not None and last.status not in FETCH_FINAL:
            return False
        restated = (
            last is not None and last.status == FetchStatus.FAILED and last.error_code == RESTATED
        )
        if last is not None and not restated and _complete(watch, stored, now):
            return False
        fetch = Fetch.objects.create(
            owner_id=watch.owner_id,
            provider=watch.provider,
            symbol=watch.symbol,
            interval=watch.interval,
            start=_whole_start(watch, stored) if restated else _start(watch, stored),
            replace=restated,
        )
        Watch.objects.filter(id=watch.id).update(fetch=fetch)
        task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
    return True


def _stored(watch: Watch) -> BarSeries | None:
    series = BarSeries.objects.select_related("instrument")
    return series.filter(
        instrument__symbol=watch.symbol,
        instrument__owner=None,
        interval=watch.interval,
        provider=watch.provider,
        owner=None,
    ).first()


def _complete(watch: Watch, stored: BarSeries | None, now: datetime) -> bool:
    """Tell whether a series that follows its bars has all that are over."""
    return watch.every_s is None and now < due_since(watch, stored)


def _start(watch: Watch, stored: BarSeries | None) -> date | None:
    """Return the day of the last bar, or the beginning where that is not there yet."""
    if stored is None:
        return watch.start
    if watch.start is not None and watch.start < stored.first_ts.date():
        # What was there is younger than what is watched: fill it up once.
        return watch.start if watch.fetch_id is None else stored.last_ts.date()
    return stored.last_ts.date()


def _whole_start(watch: Watch, stored: BarSeries | None) -> date | None:
    if stored is None:
        return watch.start
    first = stored.first_ts.date()
    return first if watch.start is None else min(first, watch.start)
