"""Cutting a history to what was asked for, the same for every provider."""

from __future__ import annotations

import numpy as np

from core.errors import Permanent
from market.calendars import bar_closes_at, range_bounds
from market.history import History
from market.providers.base import BarRequest, Listing


def history_cut(history: History, *, request: BarRequest, listing: Listing) -> History:
    """Return the bars inside of the request's range that are over.

    Raises
    ------
    Permanent
        When none is left.
    """
    ts = history.bars.ts
    first, last = range_bounds(
        start=request.start, end=request.end, instrument=listing, interval=request.interval
    )
    keep = np.ones(len(ts), dtype=bool)
    if first is not None:
        keep &= ts >= first
    if last is not None:
        keep &= ts <= last
    # Bars close in order: only the newest can still be open.
    for row in range(len(ts) - 1, -1, -1):
        closes_at = bar_closes_at(int(ts[row]), instrument=listing, interval=request.interval)
        if closes_at <= request.now:
            break
        keep[row] = False
    if not keep.any():
        raise nothing_in_range(request)
    return history if keep.all() else history.take(keep)


def nothing_in_range(request: BarRequest) -> Permanent:
    """Return the error for a request that nothing answers."""
    return Permanent(
        f"There are no {request.interval} bars of {request.symbol} from "
        f"{request.start or 'the beginning'} to {request.end or 'now'}: choose other dates.",
        code="no_bars_in_range",
    )
