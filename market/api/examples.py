"""What the OpenAPI document shows."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

SNAPSHOT: Final = "7d0b8e0c5fd9c9f6a6c1f0f94d2f8f0b2c2f4d7b1d7f1b53a2f5b9d7c0a1e2f3"
INSTRUMENT_BODY: Final[dict[str, Any]] = {
    "symbol": "GOOG",
    "name": "Google Inc. Class A",
    "asset_class": "equity",
    "exchange": "NASDAQ",
    "calendar": "XNYS",
    "timezone": "America/New_York",
    "currency": "USD",
    "tick_size": "0.0100000000",
    "lot_size": "1.0000000000",
    "multiplier": "1.0000000000",
    "contract_size": "100.0000000000",
    "periods_per_year": 252.0,
    "private": False,
}
SERIES_BODY: Final[dict[str, Any]] = {
    "id": "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11",
    "symbol": "GOOG",
    "interval": "1d",
    "provider": "sample",
    "rows": 2148,
    "first_ts": "2004-08-19T00:00:00Z",
    "last_ts": "2013-03-01T00:00:00Z",
    "adjusted": True,
    "private": False,
    "snapshot": SNAPSHOT,
    "updated_at": "2026-01-31T14:30:00Z",
}
MARKET_BODY: Final[dict[str, Any]] = {
    **INSTRUMENT_BODY,
    "latest": {"price": "806.19", "ts": "2013-03-01T00:00:00Z", "interval": "1d"},
    "series": [SERIES_BODY],
}
FETCH_BODY: Final[dict[str, Any]] = {
    "id": "01981f4e-7b10-7a52-8d63-5a0e9cf1d733",
    "status": "queued",
    "progress": 0.0,
    "stage": "",
    "eta_s": None,
    "provider": "yfinance",
    "symbol": "AAPL",
    "interval": "1d",
    "start": "2020-01-01",
    "end": "2024-12-31",
    "rows": 0,
    "series": None,
    "error": None,
    "created_at": "2026-01-31T14:30:00Z",
    "started_at": None,
    "finished_at": None,
}


def response(name: str, value: Any, *codes: str) -> OpenApiExample:
    """Return an example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=list(codes))


INSTRUMENTS: Final = response("Instruments", INSTRUMENT_BODY, "200")
MARKET: Final = response("An instrument with its bars", MARKET_BODY, "200")
MARKET_DETAIL: Final = response(
    "An instrument with its bars and a quote",
    {
        **MARKET_BODY,
        "quote": {
            "symbol": "GOOG",
            "price": "806.85",
            "traded_at": "2026-01-30T20:59:59Z",
            "asked_at": "2026-01-30T21:00:04Z",
            "age_s": 3.2,
            "stale": False,
            "provider": "yfinance",
        },
    },
    "200",
)
BARS: Final = response(
    "Two days",
    {
        "symbol": "GOOG",
        "interval": "1d",
        "provider": "sample",
        "adjusted": False,
        "adjustment": "raw",
        "snapshot": SNAPSHOT,
        "rows": 2,
        "ts": [1092873600000, 1092960000000],
        "open": [100.0, 101.01],
        "high": [104.06, 109.08],
        "low": [95.96, 100.5],
        "close": [100.335, 108.31],
        "volume": [44659000.0, 22834300.0],
        "actions": [{"ts": 1092960000000, "split": 1.0, "dividend": 0.25}],
    },
    "200",
)
FETCH_REQUEST: Final = OpenApiExample(
    "Five years of Apple",
    value={
        "symbol": "AAPL",
        "provider": "yfinance",
        "interval": "1d",
        "start": "2020-01-01",
        "end": "2024-12-31",
    },
    request_only=True,
)
FETCH_QUEUED: Final = response("Queued", FETCH_BODY, "202")
FETCH_DONE: Final = response(
    "Done",
    {
        **FETCH_BODY,
        "status": "completed",
        "progress": 1.0,
        "rows": 1258,
        "series": {**SERIES_BODY, "symbol": "AAPL", "provider": "yfinance", "rows": 1258},
        "started_at": "2026-01-31T14:30:00Z",
        "finished_at": "2026-01-31T14:30:02Z",
    },
    "200",
)
FETCH_FAILED: Final = response(
    "Failed",
    {
        **FETCH_BODY,
        "status": "failed",
        "error": {
            "code": "provider_unreachable",
            "message": "Yahoo cannot be reached: this machine has no connection to the internet, "
            "or something in between blocks it. The sample data works without one.",
            "details": [],
        },
        "started_at": "2026-01-31T14:30:00Z",
        "finished_at": "2026-01-31T14:30:02Z",
    },
    "200",
)
FETCH_CANCELED: Final = response(
    "Canceled", {**FETCH_BODY, "status": "canceled", "finished_at": "2026-01-31T14:30:02Z"}, "200"
)
IMPORTED: Final = response("Imported", {**SERIES_BODY, "provider": "csv", "private": True}, "201")
IMPORT: Final = OpenApiExample(
    "Daily bars of an instrument of one's own",
    {"file": "bars.csv", "symbol": "MYFUND", "interval": "1d", "name": "My fund"},
    media_type="multipart/form-data",
    request_only=True,
)
IMPORT_BODY: Final[dict[str, Any]] = {
    "id": "01981f4e-7b10-7a52-8d63-5a0e9cf1d755",
    "status": "queued",
    "progress": 0.0,
    "stage": "",
    "eta_s": None,
    "filename": "minutes.csv.gz",
    "size": 31457280,
    "symbol": "MYFUND",
    "interval": "1m",
    "rows": 0,
    "series": None,
    "error": None,
    "created_at": "2026-01-31T14:30:00Z",
    "started_at": None,
    "finished_at": None,
}
IMPORT_QUEUED: Final = response("A large file", IMPORT_BODY, "202")
IMPORT_CANCELED: Final = response(
    "Canceled", {**IMPORT_BODY, "status": "canceled", "finished_at": "2026-01-31T14:30:02Z"}, "200"
)
IMPORT_DONE: Final = response(
    "Done",
    {
        **IMPORT_BODY,
        "status": "completed",
        "progress": 1.0,
        "rows": 1250000,
        "series": {**SERIES_BODY, "provider": "csv", "private": True, "rows": 1250000},
        "started_at": "2026-01-31T14:30:00Z",
        "finished_at": "2026-01-31T14:30:04Z",
    },
    "200",
)
PREVIEW_REQUEST: Final = OpenApiExample(
    "An export of a German bank",
    {"file": "kurse.csv", "times_in": "Europe/Berlin"},
    media_type="multipart/form-data",
    request_only=True,
)
PREVIEW: Final = response(
    "Semicolons, decimal commas, newest first",
    {
        "delimiter": ";",
        "decimal": ",",
        "header": True,
        "columns": {"ts": "Datum", "open": "Open", "high": "High", "low": "Low", "close": "Close"},
        "date_format": "%d.%m.%Y",
        "newest_first": True,
        "notes": ["The newest bar comes first in the file; the order was turned around."],
        "adjustable": False,
        "rows": 1,
        "interval": None,
        "first": [
            {
                "ts": "2024-01-31T00:00:00Z",
                "open": 10.0,
                "high": 12.0,
                "low": 9.0,
                "close": 11.0,
                "volume": 0.0,
            }
        ],
        "last": [],
    },
    "200",
)
