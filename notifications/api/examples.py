"""What the endpoints take and give, for the API's document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

CHANNEL_ID = "01981f50-11aa-7b22-8c33-9d44ae55bf66"

ALERT = OpenApiExample(
    "A completed backtest",
    {
        "id": "01981f4f-9a10-7d6e-8f3b-5d1c2b3a4f5e",
        "event": "run.completed",
        "subject": "GOOG 1d: +596.9 %",
        "text": "47 trades, Sharpe 1.13, max. drawdown -19.7 %.",
        "data": {"ticker": "GOOG", "status": "completed"},
        "read_at": None,
        "created_at": "2026-01-15T14:30:01Z",
        "deliveries": [
            {
                "kind": "sendgrid_email",
                "recipient": "trader@example.com",
                "status": "sent",
                "attempts": 1,
                "sent_at": "2026-01-15T14:30:02Z",
                "error": "",
            }
        ],
    },
    response_only=True,
)
ALERT_BY_HAND = OpenApiExample(
    "By hand",
    {"subject": "GOOG", "message": "Crossed 800.", "channels": ["email", "in_app"]},
    request_only=True,
)
CHANNEL = OpenApiExample(
    "Email",
    {
        "id": CHANNEL_ID,
        "kind": "sendgrid_email",
        "name": "Desk",
        "address": "trader@example.com",
        "enabled": True,
        "disabled_reason": "",
        "created_at": "2026-01-15T14:00:00Z",
    },
    response_only=True,
)
NEW_CHANNEL = OpenApiExample(
    "Email", {"kind": "email", "address": "trader@example.com", "name": "Desk"}, request_only=True
)
CHANNEL_CHANGE = OpenApiExample("Enable it again", {"enabled": True}, request_only=True)
RULE = OpenApiExample(
    "Backtests of GOOG, by mail",
    {
        "id": "01981f51-22bb-7c33-9d44-ae55bf66c077",
        "name": "GOOG",
        "event": "run.completed",
        "filters": {"ticker": "GOOG"},
        "channels": [CHANNEL_ID],
        "enabled": True,
        "created_at": "2026-01-15T14:05:00Z",
    },
    response_only=True,
)
NEW_RULE = OpenApiExample(
    "Backtests of GOOG, by mail",
    {"event": "run.completed", "filters": {"ticker": "GOOG"}, "channels": ["email"]},
    request_only=True,
)
