"""Yahoo Finance through the library yfinance: shares, indices, currencies and coins of the world.

Yahoo has taken every split up to now out of its prices and volumes. They are put back here, so that
bars are as traded and the next split changes none that are stored; splits after the range are asked
for with a second request. `factor` takes in the dividends, from Yahoo's adjusted closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit, urlunsplit

import curl_cffi.requests
import numpy as np
import pandas as pd
import yfinance
from django.conf import settings
from numpy.typing import NDArray
from yfinance.data import YfData
from yfinance.exceptions import (
    YFException,
    YFPricesMissingError,
    YFRateLimitError,
    YFTickerMissingError,
)

from core.errors import ApplicationError, Permanent, Transient
from market.intervals import Interval, interval_get
from market.providers.assembling import Delivery, delivery_assemble
from market.providers.base import NOBODY, BarRequest, Download, LastTrade, interval_check
from market.providers.range import nothing_in_range
from market.providers.rate import place_wait
from market.providers.yahoo_listing import listing_of

# Our names and Yahoo's.
INTERVALS: Final = MappingProxyType(
    {
        "1m": "1m",
        "2m": "2m",
        "5m": "5m",
        "15m": "15m",
        "30m": "30m",
        "1h": "1h",
        "1d": "1d",
        "1w": "1wk",
        "1mo": "1mo",
    }
)
PRICES: Final = ("Open", "High", "Low", "Close")
RATE_LIMIT_WAIT_S: Final = 60.0
AWAY_WAIT_S: Final = 10.0
BROKEN_OFF: Final = (
    ValueError,
    curl_cffi.requests.exceptions.IncompleteRead,
    curl_cffi.requests.exceptions.ChunkedEncodingError,
    curl_cffi.requests.exceptions.ContentDecodingError,
)

# Both must be said before the library's first use.
yfinance.set_tz_cache_location(settings.YFINANCE_CACHE_DIR)
yfinance.config.debug.hide_exceptions = False


class YFinanceProvider:
    """Bars from Yahoo; minutes reach back 7 (1m) or 60 days, hours two years, days for ever."""

    name: ClassVar[str] = "yfinance"
    title: ClassVar[str] = "Yahoo Finance"
    intervals: ClassVar[frozenset[str]] = frozenset(INTERVALS)

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request, from one chart reply."""
        interval_check(self, request.interval)
        place_wait(self.name)
        with _failures_told(request.symbol):
            frame, meta = _chart(request)
            listing = listing_of(request.symbol, meta)
            later = _split_after(request)
        if frame.empty:
            raise Permanent(
                f"Yahoo has no {request.interval} bars of {request.symbol} from "
                f"{request.start or 'the beginning'} to {request.end or 'now'}: choose other "
                "dates; minutes reach back 7 days (1m) or 60, hours two years.",
                code="no_bars_in_range",
            )
        download = delivery_assemble(
            _delivery(frame, request.interval, later),
            source="Yahoo",
            request=request,
            listing=listing,
        )
        if download is None:
            raise nothing_in_range(request)
        return download

    def quotes(
        self,
        symbols: Sequence[str],
        *,
        credentials: Mapping[str, str] = NOBODY,  # noqa: ARG002 - prices are public
    ) -> dict[str, LastTrade]:
        """Return the latest prices, with one request each; a symbol without one is left out."""
        found = {}
        for symbol in symbols:
            place_wait(self.name)
            with _failures_told(symbol):
                meta = _meta(symbol)
                price, time = meta.get("regularMarketPrice"), meta.get("regularMarketTime")
                if price and time:
                    # The library turns some of Yahoo's seconds into times of the exchange.
                    moment = (
                        time.tz_convert("UTC").to_pydatetime()
                        if isinstance(time, pd.Timestamp)
                        else datetime.fromtimestamp(int(time), tz=UTC)
                    )
                    found[symbol] = LastTrade(repr(float(price)), moment)
        return found


def _meta(symbol: str) -> Mapping[str, Any]:
    YfData.cache_get.cache_clear()
    with Session(settings.YFINANCE_URL, timeout_s=settings.YFINANCE_TIMEOUT_S) as session:
        ticker = yfinance.Ticker(symbol, session=session)
        ticker.history(period="1d", timeout=settings.YFINANCE_TIMEOUT_S)
        meta: Mapping[str, Any] = ticker.get_history_metadata()
        return meta


def _split_after(request: BarRequest) -> float:
    """Return what splits since the end of a request make of one unit."""
    today = request.now.astimezone(UTC).date()
    if request.end is None or request.end >= today:
        return 1.0
    since = replace(
        request, interval=interval_get("1d"), start=request.end + timedelta(days=1), end=None
    )
    place_wait(YFinanceProvider.name)
    try:
        frame, _ = _chart(since)
    except YFPricesMissingError:
        # Delisted since: then nothing was split either.
        return 1.0
    return float(np.prod(_splits(frame))) if "Stock Splits" in frame else 1.0


