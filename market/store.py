"""Reading bars: one indexed query, then memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.actions import NOTHING, Actions
from market.adjusting import PricedBars, history_price, history_price_coarser
from market.archive import history_read
from market.cache import BarCache
from market.calendars import range_bounds
from market.choices import Adjustment
from market.intervals import Interval, interval_get
from market.models import Instrument
from market.sources import nothing_in_range, series_choose, snapshot_get

_cache: BarCache[PricedBars] = BarCache(settings.BARS_CACHE_BYTES)


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
    adjustment : str
        What is in the prices: ``"all"``, ``"splits"`` or ``"raw"`` (`market.choices.Adjustment`).
    provider : str
    stored_interval : Interval or None
        Of the bars in the store, where these are made of finer ones.
    actions : Actions
        What is not in the prices and so happens to who holds them, by place in `bars`.
    """

    bars: Bars
    snapshot: str
    instrument: Instrument
    interval: Interval
    adjustment: str
    provider: str
    stored_interval: Interval | None = None
    actions: Actions = NOTHING

    @property
    def instrument_symbol(self) -> str:
        """The instrument's symbol."""
        return self.instrument.symbol

    @property
    def adjusted(self) -> bool:
        """Whether splits at least are in the prices."""
        return self.adjustment != Adjustment.RAW

    @property
    def splits(self) -> NDArray[np.float64]:
        """Units after for one before at the open of each bar, 1 without a split.

        Only what is not in the prices: all of them are 1 unless the bars are raw.
        """
        found = np.ones(len(self.bars))
        found[self.actions.rows] = self.actions.splits
        return found

    @property
    def dividends(self) -> NDArray[np.float64]:
        """Cash for each unit (after a split) at the open of each bar, 0 without a dividend.

        In the money of the bar's own prices, and only what is not in them: all of them are 0 where
        bars are adjusted by dividends.
        """
        found = np.zeros(len(self.bars))
        found[self.actions.rows] = self.actions.dividends
        return found


def bars_read(
    *,
    symbol: str,
    interval: str,
    start: date | datetime | None = None,
    end: date | datetime | None = None,
    adjustment: str | None = None,
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
    adjustment : str, optional
        ``"all"`` takes splits and dividends into the prices, ``"splits"`` splits into prices and
        volumes, ``"raw"`` nothing: as traded. What is left out is in `StoredBars.actions`.
    adjusted : bool
        Where `adjustment` is not given: true means ``"all"``, false ``"raw"``.
    as_of : date, optional
        Take in only those that had happened by the end of that day: the prices as they were seen
        then. Bars after it have prices in the units of that day too. Raw prices are the same.
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
    wanted = _adjustment(adjustment, adjusted=adjusted)

    def held(adjustment: str) -> PricedBars:
        return _held(
            content_hash,
            path,
            adjustment=adjustment,
            instrument=series.instrument,
            interval=stored_interval,
            to=bar_interval,
        )

    priced = held(wanted)
    bars = priced.bars
    first, last = range_bounds(
        start=start, end=end, instrument=series.instrument, interval=bar_interval
    )
    begin = 0 if first is None else int(np.searchsorted(bars.ts, first, side="left"))
    stop = len(bars) if last is None else int(np.searchsorted(bars.ts, last, side="right"))
    if begin >= stop:
        raise nothing_in_range([series], start, end)
    shown = _cut(priced, begin, stop)
    if wanted != Adjustment.RAW and as_of is not None:
        _, seen = range_bounds(
            start=None, end=as_of, instrument=series.instrument, interval=bar_interval
        )
        known = 0 if seen is None else int(np.searchsorted(bars.ts, seen, side="right"))
        if not known:
            raise nothing_in_range([series], None, as_of)
        shown = bars_rescale(shown, raw=held(Adjustment.RAW).bars, adjusted=bars, row=known - 1)
    return StoredBars(
        bars=shown.bars,
        snapshot=content_hash,
        instrument=series.instrument,
        interval=bar_interval,
        adjustment=wanted,
        provider=series.provider,
        stored_interval=None if stored_interval == bar_interval else stored_interval,
        actions=shown.actions,
    )


def bars_rescale(shown: PricedBars, *, raw: Bars, adjusted: Bars, row: int) -> PricedBars:
    """Return adjusted bars in the units of the prices of a row: there they are the raw ones."""
    factor = float(adjusted.close[row] / raw.close[row])
    split = 1.0
    # What no volume was traded of, no volume tells the split of.
    traded = np.flatnonzero(raw.volume[: row + 1] > 0)
    if traded.size:
        split = float(raw.volume[traded[-1]] / adjusted.volume[traded[-1]])
    bars, actions = shown.bars, shown.actions
    prices = {name: getattr(bars, name) / factor for name in ("open", "high", "low", "close")}
    return PricedBars(
        Bars.from_arrays(ts=bars.ts, **prices, volume=bars.volume * split),
        replace(actions, dividends=actions.dividends / factor),
    )


def _adjustment(adjustment: str | None, *, adjusted: bool) -> str:
    if adjustment is None:
        return Adjustment.ALL.value if adjusted else Adjustment.RAW.value
    if adjustment in Adjustment.values:
        return str(adjustment)
    message = f"{adjustment!r} is not an adjustment: use one of {', '.join(Adjustment.values)}."
    raise InvalidInput(
        message,
        details=[
            Detail("adjustment", "invalid_choice", message, list(Adjustment.values), adjustment)
        ],
    )


def _held(
    content_hash: str,
    path: str,
    *,
    adjustment: str,
    instrument: Instrument,
    interval: Interval,
    to: Interval,
) -> PricedBars:
    """Return a whole series as this process holds it, else from its file."""
    if interval == to:
        return _cache.get(
            (content_hash, adjustment),
            lambda: history_price(history_read(path), adjustment=adjustment),
        )
    return _cache.get(
        (content_hash, adjustment, to.name),
        lambda: history_price_coarser(
            history_read(path),
            adjustment=adjustment,
            instrument=instrument,
            interval=interval,
            to=to,
        ),
    )


def _cut(priced: PricedBars, begin: int, stop: int) -> PricedBars:
    """Return the bars of a range with what happened to them."""
    actions = priced.actions
    first, last = np.searchsorted(actions.rows, (begin, stop))
    inside = slice(int(first), int(last))
    return PricedBars(
        priced.bars.slice(begin, stop),
        Actions(actions.rows[inside] - begin, actions.splits[inside], actions.dividends[inside]),
    )
