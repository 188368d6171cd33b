"""Which of several series to read, and what to say where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from core.errors import Detail, InvalidInput
from market.calendars import NS_PER_S, range_bounds
from market.intervals import Interval, interval_get
from market.models import BarSeries, BarSnapshot
from market.resampling import finer_names
from market.selectors import instrument_get, series_list, visible

# Of several sources that cover a range equally well, the earlier one here is read.
PREFERENCE: Final = (
    "alpaca",
    "nasdaq_data_link",
    "yfinance",
    "ccxt",
    "lean",
    "parquet",
    "csv",
    "sample",
)


def series_choose(
    *,
    symbol: str,
    interval: Interval,
    start: date | datetime | None,
    end: date | datetime | None,
    owner_id: UUID | None,
) -> BarSeries:
    """Return the series to read a range from: one's own, else the one that has most of it.

    Bars of the interval come before finer ones that can be put together to it, and of these the
    coarsest. Series are never spliced: two sources may adjust differently.

    Raises
    ------
    InvalidInput
        When the symbol is unknown, or has no bars at the interval or in the range.
    """
    names = finer_names(interval)
    candidates = list(
        series_list(owner_id=owner_id).filter(
            instrument__symbol=symbol.strip().upper(), interval__in=[interval.name, *names]
        )
    )
    if not candidates:
        raise _no_series(symbol, interval, owner_id)
    if len(candidates) == 1:
        return candidates[0]
    covered = {series.id: _covered_ns(series, start, end, interval) for series in candidates}
    covering = [series for series in candidates if covered[series.id]]
    if not covering:
        raise nothing_in_range(candidates, start, end)
    return max(
        covering,
        key=lambda series: (
            series.interval == interval,
            series.owner_id is not None,
            interval_get(series.interval).seconds,
            covered[series.id],
            -_rank(series.provider),
        ),
    )


def snapshot_get(
    *, symbol: str, interval: Interval, content_hash: str, owner_id: UUID | None
) -> tuple[BarSeries, str, str]:
    """Return the series, hash and path of bars as they once were.

    Raises
    ------
    InvalidInput
        When the symbol never had such bars, as far as this user may see.
    """
    found = (
        BarSnapshot.objects.filter(
            content_hash=content_hash,
            series__in=BarSeries.objects.filter(visible(owner_id)),
            series__instrument__symbol=symbol.strip().upper(),
            series__interval__in=[interval.name, *finer_names(interval)],
        )
        .select_related("series__instrument")
        .first()
    )
    if found is None:
        raise InvalidInput(
            f"{symbol} {interval} never had bars with the hash {content_hash}.",
            code="unknown_snapshot",
        )
    return found.series, found.content_hash, found.path


def nothing_in_range(
    candidates: Sequence[BarSeries], start: date | datetime | None, end: date | datetime | None
) -> InvalidInput:
    """Return the error for a range without bars; it says which ranges have some."""
    symbol, interval = candidates[0].instrument.symbol, candidates[0].interval
    there = "; ".join(
        f"{_shown(series.first_ts, interval)} to {_shown(series.last_ts, interval)}"
        for series in candidates
    )
    message = (
        f"{symbol} {interval} has no bars between {start or 'the beginning'} and "
        f"{end or 'the end'}: stored are {there}. Choose dates in there, or download more with "
        "POST /api/v1/fetches."
    )
    return InvalidInput(
        message,
        code="no_bars_in_range",
        details=[
            Detail(
                path="start",
                code="no_bars_in_range",
                message=message,
                expected=there,
                received=None if start is None else start.isoformat(),
            )
        ],
    )


def _shown(moment: datetime, interval: str) -> str:
    return moment.strftime("%Y-%m-%d %H:%M" if interval_get(interval).intraday else "%Y-%m-%d")


def _rank(provider: str) -> int:
    kind = provider.partition(":")[0]
    return PREFERENCE.index(kind) if kind in PREFERENCE else len(PREFERENCE)


def _covered_ns(
    series: BarSeries,
    start: date | datetime | None,
    end: date | datetime | None,
    interval: Interval,
) -> int:
    first, last = range_bounds(
        start=start, end=end, instrument=series.instrument, interval=interval
    )
    begins, ends = (_ns(moment) for moment in (series.first_ts, series.last_ts))
    begins = begins if first is None else max(begins, first)
    ends = ends if last is None else min(ends, last)
    return max(0, ends - begins + 1)


def _no_series(symbol: str, interval: Interval, owner_id: UUID | None) -> InvalidInput:
    instrument = instrument_get(symbol, owner_id=owner_id)
    others = series_list(owner_id=owner_id).filter(instrument__symbol=instrument.symbol)
    there = ", ".join(sorted({series.interval for series in others}))
    message = (
        f"{instrument.symbol} has no {interval} bars"
        + (f", only {there}: use one of these, or download" if there else " yet: download")
        + " more with POST /api/v1/fetches."
    )
    return InvalidInput(
        message,
        code="no_bars",
        details=[
            Detail(
                path="interval",
                code="no_bars",
                message=message,
                expected=there.split(", ") if there else None,
                received=interval.name,
            )
        ],
    )


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * NS_PER_S
