"""Bars against calendar and clock: what is missing, and what is there though it cannot be."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.sessions.buckets import buckets_find
from core.sessions.sessions import segments_find
from core.sessions.timeframe import NS_PER_DAY, timeframe_parse
from market.choices import Severity
from market.quality.findings import Finding, Subject, runs, shown

# Sessions in a row without a bar that no halt of trading explains.
LONG_GAP_SESSIONS: Final = 5
# Bars in a row within a session: below, nobody may have traded.
GAP_BARS: Final = 10
# The share of a session's bars below which the session is not really there.
THIN_SHARE: Final = 0.5
HOUR_NS: Final = 3600 * 10**9


def gaps_check(subject: Subject) -> list[Finding]:
    """Return missing sessions, holes within sessions, and bars outside of sessions."""
    if subject.interval.intraday:
        return _holes_within(subject) + _out_of_hours(subject)
    return _missing_days(subject)


def _missing_days(subject: Subject) -> list[Finding]:
    """Compare dates with those that bars made of daily ones would have."""
    ts, sessions = subject.bars.ts, subject.sessions
    days = sessions.dates * NS_PER_DAY
    expected = days
    if subject.interval != "1d":
        buckets, _ = buckets_find(
            days, sessions, timeframe_parse("1d"), timeframe_parse(subject.interval.name)
        )
        expected = buckets.starts
    within = expected[(expected >= ts[0]) & (expected <= ts[-1])]
    found = [
        _gap(within, at, count, f"{count} {subject.interval.label} bars")
        for at, count in runs(~np.isin(within, ts))
    ]
    outside = ~np.isin(ts, expected) & (subject.interval == "1d")
    found += [
        Finding(
            "outside_sessions",
            Severity.WARNING,
            int(ts[row]),
            int(ts[row]),
            1,
            f"The exchange was closed on {shown(int(ts[row]))}, but there is a bar.",
        )
        for row in np.flatnonzero(outside)
    ]
    return found


def _gap(times: NDArray[np.int64], at: int, count: int, what: str) -> Finding:
    first, last = int(times[at]), int(times[at + count - 1])
    severity = Severity.ERROR if count >= LONG_GAP_SESSIONS else Severity.WARNING
    place = shown(first) if count == 1 else f"{shown(first)} to {shown(last)}"
    return Finding(
        "gap",
        severity,
        first,
        last,
        count,
        f"{what} are missing: {place}, when the exchange was open.",
    )


def _holes_within(subject: Subject) -> list[Finding]:
    """Compare each session's bars with its length, and look for stretches without any."""
    ts, sessions, step = subject.bars.ts, subject.sessions, subject.interval.seconds * 10**9
    firsts = np.searchsorted(ts, sessions.opens - step, side="right")
    stops = np.searchsorted(ts, sessions.closes)
    inside = (sessions.closes > ts[0]) & (sessions.opens <= ts[-1])
    there = np.maximum(stops - firsts, 0)
    paused = subject.paused_ns(sessions.closes) - subject.paused_ns(sessions.opens)
    due = -(-(sessions.closes - sessions.opens - paused) // step)
    # The first and the last session may have begun before, or go on after, the bars.
    empty = inside & (there == 0)
    found = [
        _gap(sessions.dates * NS_PER_DAY, at, count, f"{count} whole sessions")
        for at, count in runs(empty)
    ]
    middle = inside.copy()
    middle[np.flatnonzero(inside)[:1]] = middle[np.flatnonzero(inside)[-1:]] = False
    thin = np.flatnonzero(middle & (there > 0) & (there < THIN_SHARE * due))
    found += [
        Finding(
            "thin_session",
            Severity.NOTE,
            int(sessions.opens[at]),
            int(sessions.closes[at]) - 1,
            int(due[at] - there[at]),
            f"The session of {shown(int(sessions.dates[at]) * NS_PER_DAY)} has {there[at]} of "
            f"{due[at]} bars.",
        )
        for at in thin
    ]
    return found + _holes(subject, step)


def _holes(subject: Subject, step: int) -> list[Finding]:
    ts, sessions = subject.bars.ts, subject.sessions
    # A bar that is open when the session opens belongs to it.
    place = np.searchsorted(sessions.opens - step + 1, ts, side="right") - 1
    inside = (place >= 0) & (ts < sessions.closes[place])
    paused = subject.paused_ns(ts[1:]) - subject.paused_ns(ts[:-1] + step)
    missing = (np.diff(ts) - np.maximum(paused, 0)) // step - 1
    same = (place[1:] == place[:-1]) & inside[1:] & inside[:-1]
    return [
        Finding(
            "hole",
            Severity.WARNING,
            int(ts[row]) + step,
            int(ts[row + 1]) - 1,
            int(missing[row]),
            f"{missing[row]} bars in a row are missing within a session, from "
            f"{shown(int(ts[row]) + step)} on.",
        )
        for row in np.flatnonzero(same & (missing >= GAP_BARS))
    ]


def _out_of_hours(subject: Subject) -> list[Finding]:
    ts, sessions = subject.bars.ts, subject.sessions
    stretches = segments_find(ts, sessions)
    # Of three stretches a session the middle one is its hours.
    hours = np.tile(np.array([0, 1, 0], dtype=np.int64), len(sessions))
    step = subject.interval.seconds * 10**9
    # A bar that is open when the session opens, as whole hours are, belongs to it.
    touching = np.searchsorted(sessions.opens, ts + step, side="left") > np.searchsorted(
        sessions.opens, ts, side="right"
    )
    outside = (stretches.spread(hours) == 0) & ~touching
    count = int(outside.sum())
    if not count:
        return []
    rows = np.flatnonzero(outside)
    return [
        Finding(
            "out_of_hours",
            Severity.NOTE,
            int(ts[rows[0]]),
            int(ts[rows[-1]]),
            count,
            f"{count} bars open outside of the exchange's hours.",
        )
    ]


def clock_check(subject: Subject) -> list[Finding]:
    """Return sessions whose bars are all an hour off: a clock change that somebody forgot."""
    if not subject.interval.intraday:
        return []
    ts, sessions = subject.bars.ts, subject.sessions
    step = subject.interval.seconds * 10**9
    # Two hours on either side are the session's own in these markets.
    lows = np.searchsorted(ts, sessions.opens - 2 * HOUR_NS)
    highs = np.searchsorted(ts, sessions.closes + 2 * HOUR_NS)
    rows = np.flatnonzero((highs - lows > 1) & (sessions.closes - sessions.opens < NS_PER_DAY // 2))
    early = ts[lows[rows]] - sessions.opens[rows]
    late = np.minimum(ts[highs[rows] - 1] + step, ts[-1] + step) - sessions.closes[rows]
    off = np.abs(early) == HOUR_NS
    off &= early == late
    found = []
    for at, count in runs(off):
        first, last = rows[at], rows[at + count - 1]
        since = shown(int(sessions.dates[first]) * NS_PER_DAY)
        found.append(
            Finding(
                "clock_shift",
                Severity.ERROR,
                int(ts[lows[first]]),
                int(ts[highs[last] - 1]),
                int(highs[last] - lows[first]),
                f"All bars of {count} sessions from {since} on are an hour off the "
                "exchange's hours: was a clock change forgotten?",
            )
        )
    return found


def future_check(subject: Subject) -> list[Finding]:
    """Return the bars that nobody can know yet."""
    ts = subject.bars.ts
    # The date of a day's bar begins earlier where the day does: half a day east of Greenwich.
    ahead = 0 if subject.interval.intraday else NS_PER_DAY
    first = int(np.searchsorted(ts, subject.now + ahead, side="right"))
    count = len(ts) - first
    if not count:
        return []
    return [
        Finding(
            "in_future",
            Severity.ERROR,
            int(ts[first]),
            int(ts[-1]),
            count,
            f"{count} bars from {shown(int(ts[first]))} on had not opened when they were stored: "
            "are days and months, or time zones, mixed up?",
        )
    ]