def _splits(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return units after for one before at each row; Yahoo writes 0 where nothing was split."""
    splits = frame["Stock Splits"].to_numpy(dtype=np.float64)
    return np.where(splits > 0, splits, 1.0)


def _chart(request: BarRequest) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    # The library remembers replies, broken ones too, for as long as the process lives.
    YfData.cache_get.cache_clear()
    with Session(settings.YFINANCE_URL, timeout_s=settings.YFINANCE_TIMEOUT_S) as session:
        ticker = yfinance.Ticker(request.symbol, session=session)
        frame = ticker.history(
            interval=INTERVALS[request.interval],
            start=request.start,
            # Ours is included, Yahoo's is not; without one "max" ends now.
            end=None if request.end is None else request.end + timedelta(days=1),
            period="max" if request.start is None else None,
            auto_adjust=False,
            actions=True,
            timeout=settings.YFINANCE_TIMEOUT_S,
        )
        # Lazy: whoever asks it for all its keys makes it ask Yahoo for one more.
        return frame, ticker.get_history_metadata()


class Session(curl_cffi.requests.Session[curl_cffi.requests.Response]):
    """What the library uses itself (a browser's fingerprint), with a time limit on every request.

    Parameters
    ----------
    base_url : str
        Where to send all requests instead of Yahoo's hosts; empty for Yahoo.
    timeout_s : float
        The library's own limit on its cookie requests is 30 s each.
    """

    def __init__(self, base_url: str, *, timeout_s: float) -> None:
        super().__init__(impersonate="chrome")
        self._base = urlsplit(base_url) if base_url else None
        self._timeout_s = timeout_s

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request, to the other host where one is set."""
        kwargs["timeout"] = self._timeout_s
        if self._base is not None:
            parts = urlsplit(url)
            path = self._base.path + parts.path
            url = urlunsplit(
                parts._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=path)
            )
        return super().request(method, url, *args, **kwargs)


@contextmanager
def _failures_told(symbol: str) -> Iterator[None]:
    """Say in one sentence why a download failed."""
    try:
        yield
    except ApplicationError:
        raise
    except YFRateLimitError as error:
        raise Transient(
            "Yahoo limits how often it may be asked, and it was asked too often: try again in a "
            "minute.",
            code="rate_limited",
            retry_after_s=RATE_LIMIT_WAIT_S,
        ) from error
    except YFPricesMissingError as error:
        raise Permanent(
            f"Yahoo gave no bars of {symbol}: {error.rationale}.", code="no_bars"
        ) from error
    except YFTickerMissingError as error:
        raise Permanent(
            f"Yahoo does not know {symbol}, or it was delisted: see finance.yahoo.com for how it "
            "writes it (EURUSD=X, BTC-USD, RELIANCE.NS).",
            code="unknown_symbol",
        ) from error
    except curl_cffi.requests.exceptions.Timeout as error:
        raise Transient(
            f"Yahoo did not answer within {settings.YFINANCE_TIMEOUT_S} s: try again later.",
            code="provider_timeout",
            retry_after_s=AWAY_WAIT_S,
        ) from error
    except curl_cffi.requests.exceptions.RequestException as error:
        raise _unreachable(error) from error
    except (YFException, LookupError, TypeError, AttributeError, ValueError) as error:
        # What the library lets through where a reply is not what the protocol promises.
        raise Transient(
            f"Yahoo's reply about {symbol} is broken or cut off ({type(error).__name__}): try "
            "again later.",
            code="bad_reply",
            retry_after_s=AWAY_WAIT_S,
        ) from error


def _unreachable(error: Exception) -> Transient:
    if isinstance(error, BROKEN_OFF):
        sentence, code = "Yahoo's reply is not JSON, or cut off: try again later.", "bad_reply"
    else:
        sentence = (
            "Yahoo cannot be reached: this machine has no connection to the internet, or something "
            "in between blocks it. The sample data works without one."
        )
        code = "provider_unreachable"
    return Transient(sentence, code=code, retry_after_s=AWAY_WAIT_S)


def _delivery(frame: pd.DataFrame, interval: Interval, later: float) -> Delivery:
    """Return rows as traded; `later` is what splits after them make of one unit."""
    units = np.append(np.cumprod(_splits(frame)[::-1])[::-1][1:], 1.0) * later
    # A row without any price is a minute or day without a trade: there is no such bar.
    traded = frame[list(PRICES)].notna().any(axis=1).to_numpy()
    frame, units = frame[traded], units[traded]
    columns = {name.lower(): frame[name].to_numpy(dtype=np.float64) * units for name in PRICES}
    columns["volume"] = frame["Volume"].to_numpy(dtype=np.float64) / units
    close = frame["Close"].to_numpy(dtype=np.float64)
    factor = (
        _factor_of_dividends(frame)
        if interval.intraday
        else frame["Adj Close"].to_numpy(dtype=np.float64) / close
    )
    return Delivery(_times(frame.index, interval), columns, factor=factor / units, split=1 / units)


def _times(index: pd.Index[Any], interval: Interval) -> NDArray[np.int64]:
    times = pd.DatetimeIndex(index)
    # A day's bar is named by its session, at 00:00 of the exchange: keep the date.
    utc = times.tz_convert("UTC") if interval.intraday else times.tz_localize(None)
    return utc.tz_localize(None).as_unit("ns").asi8


def _factor_of_dividends(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the factor of bars that come without adjusted closes, from the dividends among them.

    All bars before an ex-dividend bar are scaled by 1 - dividend / close before it, as Yahoo does
    for days. Dividends after the last bar are not known.
    """
    close = frame["Close"].to_numpy(dtype=np.float64)
    dividends = frame["Dividends"].to_numpy(dtype=np.float64)
    scale = np.ones(len(frame) + 1)
    scale[1:-1] = 1.0 - dividends[1:] / close[:-1]
    return np.cumprod(scale[::-1], dtype=np.float64)[::-1][1:]
