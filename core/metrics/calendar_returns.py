"""Returns of the months and years of a run, for tables."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics.periods import period_ends
from core.metrics.scans import NS_PER_DAY
from core.metrics.value import Undefined, Value, not_finite


@dataclass(frozen=True, slots=True)
class CalendarReturn:
    """What a month or a year brought.

    Attributes
    ----------
    year : int
    month : int, optional
        1 to 12; None for a whole year.
    value : Value
        A fraction of what there was at the end of the period before. Undefined where that was
        zero or less.
    """

    year: int
    month: int | None
    value: Value


def monthly_returns(
    *,
    ts: NDArray[np.int64],
    equity: NDArray[np.float64],
    initial: float,
    session_ids: NDArray[np.integer] | None = None,
) -> tuple[CalendarReturn, ...]:
    """Return what each month brought, in order; months without bars are left out.

    Parameters
    ----------
    ts, equity : array, shape (n,)
        Bar-open times, UTC nanoseconds, increasing; the curve, or the prices of a benchmark.
    initial : float
        What the first month starts from: the initial cash, or the first price. All months
        compound to ``equity[-1] / initial``. The first and the last one may be partial.
    session_ids : array of int, shape (n,), optional
        Date of the session of each bar in the exchange's time zone, days since 1970-01-01; a
        session belongs to the month of its date. Dates of UTC without it.
    """
    return _calendar_returns(ts, equity, initial, session_ids, "M")


def yearly_returns(
    *,
    ts: NDArray[np.int64],
    equity: NDArray[np.float64],
    initial: float,
    session_ids: NDArray[np.integer] | None = None,
) -> tuple[CalendarReturn, ...]:
    """Return what each calendar year brought; see `monthly_returns`."""
    return _calendar_returns(ts, equity, initial, session_ids, "Y")


def _calendar_returns(
    ts: NDArray[np.int64],
    equity: NDArray[np.float64],
    initial: float,
    session_ids: NDArray[np.integer] | None,
    unit: Literal["M", "Y"],
) -> tuple[CalendarReturn, ...]:
    if len(ts) == 0:
        return ()
    ends = period_ends(ts, session_ids)
    days = ts[ends] // NS_PER_DAY if session_ids is None else session_ids[ends]
    months = days.astype("datetime64[D]").astype(f"datetime64[{unit}]")
    last = np.append(np.flatnonzero(months[1:] != months[:-1]), len(months) - 1)
    values = equity[ends[last]]
    found = []
    before = initial
    for when, value in zip(months[last].tolist(), values.tolist(), strict=True):
        month = when.month if unit == "M" else None
        found.append(CalendarReturn(when.year, month, _growth(before, value)))
        before = value
    return tuple(found)


def _growth(before: float, after: float) -> Value:
    if before <= 0.0:
        return Undefined("there was nothing left to earn on")
    growth = after / before - 1.0
    return growth if isfinite(growth) else not_finite(growth)
