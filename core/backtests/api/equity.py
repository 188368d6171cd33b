"""The equity of a run point by point, by range of time, thinned or page by page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rest_framework import serializers

from core.backtests.api.bodies import milliseconds
from core.backtests.api.fields import DayOrTimeField
from core.backtests.thin import thin
from core.metrics.drawdown import drawdown

PAGE: Final = 10_000
PAGE_AT_MOST: Final = 50_000


class EquityQuery(serializers.Serializer[Any]):
    """`GET …/equity?points=&start=&end=&offset=&limit=`."""

    points = serializers.IntegerField(
        min_value=10,
        max_value=PAGE_AT_MOST,
        required=False,
        help_text="Thin to so many points; every extreme survives.",
    )
    start = DayOrTimeField(required=False, help_text="From this day or time on.")
    end = DayOrTimeField(required=False, help_text="Up to this day or time, included.")
    offset = serializers.IntegerField(min_value=0, default=0, help_text="Without points: skip.")
    limit = serializers.IntegerField(min_value=1, max_value=PAGE_AT_MOST, default=PAGE)


def equity_body(
    series: dict[str, NDArray[Any]], query: dict[str, Any]
) -> tuple[dict[str, Any], int | None]:
    """Return dates, equity and drawdown of a range, and the offset of the next page if any.

    The drawdown is that of the whole run: cutting a range does not forget an earlier peak.
    """
    rows = rows_between(series["ts"], query.get("start"), query.get("end"))
    total = len(rows)
    following: int | None = None
    if points := query.get("points"):
        rows = rows[thin([series["equity"][rows]], points)]
    else:
        stop = query["offset"] + query["limit"]
        following = stop if stop < total else None
        rows = rows[query["offset"] : stop]
    return {
        "total": total,
        "dates": milliseconds(series["ts"])[rows],
        "equity": series["equity"][rows],
        "drawdown_pct": drawdown(series["equity"])[rows] * 100,
    }, following


def rows_between(
    ts: NDArray[np.int64], start: date | datetime | None, end: date | datetime | None
) -> NDArray[np.int64]:
    """Return the rows of the bars that open within a range; an end that is a day is included."""
    first = 0 if start is None else int(np.searchsorted(ts, nanoseconds(start), "left"))
    last = len(ts)
    if isinstance(end, datetime):
        last = int(np.searchsorted(ts, nanoseconds(end), "right"))
    elif end is not None:
        last = int(np.searchsorted(ts, nanoseconds(end + timedelta(days=1)), "left"))
    return np.arange(first, max(first, last))


def nanoseconds(moment: date | datetime) -> int:
    """Return a time, or the beginning of a day in UTC, as epoch nanoseconds."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
