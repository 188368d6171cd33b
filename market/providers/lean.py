"""Shares in the folder layout of QuantConnect's LEAN.

Read are `equity/usa/{daily,hour}/SYMBOL.zip` and `equity/usa/minute/SYMBOL/DATE_trade.zip`, prices
in 1/10,000, times in New York; `factor_files` become the adjustment, and `map_files` say under
which ticker a share was filed when it had another name.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.conf import settings
from numpy.typing import NDArray

from core.errors import Permanent
from market.choices import AssetClass
from market.files.archives import zip_member
from market.intervals import Interval
from market.providers.assembling import Delivery, delivery_assemble, pages_join
from market.providers.base import USUAL, BarRequest, Download, interval_check
from market.providers.range import nothing_in_range

SOURCE: Final = "The LEAN folder"
MARKET: Final = Path("equity") / "usa"
RESOLUTIONS: Final = {"1m": "minute", "1h": "hour", "1d": "daily"}
PRICE_UNIT: Final = 10_000.0
NEW_YORK: Final = ZoneInfo("America/New_York")
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)
DAYS_PER_PAGE: Final = 250
COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Span:
    """The days (both included) on which a share was filed under a ticker."""

    ticker: str
    first: date
    last: date


class LeanProvider:
    """Bars from the folder `LEAN_DATA_DIR`."""

    name: ClassVar[str] = "lean"
    title: ClassVar[str] = "LEAN data folder"
    intervals: ClassVar[frozenset[str]] = frozenset(RESOLUTIONS)

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request."""
        return pages_join(self.pages(request), request)

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars of a request, minutes a year at a time."""
        interval_check(self, request.interval)
        root = Path(settings.LEAN_DATA_DIR) / MARKET
        listing = replace(USUAL[AssetClass.EQUITY], symbol=request.symbol)
        known = found = False
        for frame in _frames(root, request):
            known = True
            delivery = _delivery(frame, request.interval, _factors(root, request.symbol))
            page = delivery_assemble(delivery, source=SOURCE, request=request, listing=listing)
            if page is not None:
                found = True
                yield page
        if not known and not _days(root, request.symbol):
            raise Permanent(
                f"There is no {RESOLUTIONS[request.interval]} file of {request.symbol} in the "
                "LEAN folder (LEAN_DATA_DIR).",
                code="unknown_symbol",
            )
        if not found:
            raise nothing_in_range(request)


def _frames(root: Path, request: BarRequest) -> Iterator[pd.DataFrame]:
    """Return rows with their local times, in order."""
    for span in _spans(root, request.symbol):
        if request.interval == "1m":
            yield from _minute_frames(root, span, request)
            continue
        path = root / RESOLUTIONS[request.interval] / f"{span.ticker}.zip"
        if not path.is_file():
            continue
        frame = _rows(path)
        days = frame["time"].dt.date
        frame = frame[(days >= span.first) & (days <= span.last)]
        if len(frame):
            yield frame


def _minute_frames(root: Path, span: Span, request: BarRequest) -> Iterator[pd.DataFrame]:
    first = max(span.first, request.start or FIRST_DAY)
    last = min(span.last, request.end or LAST_DAY)
    days = [day for day in _days(root, span.ticker) if first <= day <= last]
    for at in range(0, len(days), DAYS_PER_PAGE):
        frames = []
        for day in days[at : at + DAYS_PER_PAGE]:
            path = root / "minute" / span.ticker / f"{day:%Y%m%d}_trade.zip"
            frames.append(_rows(path, day=day))
        yield pd.concat(frames, ignore_index=True)


def _days(root: Path, ticker: str) -> list[date]:
    """Return the days that there are minutes of."""
    names = sorted(path.name[:8] for path in (root / "minute" / ticker).glob("*_trade.zip"))
    return [date(int(name[:4]), int(name[4:6]), int(name[6:])) for name in names]


def _rows(path: Path, *, day: date | None = None) -> pd.DataFrame:
    """Return the rows of an archive with their times in New York."""
    try:
        data = zip_member(path)
        # Some files have a sixth column and some have more: quotes, suspicious marks.
        frame = pd.read_csv(
            io.BytesIO(data),
            header=None,
            usecols=range(len(COLUMNS)),
            names=list(COLUMNS),
            dtype={"time": str} | dict.fromkeys(COLUMNS[1:], np.float64),
        )
        if day is None:
            frame["time"] = pd.to_datetime(frame["time"], format="%Y%m%d %H:%M")
        else:
            # Milliseconds of the day by the clock on the wall: they are not elapsed time where the
            # clock was changed, so they are added before the zone is.
            clock = pd.to_timedelta(frame["time"].astype(np.int64), unit="ms")
            frame["time"] = pd.Timestamp(day) + clock
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise Permanent(
            f"{path.name} in the LEAN folder is damaged or not of its format: "
            f"{str(error).partition(chr(10))[0]}.",
            code="bad_file",
        ) from error
    return frame


def _delivery(
    frame: pd.DataFrame, interval: Interval, factors: NDArray[np.float64] | None
) -> Delivery:
    local = pd.DatetimeIndex(frame["time"])
    days = local.normalize().as_unit("ns").asi8
    if interval.intraday:
        # An hour that the clock shows twice is at night, when nothing trades.
        utc = local.tz_localize(NEW_YORK, ambiguous=True, nonexistent="shift_forward")
        ts = utc.tz_convert("UTC").tz_localize(None).as_unit("ns").asi8
    else:
        ts = days
    columns = {
        name: frame[name].to_numpy(dtype=np.float64) / (PRICE_UNIT if name != "volume" else 1.0)
        for name in COLUMNS[1:]
    }
    if factors is None:
        return Delivery(ts, columns)
    # A line is of the days up to and including its own; the last line is far in the future.
    at = np.minimum(np.searchsorted(factors[:, 0], days), len(factors) - 1)
    price, split = factors[at, 1], factors[at, 2]
    return Delivery(ts, columns, factor=price * split, split=split)


def _factors(root: Path, symbol: str) -> NDArray[np.float64] | None:
    """Return (day in ns, price factor, split factor) by line, or None where there is no file."""
    path = root / "factor_files" / f"{symbol.lower()}.csv"
    if not path.is_file():
        return None
    try:
        lines = [line.split(",")[:3] for line in path.read_text().split()]
        # LEAN writes "inf" lines at the top where a share began with no factor known.
        table = [
            (_ns(_day(day)), float(price), float(split))
            for day, price, split in lines
            if "inf" not in {price, split}
        ]
    except ValueError as error:
        raise Permanent(f"{path.name} is not a factor file: {error}.", code="bad_file") from error
    return np.array(table, dtype=np.float64) if table else None


def _spans(root: Path, symbol: str) -> list[Span]:
    """Return under which ticker a share was filed when; its own name where no file says more."""
    ticker = symbol.lower()
    path = root / "map_files" / f"{ticker}.csv"
    if not path.is_file():
        return [Span(ticker, FIRST_DAY, LAST_DAY)]
    try:
        lines = [line.split(",") for line in path.read_text().split()]
        days = [(_day(line[0]), line[1].lower()) for line in lines]
    except (ValueError, IndexError) as error:
        raise Permanent(f"{path.name} is not a map file: {error}.", code="bad_file") from error
    spans: list[Span] = []
    first = FIRST_DAY
    # Each line ends a name; the first one is the listing itself, on its day.
    for last, name in days:
        if spans and spans[-1].ticker == name:
            spans[-1] = replace(spans[-1], last=last)
        else:
            spans.append(Span(name, first, last))
        first = last + timedelta(days=1)
    return spans


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400 * 10**9
