"""When a watched series is downloaded next: as its bars close, or every so often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from market.bar_times import bar_after, bar_over_at, ts_of
from market.exchanges import ROUND_THE_CLOCK
from market.intervals import interval_get
from market.models import BarSeries, Watch

# Providers tell of a bar a moment after it is over, and of an exchange's closing auction later.
SETTLES: Final = timedelta(seconds=2)
AUCTION: Final = timedelta(minutes=1)
# What is overdue is asked for again: soon at first, then ever more seldom.
SOONEST: Final = timedelta(seconds=5)
LATEST: Final = timedelta(hours=1)


def due_since(watch: Watch, stored: BarSeries | None) -> datetime:
    """Return since when, or from when on, there is a bar to download that is not stored."""
    if stored is None:
        return watch.created_at
    interval = interval_get(stored.interval)
    instrument = stored.instrument
    following = bar_after(ts_of(stored.last_ts), instrument=instrument, interval=interval)
    settled = interval.intraday or instrument.calendar in ROUND_THE_CLOCK
    over_at = bar_over_at(following, instrument=instrument, interval=interval)
    return over_at + (SETTLES if settled else AUCTION)


def due_next(watch: Watch, stored: BarSeries | None, *, now: datetime) -> datetime:
    """Return when a series is looked at again after now.

    One that follows its bars is looked at when the next one is over; while that is not there, after
    half the time again that it has been overdue, five seconds at least and an hour at most.
    """
    if watch.every_s is not None:
        return now + timedelta(seconds=watch.every_s)
    since = due_since(watch, stored)
    if now < since:
        return since
    return now + min(max((now - since) / 2, SOONEST), LATEST)
