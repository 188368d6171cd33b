"""Bars that somebody brings."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import numpy as np

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.archive import history_store
from market.calendars import NS_PER_DAY, NS_PER_S
from market.choices import AssetClass
from market.files.csv_bars import Source, csv_read
from market.history import History
from market.intervals import DAY_S, Interval, interval_get
from market.listings import instrument_ensure, symbol_check
from market.models import BarSeries
from market.providers.base import USUAL

PROVIDER = "csv"
# A week or month with holidays at its edges is that much of its nominal length.
SHORTEST_WEEK = 0.4


def bars_import(
    *,
    owner_id: UUID | None,
    symbol: str,
    interval: str,
    source: Source,
    asset_class: str = AssetClass.EQUITY,
    calendar: str = "",
    timezone: str = "",
    name: str = "",
    replace: bool = False,
) -> BarSeries:
    """Store the bars in a CSV file, all of them or none.

    Parameters
    ----------
    owner_id : UUID or None
        Who may see them; None makes them everybody's.
    symbol, interval : str
    source : path or binary file
        See `market.files.csv_bars`; a column `adj_close` makes prices adjustable.
    asset_class, calendar, timezone, name : str
        What to write down of a symbol that is new; empty means what is usual for the class.
    replace : bool
        Take the place of what was imported before instead of merging into it.

    Raises
    ------
    InvalidInput
        When a bar breaks the rules, or the bars cannot be of this interval.
    Conflict
        When they contradict what was imported before.
    """
    bar_interval = interval_get(interval)
    listing = dataclasses.replace(
        USUAL[_asset_class(asset_class)], symbol=symbol_check(symbol), name=name
    )
    if calendar:
        listing = dataclasses.replace(listing, calendar=calendar)
    if timezone:
        listing = dataclasses.replace(listing, timezone=timezone)
    read = csv_read(source, optional=("adj_close",))
    _check_spacing(read.bars, bar_interval)
    adjusted_close = read.extra.get("adj_close")
    return history_store(
        instrument=instrument_ensure(listing=listing, owner_id=owner_id),
        interval=bar_interval,
        provider=PROVIDER,
        history=History.from_bars(
            read.bars, factor=None if adjusted_close is None else adjusted_close / read.bars.close
        ),
        owner_id=owner_id,
        replace=replace,
    )


def _asset_class(text: str) -> AssetClass:
    try:
        return AssetClass(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not an asset class: use one of {', '.join(AssetClass.values)}."
        ) from None


def _check_spacing(bars: Bars, interval: Interval) -> None:
    """Refuse bars that cannot have this length."""
    if not interval.intraday and (uneven := np.flatnonzero(bars.ts % NS_PER_DAY)).size:
        row = int(uneven[0])
        raise _misfit(
            row,
            f"bar {row} opens in the middle of a UTC day, but {interval} bars are named by the "
            "date of their session: write 2024-01-31, or choose a shorter interval.",
        )
    shortest = interval.seconds if interval.seconds <= DAY_S else SHORTEST_WEEK * interval.seconds
    if len(bars) > 1 and (close := np.flatnonzero(np.diff(bars.ts) < shortest * NS_PER_S)).size:
        row = int(close[0]) + 1
        seconds = (int(bars.ts[row]) - int(bars.ts[row - 1])) / NS_PER_S
        raise _misfit(
            row,
            f"bar {row} opens {seconds:g} s after the one before, too soon for {interval} bars: "
            "choose the interval that the file has.",
        )


def _misfit(row: int, message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="wrong_interval",
        details=[Detail(path=f"bars[{row}].ts", code="wrong_interval", message=message)],
    )
