"""From a provider into the store."""

from __future__ import annotations

from dataclasses import replace

from market.archive import history_store
from market.listings import instrument_ensure, symbol_check
from market.models import BarSeries
from market.providers.base import BarRequest
from market.providers.kinds import provider_get


def bars_download(*, provider: str, request: BarRequest, overwrite: bool = False) -> BarSeries:
    """Download bars into the shared series of a provider and return it.

    Days that would leave a hole between what is stored and what was asked for are downloaded too.

    Parameters
    ----------
    provider : str
    request : BarRequest
    overwrite : bool
        Take the place of what is stored instead of merging into it.

    Raises
    ------
    InvalidInput, Permanent, Transient
        See `market.providers.base.Provider`.
    Conflict
        When the provider restated prices that are stored.
    """
    request = replace(request, symbol=symbol_check(request.symbol))
    stored = BarSeries.objects.filter(
        instrument__symbol=request.symbol,
        instrument__owner=None,
        interval=request.interval.name,
        provider=provider,
        owner=None,
    ).first()
    if stored is not None and not overwrite:
        request = _without_hole(request, stored)
    download = provider_get(provider).download(request)
    return history_store(
        instrument=instrument_ensure(listing=download.listing),
        interval=request.interval,
        provider=provider,
        history=download.history,
        replace=overwrite,
    )


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
