"""Reading bars: one indexed query, then memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from django.conf import settings

from core.engine.bars import Bars
from market.archive import history_read
from market.cache import BarCache
from market.calendars import range_bounds
from market.intervals import Interval, interval_get
from market.models import Instrument
from market.resampling import bars_coarser
from market.sources import nothing_in_range, series_choose, snapshot_get

_cache = BarCache(settings.BARS_CACHE_BYTES)


@dataclass(frozen=True, slots=True)
class StoredBars:
    """Bars as they were read, and what they are.

    Attributes
    ----------
    bars : Bars
    snapshot : str
        SHA-256 of the whole series they are from: names the data for ever (`snapshot_read`).
    instrument : Instrument
    interval : Interval
        Its name is the string itself.
    adjusted : bool
        Whether later splits and dividends are taken into the prices.
    provider : str
    stored_interval : Interval or None
        Of the bars in the store, where these are made of finer ones.
    """

    bars: Bars
    snapshot: str
    instrument: Instrument
    interval: Interval
    adjusted: bool
    provider: str
    stored_interval: Interval | None = None

    @property
    def instrument_symbol(self) -> str:
        """The instrument's symbol."""
        return self.instrument.symbol


def bars_read(
    *,
    symbol: str,
    interval: str,
    start: date | datetime | None = None,
    end: date | datetime | None = None,
    adjusted: bool = True,
    as_of: date | None = None,
    owner_id: UUID | None = None,
    snapshot: str | None = None,
) -> StoredBars:
    """Return the bars of a symbol that open in a range.

    Parameters
    ----------
    symbol : str
        In any case. The owner's own bars come before shared ones.
    interval : str
        A name or alias: ``"1d"``, ``"1 hour"``. Where only finer bars are stored they are put
        together by session (`core.sessions`), whole ones only.
    start, end : date or datetime, optional
        A day means its whole session, the end included; None means as far as there are bars.
    adjusted : bool
        Whether to take later splits and dividends into the prices.
    as_of : date, optional
        Take in only those that had happened by the end of that day: the prices as they were seen
        then. Bars after it have prices in the units of that day too.
    owner_id : UUID, optional
        Whose private bars may be read beside the shared ones.
    snapshot : str, optional
        Read the series as it was when it had this hash.

    Raises
    ------
    InvalidInput
        When the symbol is unknown or has no bars at the interval or in the range; the message
        says which there are.
    """
    bar_interval = interval_get(interval)
    if snapshot is None:
        series = series_choose(
            symbol=symbol, interval=bar_interval, start=start, end=end, owner_id=owner_id
        )
        content_hash, path = series.content_hash, series.path
    else:
        series, content_hash, path = snapshot_get(
            symbol=symbol, interval=bar_interval, content_hash=snapshot, owner_id=owner_id
        )
    stored_interval = interval_get(series.interval)

    def held(*, adjusted: bool) -> Bars:
        bars = _cache.get((content_hash, adjusted), lambda: _read(path, adjusted=adjusted))
        if stored_interval == bar_interval:
            return bars
        return _cache.get(
            (content_hash, adjusted, bar_interval.name),
            lambda: bars_coarser(
                bars, instrument=series.instrument, interval=stored_interval, to=bar_interval
            ),
        )

    bars = held(adjusted=adjusted)
    first, last = range_bounds(
        start=start, end=end, instrument=series.instrument, interval=bar_interval
    )
    begin = 0 if first is None else int(np.searchsorted(bars.ts, first, side="left"))
    stop = len(bars) if last is None else int(np.searchsorted(bars.ts, last, side="right"))
    if begin >= stop:
        raise nothing_in_range([series], start, end)
    shown = bars.slice(begin, stop)
    if adjusted and as_of is not None:
        _, seen = range_bounds(
            start=None, end=as_of, instrument=series.instrument, interval=bar_interval
        )
        known = 0 if seen is None else int(np.searchsorted(bars.ts, seen, side="right"))
        if not known:
            raise nothing_in_range([series], None, as_of)
        shown = bars_rescale(shown, raw=held(adjusted=False), adjusted=bars, row=known - 1)
    return StoredBars(
        bars=shown,
        snapshot=content_hash,
        instrument=series.instrument,
        interval=bar_interval,
        adjusted=adjusted,
        provider=series.provider,
        stored_interval=None if stored_interval == bar_interval else stored_interval,
    )


def bars_rescale(shown: Bars, *, raw: Bars, adjusted: Bars, row: int) -> Bars:
    """Return adjusted bars in the units of the prices of a row: there they are the raw ones."""
    factor = float(adjusted.close[row] / raw.close[row])
    split = 1.0
    # What no volume was traded of, no volume tells the split of.
    traded = np.flatnonzero(raw.volume[: row + 1] > 0)
    if traded.size:
        split = float(raw.volume[traded[-1]] / adjusted.volume[traded[-1]])
    prices = {name: getattr(shown, name) / factor for name in ("open", "high", "low", "close")}
    return Bars.from_arrays(ts=shown.ts, **prices, volume=shown.volume * split)


def _read(path: str, *, adjusted: bool) -> Bars:
    history = history_read(path)
    return history.adjusted() if adjusted else history.bars
