"""Finer bars of a run's instrument, by the bar of the run that they lie in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.detail import Detail
from core.errors import Detail as Fault
from core.errors import InvalidInput
from core.sessions.buckets import bar_ends, buckets_find
from core.sessions.sessions import Sessions
from core.sessions.timeframe import Timeframe, timeframe_parse
from market.calendars import sessions_for
from market.store import StoredBars, bars_read

PATH: Final = "config.detail_interval"
TOGETHER_AT_MOST: Final = 10_000_000

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Detailed:
    """What a run has of finer bars.

    Attributes
    ----------
    detail : Detail or None
    snapshots : Mapping
        Hash of the finer bars, by symbol and interval: ``"AAPL 1m"``.
    """

    detail: Detail | None = None
    snapshots: Mapping[str, str] = field(default_factory=dict)


def detail_read(
    *,
    stored: StoredBars,
    interval: str | None,
    start: date | datetime,
    end: date | datetime,
    owner_id: UUID | None,
    snapshots: Mapping[str, str] | None = None,
) -> Detailed:
    """Read the finer bars of a run.

    Parameters
    ----------
    stored : StoredBars
        The bars of the run.
    interval : str or None
        Of the finer ones; None: there are none.
    start, end : date or datetime
        Of the run, as it was asked for.
    owner_id : UUID, optional
        Whose private bars may be read.
    snapshots : Mapping, optional
        Read the bars as they were when they had the hash that is here under their name.

    Raises
    ------
    InvalidInput
        When the interval is not finer, or there are no bars of it in the range; the message says
        what to download.
    """
    if interval is None:
        return Detailed()
    finer_check(timeframe_parse(interval), timeframe_parse(str(stored.interval)))
    symbol = stored.instrument.symbol.upper()
    name = f"{symbol} {interval}"
    try:
        finer = bars_read(
            symbol=symbol,
            interval=interval,
            start=start,
            end=end,
            adjustment=stored.adjustment,
            owner_id=owner_id,
            snapshot=(snapshots or {}).get(name),
        )
    except InvalidInput as error:
        message = f"The run asks for {interval} bars inside of its own: {error.message}"
        wanted = {"symbol": symbol, "interval": interval}
        fault = Fault(PATH, error.code, message, wanted, None)
        raise InvalidInput(message, code=error.code, details=[fault]) from error
    stamps = (stored.bars.ts[0], finer.bars.ts[0], stored.bars.ts[-1], finer.bars.ts[-1])
    sessions = sessions_for(stored.instrument, first_ts=int(min(stamps)), last_ts=int(max(stamps)))
    found = detail_of(
        stored.bars,
        finer.bars,
        sessions=sessions,
        interval=timeframe_parse(str(stored.interval)),
        finer_interval=timeframe_parse(interval),
    )
    return Detailed(found, {name: finer.snapshot})


def details_read(
    *, stored: Sequence[StoredBars], interval: str | None, **asked: Any
) -> Iterator[Detailed]:
    """Yield the finer bars of each instrument of a run; `asked` is what `detail_read` takes.

    Raises
    ------
    InvalidInput
        As `detail_read`, or when they are too many to go through together.
    """
    count = 0
    for one in stored:
        found = detail_read(stored=one, interval=interval, **asked)
        count += 0 if found.detail is None else len(found.detail.bars)
        if len(stored) > 1 and count > TOGETHER_AT_MOST:
            message = (
                f"The instruments have more than {TOGETHER_AT_MOST:,} bars of {interval} together: "
                "choose a longer detail_interval, a shorter range or fewer instruments."
            )
            raise InvalidInput(
                message, details=[Fault(PATH, "too_many", message, TOGETHER_AT_MOST, interval)]
            )
        yield found


def pins_of(found: Iterable[Detailed]) -> dict[str, str]:
    """Return the hashes of the finer bars of all instruments."""
    return {name: snapshot for one in found for name, snapshot in one.snapshots.items()}


def finer_check(finer: Timeframe, interval: Timeframe) -> None:
    """Raise unless bars of the one interval make up those of the other.

    Raises
    ------
    InvalidInput
        They are as long, or longer, or do not go into them.
    """
    if finer == interval or not finer.divides(interval):
        message = (
            f"detail_interval must be finer than the bars of the run and go into them: {finer} "
            f"does not go into {interval}."
        )
        fault = Fault(PATH, "not_finer", message, f"finer than {interval}", str(finer))
        raise InvalidInput(message, code="not_finer", details=[fault])


def detail_of(
    bars: Bars, finer: Bars, *, sessions: Sessions, interval: Timeframe, finer_interval: Timeframe
) -> Detail:
    """Return finer bars in the bars of a run, each in that in whose time it opens.

    A bar of minutes or hours ends with its session; a day, week or month is made of sessions.
    """
    finer_check(finer_interval, interval)
    find = _in_time if interval.intraday else _in_sessions
    rows, begins, ends = find(bars, finer, sessions, interval, finer_interval)
    counts = ends - begins
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = rows[np.repeat(begins - first[:-1], counts) + np.arange(first[-1])]
    columns = (finer.ts, finer.open, finer.high, finer.low, finer.close, finer.volume)
    ts, *prices = (column[rows] for column in columns)
    return Detail(Bars(ts, *prices), first)


def _in_time(
    bars: Bars, finer: Bars, sessions: Sessions, interval: Timeframe, _: Timeframe
) -> tuple[Rows, Rows, Rows]:
    """Return the rows, and where those of each bar begin and end among them."""
    over = bar_ends(bars.ts, sessions, interval)
    over[:-1] = np.minimum(over[:-1], bars.ts[1:])
    begins, ends = np.searchsorted(finer.ts, bars.ts), np.searchsorted(finer.ts, over)
    return np.arange(len(finer)), begins, np.maximum(begins, ends)


def _in_sessions(
    bars: Bars, finer: Bars, sessions: Sessions, interval: Timeframe, finer_interval: Timeframe
) -> tuple[Rows, Rows, Rows]:
    """Return the same for bars of a day and longer, which carry dates."""
    buckets, kept = buckets_find(finer.ts, sessions, finer_interval, interval)
    rows = np.arange(len(finer)) if kept is None else np.flatnonzero(kept)
    limits = np.append(buckets.firsts, rows.size)
    places = np.searchsorted(buckets.starts, bars.ts)
    known = places < buckets.starts.size
    known[known] = buckets.starts[places[known]] == bars.ts[known]
    places[~known] = 0
    begins = np.where(known, limits[places], 0)
    return rows, begins, np.where(known, limits[np.minimum(places + 1, limits.size - 1)], 0)
