"""Asking for a download."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.outbox.services import task_enqueue
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import BarSeries, Fetch
from market.providers.base import interval_check
from market.providers.kinds import provider_get
from market.selectors import fetch_get
from market.transitions import job_cancel, job_queue_again


def fetch_create(
    *,
    owner_id: UUID,
    provider: str,
    symbol: str,
    interval: str,
    start: date | None = None,
    end: date | None = None,
    replace: bool = False,
) -> Fetch:
    """Write a download down and queue it.

    Raises
    ------
    InvalidInput
        When the provider, interval, symbol or range cannot be.
    """
    bar_interval = interval_get(interval)
    interval_check(provider_get(provider), bar_interval)
    if start and end and end < start:
        raise InvalidInput(f"end ({end}) is before start ({start}): swap them.")
    with transaction.atomic():
        fetch = Fetch.objects.create(
            owner_id=owner_id,
            provider=provider,
            symbol=symbol_check(symbol),
            interval=bar_interval.name,
            start=start,
            end=end,
            replace=replace,
        )
        task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
    return fetch


def fetch_cancel(*, owner_id: UUID, fetch_id: UUID | str) -> Fetch:
    """Stop a download; its worker notices within a second or a page.

    Raises
    ------
    NotFound
        When it is not the owner's.
    Conflict
        When it is over.
    """
    fetch = fetch_get(owner_id=owner_id, fetch_id=fetch_id)
    if job_cancel(Fetch.objects.all(), job_id=fetch.id):
        return fetch_get(owner_id=owner_id, fetch_id=fetch_id)
    raise Conflict(f"The download is {fetch.status} already.", code="already_over")


def fetch_retry(*, owner_id: UUID, fetch_id: UUID | str) -> Fetch:
    """Queue a download that ended without bars again; it goes on where it stopped.

    Raises
    ------
    NotFound
        When it is not the owner's.
    Conflict
        When it is not over, or brought its bars.
    """
    fetch = fetch_get(owner_id=owner_id, fetch_id=fetch_id)
    with transaction.atomic():
        if job_queue_again(Fetch.objects.all(), job_id=fetch.id, deferrals=0):
            task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
            return fetch_get(owner_id=owner_id, fetch_id=fetch_id)
    raise Conflict(
        f"The download is {fetch.status}: only one that ended without bars is tried again.",
        code="not_retryable",
    )


def series_renew(*, owner_id: UUID, series: BarSeries) -> Fetch:
    """Queue a download of a whole series that takes the place of what is stored.

    It is for prices that their provider restated. The bars of before stay until the new ones are
    there, and for the runs that name them.

    Raises
    ------
    InvalidInput
        When somebody imported the bars: no provider has them.
    """
    if series.owner_id is not None:
        raise InvalidInput(f"{series} was imported from a file: import it again with replace.")
    return fetch_create(
        owner_id=owner_id,
        provider=series.provider,
        symbol=series.instrument.symbol,
        interval=series.interval,
        start=series.first_ts.date(),
        replace=True,
    )
