"""Crypto exchanges through the library ccxt: `ccxt` is Binance, `ccxt:kraken` any other it knows.

A day is a UTC day, as on the exchanges. Prices are as traded; there is nothing to adjust.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, ClassVar, Final

import ccxt  # type: ignore[import-untyped]  # it has no types
import numpy as np
import requests
from django.conf import settings

from core.errors import ApplicationError, InvalidInput, Permanent
from market.choices import AssetClass
from market.intervals import Interval
from market.providers import http
from market.providers.assembling import Delivery, delivery_assemble, pages_join
from market.providers.base import (
    NOBODY,
    USUAL,
    BarRequest,
    Download,
    LastTrade,
    Listing,
    interval_check,
)
from market.providers.range import nothing_in_range
from market.providers.rate import place_wait

# Our names and the library's.
TIMEFRAMES: Final = MappingProxyType(
    {name: name for name in ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w")}
    | {"1mo": "1M"}
)
# Of one exchange: it loads three kinds of markets unless told otherwise.
OPTIONS: Final = MappingProxyType({"binance": {"fetchMarkets": {"types": ["spot"]}}})
PAGE_ROWS: Final = 1000
# No exchange is older.
FIRST_DAY: Final = date(2010, 1, 1)
DAY_MS: Final = 86_400_000
MARKETS_KEPT_S: Final = 6 * 3600.0
NAMES: Final = ("open", "high", "low", "close", "volume")


class CcxtProvider:
    """Bars of coins, 1,000 a request, from the first that the exchange has."""

    name: ClassVar[str] = "ccxt"
    title: ClassVar[str] = "Crypto exchanges (ccxt)"

    def __init__(self, exchange: str = "binance") -> None:
        if exchange not in ccxt.exchanges:
            raise InvalidInput(
                f"{exchange!r} is not an exchange that ccxt knows: it knows "
                f"{', '.join(ccxt.exchanges)}.",
                code="unknown_provider",
            )
        self._exchange_id = exchange
        self.source = str(self._make().name)
        offered = self._make().timeframes or {}
        self.intervals = frozenset(name for name, theirs in TIMEFRAMES.items() if theirs in offered)
        self._markets: tuple[float, dict[str, Any]] | None = None

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request."""
        return pages_join(self.pages(request), request)

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars of a request, 1,000 at a time."""
        interval_check(self, request.interval)
        exchange = self._make()
        with failures_told(self.source, request.symbol):
            market = self._market(exchange, request.symbol)
            listing = _listing(request.symbol, market, self.source)
            since = self._first_ms(exchange, request)
        step = request.interval.seconds * 1000
        last_ms = _end_ms(request)
        found = False
        while since <= last_ms:
            with failures_told(self.source, request.symbol):
                rows = self._candles(exchange, request.symbol, request.interval, since)
            rows = [row for row in rows if since <= row[0] <= last_ms]
            if not rows:
                # An outage of the exchange, or the end.
                since += step * PAGE_ROWS
                continue
            newest = int(rows[-1][0])
            # Where the next candle would open after the end there is nothing to ask for.
            since = newest + 1 if newest + step <= last_ms else last_ms + 1
            page = delivery_assemble(
                _delivery(rows), source=self.source, request=request, listing=listing
            )
            if page is not None:
                found = True
                yield page
        if not found:
            raise nothing_in_range(request)

    def markets(self) -> dict[str, Any]:
        """Return the exchange's markets, as the library describes them."""
        with failures_told(self.source, ""):
            return self._all_markets(self._make())

    def quotes(
        self,
        symbols: Sequence[str],
        *,
        credentials: Mapping[str, str] = NOBODY,  # noqa: ARG002 - prices are public
    ) -> dict[str, LastTrade]:
        """Return the latest prices, with one request."""
        exchange = self._make()
        with failures_told(self.source, symbols[0]):
            place_wait(self.name)
            known = [symbol for symbol in symbols if symbol in self._all_markets(exchange)]
            tickers = exchange.fetch_tickers(known) if known else {}
            return {
                symbol: LastTrade(
                    repr(float(ticker["last"])),
                    datetime.fromtimestamp(int(ticker["timestamp"]) / 1000, tz=UTC),
                )
                for symbol, ticker in tickers.items()
                if ticker.get("last") and ticker.get("timestamp")
            }

    def _make(self) -> Any:
        options = {
            "timeout": settings.PROVIDER_TIMEOUT_S * 1000,
            "options": OPTIONS.get(self._exchange_id, {}),
            # Ours counts for all workers together.
            "enableRateLimit": False,
        }
        exchange = getattr(ccxt, self._exchange_id)(options)
        exchange.session = JsonSession(settings.CCXT_URL)
        exchange.parse_ohlcv = _timed_only(exchange.parse_ohlcv)
        return exchange

    def _market(self, exchange: Any, symbol: str) -> dict[str, Any]:
        self._all_markets(exchange)
        market: dict[str, Any] = exchange.market(symbol)
        return market

    def _all_markets(self, exchange: Any) -> dict[str, Any]:
        """Tell an exchange its markets, and return them: asked for every few hours only."""
        kept = self._markets
        if kept is None or time.monotonic() - kept[0] >= MARKETS_KEPT_S:
            place_wait(self.name)
            self._markets = kept = (time.monotonic(), exchange.load_markets())
        else:
            exchange.set_markets(kept[1])
        return kept[1]

    def _candles(
        self, exchange: Any, symbol: str, interval: Interval, since: int
    ) -> list[list[Any]]:
        place_wait(self.name)
        return list(exchange.fetch_ohlcv(symbol, TIMEFRAMES[interval], since, PAGE_ROWS))

    def _first_ms(self, exchange: Any, request: BarRequest) -> int:
        """Return where to begin; without a start, at the day of the symbol's first trade."""
        if request.start is not None:
            return _day_ms(max(request.start, FIRST_DAY))
        since, now = _day_ms(FIRST_DAY), int(request.now.timestamp() * 1000)
        while since <= now:
            place_wait(self.name)
            rows = exchange.fetch_ohlcv(request.symbol, "1d", since, PAGE_ROWS)
            if rows:
                # A week or month begins before the first day of trading in it.
                return max(int(rows[0][0]) - 31 * DAY_MS, _day_ms(FIRST_DAY))
            since += DAY_MS * PAGE_ROWS
        return since


