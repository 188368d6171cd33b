"""Alpaca's market data through its library alpaca-py: shares of the United States.

`alpaca` reads the feed of IEX, which every account has; `alpaca:sip` that of all exchanges. Prices
are raw; the factors come from Alpaca's own adjusted daily closes, without their rounding. Minutes
are those of the regular session. Longer bars within a day are cut by the clock at Alpaca (9:00, not
9:30), so they are not offered: reading resamples minutes by session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient
from django.conf import settings
from numpy.typing import NDArray

from core.errors import InvalidInput, Permanent
from market.actions import factors_clean
from market.choices import AssetClass
from market.intervals import Interval, interval_get
from market.providers import http
from market.providers.assembling import Delivery, delivery_assemble, pages_join
from market.providers.base import (
    NOBODY,
    USUAL,
    BarRequest,
    Download,
    LastTrade,
    credentials_check,
    interval_check,
)
from market.providers.range import nothing_in_range
from market.providers.rate import place_wait

SOURCE: Final = "Alpaca"
TIMEFRAMES: Final = MappingProxyType(
    {
        **{f"{count}m": f"{count}Min" for count in (1, 2, 3, 5, 15, 30)},
        "1d": "1Day",
        "1w": "1Week",
        "1mo": "1Month",
    }
)
FIRST_DAY: Final = date(2016, 1, 1)
PAGE_ROWS: Final = 10_000
NEW_YORK: Final = ZoneInfo("America/New_York")
NAMES: Final = MappingProxyType({"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"})
DAILY: Final = interval_get("1d")
MINUTE_NS: Final = 60 * 10**9
SESSION_MINUTES: Final = (9 * 60 + 30, 16 * 60)
Row = dict[str, Any]


class Ratios(NamedTuple):
    """What a raw price of a session is multiplied by, and the part of it that is splits."""

    factor: float
    split: float


class AlpacaProvider:
    """Bars of shares since 2016, 10,000 a request."""

    name: ClassVar[str] = "alpaca"
    title: ClassVar[str] = "Alpaca"
    intervals: ClassVar[frozenset[str]] = frozenset(TIMEFRAMES)
    credential_fields: ClassVar[tuple[str, ...]] = ("key_id", "secret")

    def __init__(self, feed: str = "iex") -> None:
        try:
            self._feed = DataFeed(feed)
        except ValueError:
            raise InvalidInput(
                f"{feed!r} is not a feed of Alpaca: use one of "
                f"{', '.join(known.value for known in DataFeed)}.",
                code="unknown_provider",
            ) from None

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request."""
        return pages_join(self.pages(request), request)

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars of a request, 10,000 at a time."""
        interval_check(self, request.interval)
        credentials_check(self, request)
        client = BarClient(request.credentials)
        listing = replace(USUAL[AssetClass.EQUITY], symbol=request.symbol)
        ratios: dict[int, Ratios] | None = None
        found = False
        for rows in self._rows(client, request, request.interval, "raw"):
            if ratios is None:
                ratios = self._ratios(client, request)
            with http.failures_told(SOURCE):
                delivery = _delivery(rows, request.interval, ratios)
            page = delivery_assemble(delivery, source=SOURCE, request=request, listing=listing)
            if page is not None:
                found = True
                yield page
        if not found:
            self._check_known(request)
            raise nothing_in_range(request)

    def quotes(
        self, symbols: Sequence[str], *, credentials: Mapping[str, str] = NOBODY
    ) -> dict[str, LastTrade]:
        """Return the latest trades, with one request."""
        place_wait(self.name, credentials)
        query = {"symbols": ",".join(symbols), "feed": self._feed.value}
        with _failures_told():
            reply: Any = BarClient(credentials).get("/stocks/trades/latest", query)
            return {
                symbol: LastTrade(repr(float(trade["p"])), _moment(trade["t"]))
                for symbol, trade in (reply["trades"] or {}).items()
            }

    def _rows(
        self, client: BarClient, request: BarRequest, interval: Interval, adjustment: str
    ) -> Iterator[list[Row]]:
        """Ask page after page, following the token in each reply."""
        start, end = _bounds(request)
        if end < start:
            return
        query: dict[str, Any] = {
            "symbols": request.symbol,
            "timeframe": TIMEFRAMES[interval],
            "start": start.isoformat().replace("+00:00", "Z"),
            "end": end.isoformat().replace("+00:00", "Z"),
            "limit": PAGE_ROWS,
            "adjustment": adjustment,
            "feed": self._feed.value,
            "sort": "asc",
        }
        while True:
            place_wait(self.name, request.credentials)
            with _failures_told():
                reply: Any = client.get("/stocks/bars", query)
                # No bars at all are told as null.
                rows = (reply["bars"] or {}).get(request.symbol) or []
                token = reply["next_page_token"]
            if rows:
                yield rows
            if not token:
                return
            query = query | {"page_token": token}

    def _ratios(self, client: BarClient, request: BarRequest) -> dict[int, Ratios]:
        """Return the adjustment of each session, from closes of days in three forms."""
        # A week or month is adjusted as its first day with a bar; that may lie in it anywhere.
        wider = replace(request, start=request.start and request.start - timedelta(days=31))
        closes: dict[str, dict[int, float]] = {}
        for adjustment in ("raw", "split", "all"):
            with http.failures_told(SOURCE):
                closes[adjustment] = {
                    _session(row["t"]): float(row["c"])
                    for rows in self._rows(client, wider, DAILY, adjustment)
                    for row in rows
                }
        return _ratios(closes["raw"], closes["split"], closes["all"])

    def _check_known(self, request: BarRequest) -> None:
        """Raise where Alpaca has no such symbol: asked for its bars, it answers with none."""
        place_wait(self.name, request.credentials)
        try:
            with _failures_told():
                AssetClient(request.credentials).get_asset(request.symbol)
        except Permanent as error:
            if error.code != "unknown_symbol":
                return
            raise Permanent(
                f"Alpaca does not know {request.symbol}: it has shares of the United States, "
                "written as there (BRK.B).",
                code="unknown_symbol",
            ) from error


class BarClient(StockHistoricalDataClient):
    """The library's client with a time limit, and without its retries: ours keep what came."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials["key_id"], credentials["secret"], raw_data=True)
        self._retry = 0
        self._session = http.TimedSession(settings.ALPACA_DATA_URL)


