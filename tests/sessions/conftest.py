"""Bars and moments that the tests of sessions share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from core.sessions.resample import Resampled, bars_resample
from core.sessions.sessions import Sessions
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for

MINUTE = 60 * 10**9
NEW_YORK = "America/New_York"


def ns(text: str, zone: str = "UTC") -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp()) * 10**9


def said(moments: np.ndarray, zone: str = "UTC") -> list[str]:
    """Moments as people write them: "2024-03-08 09:30"."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    local = [
        (epoch + timedelta(seconds=int(one) // 10**9)).astimezone(ZoneInfo(zone)) for one in moments
    ]
    return [f"{one:%Y-%m-%d %H:%M}" for one in local]


def spaced(first: str, last: str, minutes: int, zone: str = "UTC") -> np.ndarray:
    """Opens from a moment to another one, both included."""
    return np.arange(ns(first, zone), ns(last, zone) + 1, minutes * MINUTE)


def trading(sessions: Sessions, first: str, last: str, minutes: int) -> np.ndarray:
    """Opens of all bars within the hours of the sessions of some dates."""
    days = [int(np.datetime64(day).astype(np.int64)) for day in (first, last)]
    kept = (sessions.dates >= days[0]) & (sessions.dates <= days[1])
    hours = zip(sessions.opens[kept], sessions.closes[kept], strict=True)
    return np.concatenate([np.arange(start, stop, minutes * MINUTE) for start, stop in hours])


def calendar(name: str, ts: np.ndarray) -> Sessions:
    return sessions_for(name, first_ts=int(ts[0]), last_ts=int(ts[-1]))


def resample(ts: np.ndarray, sessions: Sessions, interval: str, to: str, **options) -> Resampled:
    """Bars whose close is their place: 0, 1, 2, …; a volume of 1."""
    place = np.arange(len(ts), dtype=np.float64)
    return bars_resample(
        ts=ts,
        open=place + 0.5,
        high=place + 2,
        low=place - 2,
        close=place,
        volume=np.ones(len(ts)),
        sessions=sessions,
        interval=timeframe_parse(interval),
        to=timeframe_parse(to),
        **options,
    )
