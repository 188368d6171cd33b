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
                "held": "",
                "attempts": 1,
                "due_at": "2026-01-15T14:30:01Z",
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
CHANNEL_VALUE = {
    "id": CHANNEL_ID,
    "kind": "sendgrid_email",
    "name": "Desk",
    "address": "trader@example.com",
    "enabled": True,
    "disabled_reason": "",
    "verified": True,
    "quiet_from": "22:00:00",
    "quiet_until": "07:00:00",
    "digest_minutes": 0,
    "rate_per_min": 60,
    "created_at": "2026-01-15T14:00:00Z",
}
SECRET_VALUE = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - an example
CHANNEL = OpenApiExample("Email", CHANNEL_VALUE, response_only=True)
CHANNEL_CREATED = OpenApiExample(
    "Webhook",
    CHANNEL_VALUE
    | {"kind": "webhook", "address": "https://hooks.acme.dev/alerts", "secret": SECRET_VALUE},
    response_only=True,
)
NEW_CHANNEL = OpenApiExample(
    "Email",
    {
        "kind": "email",
        "address": "trader@example.com",
        "name": "Desk",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
    },
    request_only=True,
)
NEW_WEBHOOK = OpenApiExample(
    "Webhook",
    {"kind": "webhook", "address": "https://hooks.acme.dev/alerts", "rate_per_min": 300},
    request_only=True,
)
CHANNEL_CHANGE = OpenApiExample(
    "One mail an hour", {"enabled": True, "digest_minutes": 60}, request_only=True
)
CODE_SENT = OpenApiExample(
    "A code is on its way",
    CHANNEL_VALUE | {"verified": False},
    response_only=True,
    status_codes=["202"],
)
CODE = OpenApiExample("Code", {"code": "482913"}, request_only=True)
SECRET = OpenApiExample("Secret", {"secret": SECRET_VALUE}, response_only=True)
READ = OpenApiExample("All until then", {"until": "2026-01-15T15:00:00Z"}, request_only=True)
WERE_READ = OpenApiExample("Three", {"read": 3}, response_only=True)
UNREAD = OpenApiExample("Three", {"unread": 3}, response_only=True)
EVENT_KINDS = OpenApiExample(
    "Fills",
    {
        "event": "order.filled",
        "title": "An order was filled",
        "market": False,
        "filters": [
            {"name": "ticker", "type": "text", "operators": ["eq", "ne", "in"]},
            {
                "name": "quantity",
                "type": "number",
                "operators": ["eq", "ne", "in", "gt", "gte", "lt", "lte"],
            },
        ],
    },
    response_only=True,
)
RULE = OpenApiExample(
    "Backtests of GOOG, by mail",
    {
        "id": "01981f51-22bb-7c33-9d44-ae55bf66c077",
        "name": "GOOG",
        "event": "run.completed",
        "filters": {"ticker": "GOOG"},
        "channels": [CHANNEL_ID],
        "enabled": True,
        "disabled_reason": "",
        "urgent": False,
        "cooldown_s": 3600,
        "last_fired_at": "2026-01-15T14:30:01Z",
        "symbol": "",
        "interval": "",
        "condition": {},
        "created_at": "2026-01-15T14:05:00Z",
    },
    response_only=True,
)
NEW_RULE = OpenApiExample(
    "Backtests of GOOG, by mail",
    {"event": "run.completed", "filters": {"ticker": "GOOG"}, "channels": ["email"]},
    request_only=True,
)
NEW_LEVEL = OpenApiExample(
    "GOOG above 800",
    {
        "event": "price.level",
        "symbol": "GOOG",
        "interval": "1d",
        "condition": {"operator": "gt", "level": 800},
        "channels": ["email", "sms"],
        "urgent": True,
    },
    request_only=True,
)
NEW_NODE = OpenApiExample(
    "A node of a strategy",
    {
        "event": "condition.met",
        "symbol": "GOOG",
        "interval": "1d",
        "condition": {
            "strategy_id": "01981f4e-7b11-7a20-9c44-1e2d3c4b5a69",
            "node": "up",
            "parameters": {"fast": 10},
        },
        "channels": ["webhook"],
    },
    request_only=True,
)
