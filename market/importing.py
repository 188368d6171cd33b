"""Bars that somebody brings: from a file into the store, all of them or none."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.archive import history_store
from market.calendars import NS_PER_DAY, NS_PER_S
from market.choices import AssetClass
from market.files.csv_bars import Source
from market.files.tables import table_read
from market.files.text_table import Told
from market.history import History
from market.intervals import DAY_S, INTERVALS, Interval, interval_get
from market.listings import instrument_ensure, symbol_check, timezone_check
from market.models import BarSeries
from market.providers.base import USUAL

PROVIDER: Final = "csv"
PREVIEW_ROWS: Final = 10
# A week or month with holidays at its edges is that much of its nominal length.
SHORTEST_WEEK: Final = 0.4


def bars_import(
    *,
    owner_id: UUID | None,
    symbol: str,
    interval: str,
    source: Source,
    columns: dict[str, str] | None = None,
    date_format: str = "",
    times_in: str = "UTC",
    asset_class: str = AssetClass.EQUITY,
    calendar: str = "",
    timezone: str = "",
    name: str = "",
    replace: bool = False,
    tell: Told | None = None,
) -> BarSeries:
    """Store the bars in a CSV or Parquet file, all of them or none.

    Parameters
    ----------
    owner_id : UUID or None
        Who may see them; None makes them everybody's.
    symbol, interval : str
    source : path or binary file
        See `market.files.tables`; a column `adj_close` makes prices adjustable.
    columns, date_format, times_in : optional
        What cannot be told from the file: ours to its columns, how its times are written, the
        time zone of times that name none.
    asset_class, calendar, timezone, name : str
        What to write down of a symbol that is new; empty means what is usual for the class.
    replace : bool
        Take the place of what was imported before instead of merging into it.
    tell : callable, optional
        Told which share of the file was read; what it raises ends the import, storing nothing.

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
    zone = timezone_check(times_in)
    read = table_read(
        source_bytes(source), columns=columns, date_format=date_format, times_in=zone, tell=tell
    )
    _check_spacing(read.bars, bar_interval)
    return history_store(
        instrument=instrument_ensure(listing=listing, owner_id=owner_id),
        interval=bar_interval,
        provider=PROVIDER,
        history=History.from_bars(
            read.bars, factor=None if read.adj_close is None else read.adj_close / read.bars.close
        ),
        owner_id=owner_id,
        replace=replace,
    )


def bars_preview(
    *,
    source: Source,
    columns: dict[str, str] | None = None,
    date_format: str = "",
    times_in: str = "UTC",
) -> dict[str, Any]:
    """Return how a file is understood, and its first and last bars, storing nothing.

    Raises
    ------
    InvalidInput
        What `bars_import` would raise of the file.
    """
    read = table_read(
        source_bytes(source),
        columns=columns,
        date_format=date_format,
        times_in=timezone_check(times_in),
    )
    bars = read.bars
    steps = np.diff(bars.ts)
    return {
        **read.layout.as_dict(),
        "notes": list(read.notes),
        "adjustable": read.adj_close is not None,
        "rows": len(bars),
        "interval": _likely_interval(float(np.median(steps)) if len(steps) else 0.0),
        "first": [_row(bars, at) for at in range(min(len(bars), PREVIEW_ROWS))],
        "last": [_row(bars, at) for at in range(max(len(bars) - 2, 0), len(bars))],
    }


def source_bytes(source: Source) -> bytes:
    """Return the bytes of a path or an open file."""
    return Path(source).read_bytes() if isinstance(source, str | PathLike) else source.read()


def _likely_interval(step_ns: float) -> str | None:
    """Return the interval that most bars are apart; None for an odd one."""
    seconds = step_ns / NS_PER_S
    fitting = [
        one.name for one in INTERVALS.values() if one.seconds <= seconds <= 1.15 * one.seconds
    ]
    return fitting[-1] if fitting else None


def _row(bars: Bars, at: int) -> dict[str, Any]:
    numbers = ("open", "high", "low", "close", "volume")
    moment = datetime.fromtimestamp(int(bars.ts[at]) // NS_PER_S, tz=UTC)
    return {"ts": moment, **{name: float(getattr(bars, name)[at]) for name in numbers}}


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