class JsonSession(http.TimedSession):
    """Refuses what is not JSON: the library would take it for an answer without candles."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        reply = super().request(method, url, *args, **kwargs)
        if reply.ok:
            reply.json()
        return reply


def _timed_only(parse: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Refuse candles without a time, which the library leaves out without a word."""

    def parse_checked(*args: Any, **kwargs: Any) -> list[Any]:
        candle = parse(*args, **kwargs)
        if candle[0] is None:
            raise ccxt.BadResponse("a candle without a time")
        return candle

    return parse_checked


def _day_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _end_ms(request: BarRequest) -> int:
    now = int(request.now.timestamp() * 1000)
    if request.end is None:
        return now
    return min(now, _day_ms(min(request.end, date(2200, 1, 1)) + timedelta(days=1)) - 1)


def _delivery(rows: list[list[Any]]) -> Delivery:
    ts = np.array([int(row[0]) for row in rows], dtype=np.int64) * 1_000_000
    table = np.array([row[1:6] for row in rows], dtype=np.float64)
    return Delivery(ts, {name: table[:, at].copy() for at, name in enumerate(NAMES)})


def _listing(symbol: str, market: dict[str, Any], source: str) -> Listing:
    precision = market.get("precision") or {}
    usual = USUAL[AssetClass.CRYPTO]
    return replace(
        usual,
        symbol=symbol,
        name=f"{market.get('base')} / {market.get('quote')}"[:200],
        exchange=source[:30],
        currency=str(market.get("quote") or usual.currency)[:10],
        tick_size=_size(precision.get("price")) or usual.tick_size,
        lot_size=_size(precision.get("amount")) or usual.lot_size,
    )


def _size(value: Any) -> Decimal | None:
    try:
        size = Decimal(str(value))
    except InvalidOperation:
        return None
    # Ten decimal places are what an instrument keeps.
    return size if size.is_finite() and size >= Decimal("1e-10") else None


@contextmanager
def failures_told(source: str, symbol: str) -> Iterator[None]:
    """Turn what the library raises into errors of ours."""
    try:
        with http.failures_told(source):
            yield
    except ApplicationError:
        raise
    except ccxt.BadSymbol as error:
        raise Permanent(
            f"{source} does not know {symbol}: write it as BASE/QUOTE, such as BTC/USDT.",
            code="unknown_symbol",
        ) from error
    except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
        raise http.rate_limited(source) from error
    except ccxt.RequestTimeout as error:
        raise http.timed_out(source) from error
    except ccxt.ExchangeNotAvailable as error:
        raise http.status_error(source, 503) from error
    except ccxt.NetworkError as error:
        broken_off = "Connection broken" in str(error.__cause__)
        raise http.bad_reply(source) if broken_off else http.unreachable(source) from error
    except ccxt.AuthenticationError as error:
        raise http.status_error(source, 403) from error
    except ccxt.BadResponse as error:
        raise http.bad_reply(source) from error
    except ccxt.OperationFailed as error:
        raise http.status_error(source, 503) from error
    except ccxt.BaseError as error:
        raise http.bad_reply(source) from error