class AssetClient(TradingClient):
    """The library's client of what can be traded."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials["key_id"], credentials["secret"], raw_data=True)
        self._retry = 0
        self._session = http.TimedSession(settings.ALPACA_TRADING_URL)


@contextmanager
def _failures_told() -> Iterator[None]:
    with http.failures_told(SOURCE):
        try:
            yield
        except APIError as error:
            status = error.status_code or 500
            if status == 404:
                raise Permanent("Alpaca has no such thing.", code="unknown_symbol") from error
            retry_after = error.response.headers.get("Retry-After")
            raise http.status_error(SOURCE, status, retry_after=retry_after) from error


def _bounds(request: BarRequest) -> tuple[datetime, datetime]:
    first = max(request.start or FIRST_DAY, FIRST_DAY)
    start = datetime(first.year, first.month, first.day, tzinfo=NEW_YORK).astimezone(UTC)
    now = request.now.astimezone(UTC).replace(microsecond=0)
    if request.end is None or request.end >= now.date():
        return start, now
    day = request.end + timedelta(days=1)
    end = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    return start, end - timedelta(seconds=1)


def _moment(text: str) -> datetime:
    """Return the time of a trade, whose nanoseconds are more than a datetime holds."""
    return pd.Timestamp(text).floor("us").to_pydatetime().astimezone(UTC)


def _ratios(
    raw: Mapping[int, float], split: Mapping[int, float], both: Mapping[int, float]
) -> dict[int, Ratios]:
    """Return the adjustment of each session from its close in three forms, rounded to cents."""
    days = [day for day in sorted(raw) if raw[day] > 0 and day in split and day in both]
    if not days:
        return {}
    close = np.array([raw[day] for day in days])
    factors, splits = factors_clean(
        close,
        factor=np.array([both[day] for day in days]) / close,
        split=np.array([split[day] for day in days]) / close,
    )
    return {
        day: Ratios(factor, split)
        for day, factor, split in zip(days, factors.tolist(), splits.tolist(), strict=True)
    }


def _session(text: str) -> int:
    """Return the days from 1970 to the session that a time such as 2024-01-02T05:00:00Z is in."""
    local = datetime.fromisoformat(text).astimezone(NEW_YORK)
    return (local.date() - date(1970, 1, 1)).days


def _delivery(rows: list[Row], interval: Interval, ratios: Mapping[int, Ratios]) -> Delivery:
    if interval.intraday:
        rows = _regular(rows)
    days = [_session(row["t"]) for row in rows]
    ts = np.array(days, dtype=np.int64) * 86_400 * 10**9
    if interval.intraday:
        ts = pd.DatetimeIndex([row["t"] for row in rows]).as_unit("ns").asi8
    columns = {
        name: np.array([row[theirs] for row in rows], dtype=np.float64)
        for name, theirs in NAMES.items()
    }
    adjustments = _on_days(days, ratios)
    return Delivery(ts, columns, factor=adjustments[:, 0], split=adjustments[:, 1])


def _regular(rows: list[Row]) -> list[Row]:
    """Leave out what was traded before the opening and after the close."""
    opening, closing = SESSION_MINUTES
    kept = []
    for row in rows:
        local = datetime.fromisoformat(row["t"]).astimezone(NEW_YORK)
        if opening <= local.hour * 60 + local.minute < closing:
            kept.append(row)
    return kept


def _on_days(days: list[int], ratios: Mapping[int, Ratios]) -> NDArray[np.float64]:
    """Return the adjustment on each day: the first session's on it or after it that has one."""
    if not ratios:
        return np.ones((len(days), 2))
    known = np.array(sorted(ratios))
    values = np.array([ratios[day] for day in known.tolist()], dtype=np.float64)
    at = np.minimum(np.searchsorted(known, np.array(days, dtype=np.int64)), len(known) - 1)
    return values[at]
