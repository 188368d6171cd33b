"""Indicators that begin anew with every session, week, month: VWAP, ranges, levels of the day.

What they need to know of time comes as two series: the date of each bar's session, and the
minutes from its open. Nothing looks at a session before it is there: values are of the bars so
far, or of sessions that are over.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.declare import bars, choice, number
from core.indicators.indicator import Series, indicator_build
from core.indicators.jit import BUFFER, INDEXES, NUMBER, SERIES, looped
from core.indicators.spec import SESSION_FIELDS, Spec

Indexes = NDArray[np.int64]

_LAST_DAY: Final = 1e9
"""Session dates are cut to this, so that a senseless one cannot overflow the calendar."""

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_MONDAY: Final = 3  # 1970-01-01 was a Thursday


def first_bars(session: Series) -> Indexes:
    """Return the number of the first bar of each session; empty without bars."""
    changes = np.flatnonzero(session[1:] != session[:-1])
    changes += 1
    return np.concatenate((np.zeros(min(session.shape[0], 1), dtype=np.int64), changes))


def is_whole(minute: Series) -> bool:
    """Return whether the first session is there from its open: else nothing is known of it."""
    return minute.shape[0] > 0 and bool(minute[0] <= 0.0)


def _periods(session: Series, minute: Series, anchor: str, since: int) -> Indexes:
    """Return the first bars of the periods that begin within the series.

    Whether a first week, month or year does cannot be known, for it may begin with a holiday, so
    it does not count.
    """
    if anchor == "start":
        return np.zeros(min(session.shape[0], 1), dtype=np.int64)
    starts = first_bars(session)
    if anchor == "session":
        return starts if is_whole(minute) else starts[1:]
    days = np.clip(session[starts], -_LAST_DAY, _LAST_DAY).astype(np.int64)
    if anchor == "date":
        return np.asarray(starts[_as_written(days) >= since][:1])
    period = (days + _MONDAY) // 7 if anchor == "week" else _months(days) // _MONTHS[anchor]
    begins: Indexes = starts[1:][period[1:] != period[:-1]]
    return begins


def _months(days: Indexes) -> Indexes:
    """Return the months since January 1970."""
    months: Indexes = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months


def _as_written(days: Indexes) -> Indexes:
    """Return dates as numbers: 20240131."""
    months = _months(days)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    written: Indexes = (1970 + months // 12) * 10_000 + (months % 12 + 1) * 100 + days - first + 1
    return written


@looped(BUFFER, SERIES, INDEXES, NUMBER)
def _vwap(
    value: Series, volume: Series, starts: Indexes, deviations: float
) -> tuple[Series, Series]:
    """Put the average in the place of the prices in `value`, and return the bands."""
    length = value.shape[0]
    upper, lower = np.empty(length), np.empty(length)
    begun = starts[0] if starts.shape[0] else length
    value[:begun], upper[:begun], lower[:begun] = np.nan, np.nan, np.nan
    for part in range(starts.shape[0]):
        start = starts[part]
        stop = starts[part + 1] if part + 1 < starts.shape[0] else length
        # Distances from the first price keep digits that sums of whole prices would lose.
        origin = value[start]
        weight, first, second = 0.0, 0.0, 0.0
        plain, squares = 0.0, 0.0
        for index in range(start, stop):
            away = value[index] - origin
            weight += volume[index]
            first += volume[index] * away
            second += volume[index] * away * away
            share, one, two = 1.0 / weight, first, second
            if weight == 0.0:
                plain += away
                squares += away * away
                share, one, two = 1.0 / (index - start + 1.0), plain, squares
            mean = one * share
            spread = two * share - mean * mean
            reach = deviations * np.sqrt(spread) if spread > 0.0 else 0.0
            value[index] = origin + mean
            upper[index] = origin + mean + reach
            lower[index] = origin + mean - reach
    return upper, lower


def session_vwap(
    high: Series,
    low: Series,
    close: Series,
    volume: Series,
    *rest: Any,
) -> tuple[Series, Series, Series]:
    """Return the volume-weighted average price since the anchor, and bands around it.

    The mean of the typical price ``(H + L + C) / 3`` of the bars since the anchor, weighted by
    volume, and `deviations` times the root of its weighted population variance above and below,
    as TradingView's "VWAP" and "VWAP Auto Anchored" have it (`ta.vwap`). The plain mean and
    deviation as long as there is no volume at all.

    Parameters
    ----------
    high, low, close, volume : array, shape (n,)
    *rest : array, array, str, int, float
        ``session, minute, anchor, since, deviations``. It begins anew with each "session",
        "week" (Monday), "month", "quarter" or "year", all by the sessions' dates; "start" is the
        first bar of the series, "date" the first session from `since` (20240131) on.

    Returns
    -------
    tuple of three arrays, shape (n,)
        ``value``, ``upper``, ``lower``. NaN before the first anchor in the series: part of a
        session (its first bar is not at its open), week, month or year has no value, so where
        the series starts changes none.
    """
    session, minute, anchor, since, deviations = rest
    starts = _periods(session, minute, anchor, since)
    value = high + low
    value += close
    value /= 3.0
    upper, lower = _vwap(value, volume, starts, deviations)
    return value, upper, lower


@looped(SERIES, SERIES, INDEXES)
def _range_so_far(high: Series, low: Series, starts: Indexes) -> tuple[Series, Series, Series]:
    length = high.shape[0]
    upper, lower, span = np.empty(length), np.empty(length), np.empty(length)
    begun = starts[0] if starts.shape[0] else length
    upper[:begun], lower[:begun], span[:begun] = np.nan, np.nan, np.nan
    for part in range(starts.shape[0]):
        start = starts[part]
        stop = starts[part + 1] if part + 1 < starts.shape[0] else length
        top, bottom = high[start], low[start]
        for index in range(start, stop):
            top, bottom = max(top, high[index]), min(bottom, low[index])
            upper[index] = top
            lower[index] = bottom
            span[index] = top - bottom
    return upper, lower, span


def session_range(
    high: Series, low: Series, session: Series, minute: Series
) -> tuple[Series, Series, Series]:
    """Return the highest high and lowest low of the session so far, and their distance.

    The current bar counts. NaN in a first session that is not there from its open.
    """
    starts = first_bars(session)
    lines: tuple[Series, Series, Series] = _range_so_far(
        high, low, starts if is_whole(minute) else starts[1:]
    )
    return lines


def previous_session(
    high: Series, low: Series, close: Series, session: Series, minute: Series
) -> tuple[Series, Series, Series]:
    """Return the high, low and close of the last session that is over.

    The session before is the one before in the series: a holiday leaves no hole. NaN in the first
    session, and in the second one if the first is not there from its open.
    """
    starts = first_bars(session)
    lengths = np.diff(starts, append=session.shape[0])
    unknown = 1 if is_whole(minute) else 2
    lines = []
    for ended in (
        np.maximum.reduceat(high, starts) if starts.shape[0] else high,
        np.minimum.reduceat(low, starts) if starts.shape[0] else low,
        close[starts + lengths - 1],
    ):
        before = np.full(starts.shape[0], np.nan)
        before[unknown:] = ended[unknown - 1 : -1]
        lines.append(np.repeat(before, lengths))
    upper, lower, last = lines
    return upper, lower, last


@looped(SERIES, SERIES, SERIES, INDEXES, NUMBER)
def _opening(
    high: Series, low: Series, minute: Series, starts: Indexes, minutes: float
) -> tuple[Series, Series, Series]:
    length = high.shape[0]
    upper, lower, span = np.empty(length), np.empty(length), np.empty(length)
    begun = starts[0] if starts.shape[0] else length
    upper[:begun], lower[:begun], span[:begun] = np.nan, np.nan, np.nan
    for part in range(starts.shape[0]):
        start = starts[part]
        stop = starts[part + 1] if part + 1 < starts.shape[0] else length
        top, bottom, index = np.nan, np.nan, start
        while index < stop and minute[index] < minutes:
            if minute[index] >= 0.0:
                # Written so that the first bar, compared with NaN, is taken.
                if not high[index] <= top:
                    top = high[index]
                if not low[index] >= bottom:
                    bottom = low[index]
            upper[index], lower[index], span[index] = np.nan, np.nan, np.nan
            index += 1
        upper[index:stop], lower[index:stop], span[index:stop] = top, bottom, top - bottom
    return upper, lower, span


def opening_range(
    high: Series, low: Series, session: Series, minute: Series, minutes: int
) -> tuple[Series, Series, Series]:
    """Return the range of the first `minutes` of the session, once they are over.

    T. Crabel, "Day Trading with Short Term Price Patterns and Opening Range Breakout" (1990). The
    bars that open in these minutes make it, so `minutes` is best a multiple of the bars' length;
    bars before the session's open do not count. It is there from the first bar that opens after
    them to the last one of the session: NaN until then, throughout a session without a bar in
    these minutes, and in a first session that is not there from its open.
    """
    starts = first_bars(session)
    lines: tuple[Series, Series, Series] = _opening(
        high, low, minute, starts if is_whole(minute) else starts[1:], minutes
    )
    return lines


_ANCHOR = choice(
    "anchor",
    "session",
    "Where it begins anew; start is the first bar, date the first session from since on.",
    "week",
    "month",
    "quarter",
    "year",
    "start",
    "date",
)

INDICATORS = (
    indicator_build(
        Spec(
            name="session_vwap",
            title="Anchored Volume Weighted Average Price",
            group="overlap",
            inputs=("high", "low", "close", "volume", *SESSION_FIELDS),
            parameters=(
                _ANCHOR,
                bars(
                    "since",
                    19_700_101,
                    "Date of the anchor date, as 20240131.",
                    "anchor_date",
                    minimum=0,
                    maximum=99_991_231,
                ),
                number(
                    "deviations",
                    1.0,
                    "Standard deviations, weighted by volume, to the bands.",
                    "multiplier",
                    minimum=0.0,
                    maximum=1000.0,
                ),
            ),
            outputs=("value", "upper", "lower"),
            recursive=True,
            repaints=False,
            description="Typical price weighted by volume since the session's open (or another "
            "anchor), with bands, as TradingView has it. vwap is that of all bars, rolling_vwap "
            "that of a window.",
            aliases=("anchored_vwap", "vwap_session", "vwap_anchored", "avwap"),
            overlay=True,
        ),
        kernel=session_vwap,
        warmup=lambda _anchor, _since, _deviations: 0,
    ),
    indicator_build(
        Spec(
            name="session_range",
            title="Session Range",
            group="overlap",
            inputs=("high", "low", *SESSION_FIELDS),
            parameters=(),
            outputs=("high", "low", "range"),
            recursive=True,
            repaints=False,
            description="Highest high and lowest low of the session so far, this bar included, "
            "and the distance between them.",
            aliases=("session_high_low", "day_range"),
            overlay=True,
        ),
        kernel=session_range,
        warmup=lambda: 0,
    ),
    indicator_build(
        Spec(
            name="previous_session",
            title="Previous Session",
            group="overlap",
            inputs=("high", "low", "close", *SESSION_FIELDS),
            parameters=(),
            outputs=("high", "low", "close"),
            recursive=True,
            repaints=False,
            description="High, low and close of the session before.",
            aliases=("prev_session", "previous_day", "prior_session", "prior_day"),
            overlay=True,
        ),
        kernel=previous_session,
        warmup=lambda: 1,
    ),
    indicator_build(
        Spec(
            name="opening_range",
            title="Opening Range",
            group="overlap",
            inputs=("high", "low", *SESSION_FIELDS),
            parameters=(
                bars(
                    "minutes",
                    30,
                    "Minutes from the session's open that make the range.",
                    "period",
                    "length",
                    maximum=1_440,
                ),
            ),
            outputs=("high", "low", "range"),
            recursive=True,
            repaints=False,
            description="High and low of the session's first minutes, once these are over "
            "(Crabel, 1990), and the distance between them.",
            aliases=("orb", "opening_range_breakout", "initial_balance"),
            overlay=True,
        ),
        kernel=opening_range,
        warmup=lambda _minutes: 1,
    ),
)
