"""What the OpenAPI document shows of reports, universes, watches and providers."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

from market.api.examples import SNAPSHOT, response

QUALITY: Final = response(
    "A missing session and a row that cannot be a bar",
    {
        "symbol": "GOOG",
        "reports": [
            {
                "series_id": "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11",
                "interval": "1d",
                "provider": "yfinance",
                "snapshot": SNAPSHOT,
                "severity": "warning",
                "rows": 2147,
                "counts": {"gap": 1, "quarantined": 1},
                "findings": [
                    {
                        "code": "gap",
                        "severity": "warning",
                        "start": "2012-02-29",
                        "end": "2012-02-29",
                        "bars": 1,
                        "message": "1 1 day bars are missing: 2012-02-29, when the exchange was "
                        "open.",
                    }
                ],
                "quarantined": 1,
                "quarantine": [
                    {
                        "ts": 1330473600000,
                        "open": 610.0,
                        "high": 1.0,
                        "low": 605.0,
                        "close": 612.0,
                        "volume": 100.0,
                        "code": "high_too_low",
                        "message": "The high is below another price.",
                    }
                ],
            }
        ],
    },
    "200",
)
UNIVERSE_BODY: Final[dict[str, Any]] = {
    "name": "favourites",
    "description": "What I look at every day",
    "symbols": ["AAPL", "GOOG", "MSFT"],
    "private": True,
    "updated_at": "2026-01-31T14:30:00Z",
}
UNIVERSES: Final = response("A universe", UNIVERSE_BODY, "200")
UNIVERSE: Final = response("A universe", UNIVERSE_BODY, "200")
UNIVERSE_CREATED: Final = response("Created", UNIVERSE_BODY, "201")
UNIVERSE_REQUEST: Final = OpenApiExample(
    "Three shares",
    value={
        "name": "favourites",
        "symbols": ["AAPL", "GOOG", "MSFT"],
        "description": "What I look at every day",
    },
    request_only=True,
)
UNIVERSE_CHANGE: Final = OpenApiExample(
    "Other symbols", value={"symbols": ["AAPL", "GOOG"]}, request_only=True
)
WATCH_BODY: Final[dict[str, Any]] = {
    "id": "01981f4e-7b10-7a52-8d63-5a0e9cf1d744",
    "symbol": "BTC/USDT",
    "provider": "ccxt",
    "interval": "1h",
    "start": "2024-01-01",
    "every_s": None,
    "active": True,
    "next_at": "2026-01-31T16:00:02Z",
    "last_status": "completed",
    "last_error": None,
    "created_at": "2026-01-31T14:30:00Z",
}
WATCHES: Final = response("A watch", WATCH_BODY, "200")
WATCH: Final = response("A watch", WATCH_BODY, "200")
WATCH_CREATED: Final = response(
    "Created", {**WATCH_BODY, "last_status": None, "next_at": "2026-01-31T14:30:00Z"}, "201"
)
WATCH_REQUEST: Final = OpenApiExample(
    "Hours of bitcoin",
    value={
        "symbol": "BTC/USDT",
        "provider": "ccxt",
        "interval": "1h",
        "start": "2024-01-01",
    },
    request_only=True,
)
WATCH_CHANGE: Final = OpenApiExample("Pause", value={"active": False}, request_only=True)
PROVIDERS: Final = response(
    "A provider that wants credentials",
    {
        "providers": [
            {
                "name": "alpaca",
                "title": "Alpaca",
                "intervals": ["1m", "2m", "3m", "5m", "15m", "30m", "1d", "1w", "1mo"],
                "credential_fields": ["key_id", "secret"],
                "credentials_stored_at": None,
            }
        ]
    },
    "200",
)
CREDENTIALS: Final = OpenApiExample(
    "Alpaca",
    value={"values": {"key_id": "PK0123456789", "secret": "your secret"}},
    request_only=True,
)
