"""Bars of files, and what the options of a command say about them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.core.management.base import CommandError
from numpy.typing import NDArray

from core.backtests.files import BarFile, bars_file_read
from core.backtests.periods import bars_per_year, sessions_per_year_guess
from market.calendars import session_ids, sessions_for
from market.exchanges import ALWAYS_OPEN, WEEKDAYS_OPEN
from strategies.graph.context import Context
from strategies.graph.timeframes import timeframe_canonical

SESSIONS_PER_YEAR: Final = {ALWAYS_OPEN: 365.0, WEEKDAYS_OPEN: 260.0}
EXCHANGE_SESSIONS: Final = 252.0


@dataclass(frozen=True, slots=True, eq=False)
class FileData:
    """Bars of a file with their surroundings.

    Attributes
    ----------
    file : BarFile
        The run's own.
    context : Context
        Interval, sessions and other instruments, as far as they were told.
    others : Mapping of str to BarFile
        The files of the other instruments, by symbol.
    periods_per_year : float
        Bars of a year.
    session_ids : ndarray of int64, or None
        Equal for the bars of one session, where the calendar is known.
    """

    file: BarFile
    context: Context
    others: Mapping[str, BarFile]
    periods_per_year: float
    session_ids: NDArray[np.int64] | None = field(default=None)


def filedata_arguments(parser: ArgumentParser) -> None:
    """Add the options that say what bars of files are."""
    parser.add_argument(
        "--calendar",
        metavar="NAME",
        help="whose sessions the bars have, such as XNYS, 24/7 or 24/5; days of UTC without it",
    )
    parser.add_argument(
        "--interval", help="of the bars, such as 5m or 1d; else their distance tells"
    )
    parser.add_argument(
        "--other",
        action="append",
        default=[],
        metavar="SYMBOL=FILE",
        help="bars of another instrument that the strategy reads; may be given several times",
    )


def filedata_read(
    own: str, options: Mapping[str, Any], *, sessions_per_year: float | None = None
) -> FileData:
    """Return the bars of `[SYMBOL=]FILE` with what the options of `filedata_arguments` say.

    Raises
    ------
    CommandError
        When an option cannot be read.
    InvalidInput
        When a file cannot be, or the calendar is unknown.
    """
    symbol, path = symbol_and_path(own)
    file = bars_file_read(path)
    ts, calendar = file.bars.ts, options["calendar"]
    others = {}
    for given in options["other"]:
        name, other = symbol_and_path(given)
        if name is None:
            raise CommandError(f"--other {given}: write it as SYMBOL=FILE, such as SPY=spy.csv.")
        others[name] = bars_file_read(other)
    sessions, ids = None, sessions_of_calendar(calendar)(ts)
    if calendar and len(ts):
        sessions = sessions_for(calendar, first_ts=int(ts[0]), last_ts=int(ts[-1]))
        sessions_per_year = sessions_per_year or SESSIONS_PER_YEAR.get(calendar, EXCHANGE_SESSIONS)
    yearly = sessions_per_year or sessions_per_year_guess(ts)
    per_year = bars_per_year(ts, sessions_per_year=yearly)
    context = Context(
        interval=interval_read(options["interval"]),
        sessions=sessions,
        symbol=symbol,
        others={name: other.bars for name, other in others.items()},
        periods_per_year=per_year,
    )
    return FileData(file, context, others, per_year, ids)


def sessions_of_calendar(
    calendar: str | None,
) -> Callable[[NDArray[np.int64]], NDArray[np.int64] | None]:
    """Return what finds the sessions of times by a calendar; nothing without one."""

    def found(ts: NDArray[np.int64]) -> NDArray[np.int64] | None:
        if calendar is None or not len(ts):
            return None
        sessions = sessions_for(calendar, first_ts=int(ts[0]), last_ts=int(ts[-1]))
        return session_ids(ts, timezone=sessions.timezone, calendar=calendar)

    return found


def interval_read(text: str | None) -> str | None:
    """Return the one spelling of an interval."""
    if text is None:
        return None
    found = timeframe_canonical(text)
    if found is None:
        raise CommandError(f"--interval {text}: write a count and a unit, such as 5m, 1h or 1d.")
    return found


def symbol_and_path(given: str) -> tuple[str | None, str]:
    """Return the symbol, in upper case, and the path of `[SYMBOL=]FILE`."""
    symbol, equals, path = given.partition("=")
    if equals and symbol and not Path(given).exists() and "/" not in symbol:
        return symbol.upper(), path
    return None, given
