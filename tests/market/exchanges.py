"""What Binance, Alpaca and Nasdaq Data Link answer, in the shapes their documentation gives."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.market.loopback import Query, Reply, Source

MS = {"1m": 60_000, "1h": 3_600_000, "1d": 86_400_000}
NEW_YORK = ZoneInfo("America/New_York")


def binance_symbol(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "orderTypes": ["LIMIT", "MARKET"],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000",
                "tickSize": "0.01",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001",
                "maxQty": "9000",
                "stepSize": "0.00001",
            },
        ],
    }


@dataclass
class Binance(Source):
    """`GET /api/v3/exchangeInfo` and `/klines`: rows of (open ms, o, h, l, c, volume)."""

    candles: dict[tuple[str, str], list[tuple[Any, ...]]] = field(default_factory=dict)
    page: int = 1000

    def is_bars(self, path: str) -> bool:
        return path.endswith("/klines")

    def refusal(self, status: int) -> Any:
        if status == 429:
            return {"code": -1003, "msg": "Too many requests."}
        return {"code": -1000, "msg": "An unknown error occurred."}

    def answer(self, path: str, query: Query) -> Reply:
        if path.endswith("/exchangeInfo"):
            pairs = [("BTC", "USDT"), ("ETH", "USDT")]
            return 200, {
                "timezone": "UTC",
                "serverTime": 0,
                "symbols": [binance_symbol(*pair) for pair in pairs],
            }
        if not self.is_bars(path):
            return 404, {"code": -1, "msg": "no such path"}
        interval = query["interval"]
        rows = self.candles.get((query["symbol"], interval), [])
        since = int(query.get("startTime", 0))
        found = [row for row in rows if row[0] >= since][: min(int(query["limit"]), self.page)]
        step = MS[interval]
        return 200, [
            [row[0], *(str(value) for value in row[1:6]), row[0] + step - 1, "0", 1, "0", "0", "0"]
            for row in found
        ]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Alpaca(Source):
    """`GET /v2/stocks/bars` with page tokens, and `/v2/assets/SYMBOL`.

    `days` are (date, close); a bar's other prices follow from it. `split_factor` and `all_factor`
    tell what the adjusted closes are, by date.
    """

    days: list[tuple[date, float]] = field(default_factory=list)
    minutes: list[tuple[datetime, float]] = field(default_factory=list)
    factors: dict[date, tuple[float, float]] = field(default_factory=dict)
    page: int = 4
    known: tuple[str, ...] = ("AAPL",)

    def is_bars(self, path: str) -> bool:
        return path == "/v2/stocks/bars"

    def answer(self, path: str, query: Query) -> Reply:
        if path.startswith("/v2/assets/"):
            symbol = path.rsplit("/", 1)[1]
            if symbol in self.known:
                return 200, {"symbol": symbol, "name": "Apple", "exchange": "NASDAQ"}
            return 404, {"code": 40410000, "message": f"asset not found for {symbol}"}
        symbol = query["symbols"]
        rows = self.rows(query) if symbol in self.known else []
        at = int(base64.b64decode(query.get("page_token", "") or b"MA=="))
        page = rows[at : at + min(self.page, int(query["limit"]))]
        more = at + len(page) < len(rows)
        token = base64.b64encode(str(at + len(page)).encode()).decode() if more else None
        return 200, {"bars": {symbol: page} if page else None, "next_page_token": token}

    def rows(self, query: Query) -> list[dict[str, Any]]:
        if query["timeframe"] == "1Day":
            given = [
                (datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC), close)
                for day, close in self.days
            ]
        else:
            given = self.minutes
        start = datetime.fromisoformat(query["start"])
        end = datetime.fromisoformat(query["end"])
        return [
            self.row(when, close, query["adjustment"])
            for when, close in given
            if start <= when <= end
        ]

    def row(self, when: datetime, close: float, adjustment: str) -> dict[str, Any]:
        split, both = self.factors.get(when.astimezone(NEW_YORK).date(), (1.0, 1.0))
        scale = {"raw": 1.0, "split": split, "all": both}[adjustment]
        close *= scale
        return {
            "t": when.isoformat().replace("+00:00", "Z"),
            "o": close,
            "h": close + 1,
            "l": close - 1,
            "c": close,
            "v": 1000,
            "n": 10,
            "vw": close,
        }


@dataclass
class DataLink(Source):
    """`GET /api/v3/datatables/VENDOR/TABLE.json` with cursors; newest rows first."""

    rows: list[list[Any]] = field(default_factory=list)
    columns: tuple[str, ...] = (
        "ticker",
        "date",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "adj_close",
    )
    table: str = "WIKI/PRICES"
    key: str = "key-of-ann"
    page: int = 3

    def is_bars(self, path: str) -> bool:
        return path.startswith("/api/v3/datatables/")

    def refusal(self, status: int) -> Any:
        codes = {429: "QELx04", 401: "QEAx01", 500: "QEMx01"}
        return {"quandl_error": {"code": codes[status], "message": "no"}}

    def answer(self, path: str, query: Query) -> Reply:
        if self.headers[-1].get("X-Api-Token") != self.key:
            return 400, {"quandl_error": {"code": "QEAx01", "message": "Unknown API key."}}
        if path != f"/api/v3/datatables/{self.table}.json":
            message = "You have submitted an incorrect Nasdaq Data Link code."
            return 404, {"quandl_error": {"code": "QECx02", "message": message}}
        first, last = query.get("date.gte", ""), query.get("date.lte", "9")
        found = [row for row in self.rows if row[0] == query["ticker"] and first <= row[1] <= last]
        at = int(query.get("qopts.cursor_id", "c0")[1:])
        page = found[at : at + self.page]
        cursor = f"c{at + len(page)}" if at + len(page) < len(found) else None
        return 200, {
            "datatable": {
                "data": page,
                "columns": [{"name": name, "type": "text"} for name in self.columns],
            },
            "meta": {"next_cursor_id": cursor},
        }


def weekdays(first: date, count: int) -> list[date]:
    days: list[date] = []
    while len(days) < count:
        if first.weekday() < 5:
            days.append(first)
        first += timedelta(days=1)
    return days
