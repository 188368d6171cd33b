"""From a provider into the store: page by page, again where it failed, from where it stopped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings

from core.errors import Permanent, Transient
from market.archive import history_store
from market.calendars import NS_PER_DAY, NS_PER_S
from market.listings import instrument_ensure, symbol_check
from market.locks import series_lock
from market.models import BarSeries
from market.parts import MemoryParts, Parts
from market.providers.assembling import pages_of
from market.providers.base import BarRequest, Download, Provider
from market.providers.kinds import provider_get
from market.providers.range import nothing_in_range

# A longer wait is not worth a worker: whoever asked comes back later.
LONGEST_SLEEP_S: Final = 10.0
EPOCH: Final = date(1970, 1, 1)

Told = Callable[[Download], None]


def bars_download(
    *,
    provider: str,
    request: BarRequest,
    overwrite: bool = False,
    parts: Parts | None = None,
    tell: Told | None = None,
    done: Callable[[], BarSeries | None] | None = None,
    written: Callable[[BarSeries], None] | None = None,
    waiting: Callable[[], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> BarSeries:
    """Download bars into the shared series of a provider and return it.

    Days that would leave a hole between what is stored and what was asked for are downloaded too.
    Whoever downloads the same series at the same time waits.

    Parameters
    ----------
    provider : str
    request : BarRequest
    overwrite : bool
        Take the place of what is stored instead of merging into it.
    parts : Parts, optional
        Where to keep pages until all are there; in memory if left out.
    tell : callable, optional
        Called after each page with it; what it raises ends the download, and parts stay.
    done : callable, optional
        Asked once nobody else downloads the series: what it returns is returned, if anything.
    written : callable, optional
        Told of the series before anybody else may download it.
    waiting : callable, optional
        Called where somebody else downloads the series.
    sleep : callable
        For tests.

    Raises
    ------
    InvalidInput, Permanent, Transient
        See `market.providers.base.Provider`.
    Conflict
        When the provider restated prices that are stored.
    """
    request = replace(request, symbol=symbol_check(request.symbol))
    source = provider_get(provider)
    parts = MemoryParts() if parts is None else parts
    with series_lock(
        provider=provider, symbol=request.symbol, interval=request.interval, waiting=waiting
    ):
        if done is not None and (series := done()) is not None:
            return series
        stored = BarSeries.objects.filter(
            instrument__symbol=request.symbol,
            instrument__owner=None,
            interval=request.interval.name,
            provider=provider,
            owner=None,
        ).first()
        if stored is not None and not overwrite:
            request = _without_hole(request, stored)
        pages_collect(provider=source, request=request, parts=parts, tell=tell, sleep=sleep)
        download = parts.join()
        if download is None:
            raise nothing_in_range(request)
        series = history_store(
            instrument=instrument_ensure(listing=download.listing),
            interval=request.interval,
            provider=provider,
            history=download.history,
            rejected=download.rejected,
            replace=overwrite,
        )
        if written is not None:
            written(series)
        return series


def pages_collect(
    *,
    provider: Provider,
    request: BarRequest,
    parts: Parts,
    tell: Told | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask a provider until all pages are there, going on after what `parts` has.

    What fails for now is asked again after a wait that doubles and is never twice the same; a page
    that came starts the count anew.

    Raises
    ------
    Transient
        When it keeps failing, or says to wait long; what came is in `parts`.
    """
    tries = 0
    while True:
        try:
            for page in pages_of(provider, _from_where_it_stopped(request, parts)):
                parts.add(page)
                tries = 0
                if tell is not None:
                    tell(page)
        except Transient as error:
            tries += 1
            wait = _backoff_s(tries, error)
            if tries >= settings.FETCH_TRIES or wait > LONGEST_SLEEP_S:
                raise
            sleep(wait)
        except Permanent as error:
            # Asked from the last bar on, there may be nothing after it.
            if error.code != "no_bars_in_range" or parts.last_ts() is None:
                raise
            return
        else:
            return


def _backoff_s(tries: int, error: Transient) -> float:
    spread = random.uniform(0.5, 1.5)  # noqa: S311 - spreads requests, guards nothing
    wait = float(settings.FETCH_BACKOFF_S) * float(2 ** (tries - 1)) * spread
    # Only a limit of requests knows how long it lasts; a fault may be over at once.
    return max(wait, error.retry_after_s or 0.0) if error.code == "rate_limited" else wait


def _from_where_it_stopped(request: BarRequest, parts: Parts) -> BarRequest:
    """Return a request for what is not there yet; its first day overlaps the last one's."""
    last_ts = parts.last_ts()
    if last_ts is None:
        return request
    # A day earlier: a session may begin on the evening before its date.
    overlap = timedelta(days=1 if request.interval.intraday else 0)
    reached = EPOCH + timedelta(days=last_ts // NS_PER_DAY) - overlap
    return replace(request, start=reached if request.start is None else max(request.start, reached))


def share_done(request: BarRequest, page: Download) -> float | None:
    """Return how far a page is along a request, 0 to 1; None where the beginning is not known."""
    if request.start is None:
        return None
    end = request.now.date() if request.end is None else min(request.end, request.now.date())
    whole = (end - request.start).days + 1
    reached = datetime.fromtimestamp(
        int(page.history.bars.ts[-1]) // NS_PER_S, tz=request.now.tzinfo
    )
    return min(max((reached.date() - request.start).days / whole, 0.0), 1.0) if whole > 0 else None


def _without_hole(request: BarRequest, stored: BarSeries) -> BarRequest:
    """Stretch a request of days to what is stored; minutes may be too old to download."""
    if request.interval.intraday:
        return request
    first, last = stored.first_ts.date(), stored.last_ts.date()
    start, end = request.start, request.end
    return replace(
        request,
        start=last if start is not None and start > last else start,
        end=first if end is not None and end < first else end,
    )
