"""What the endpoints take and give, for the API's document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

ACCOUNT_ID = "01981f52-33cc-7d44-8e55-bf66c077d188"
TRADE_ID = "01981f53-44dd-7e55-9f66-c077d188e299"

NEW_TRADE = OpenApiExample(
    "Ten shares on paper",
    {
        "symbol": "GOOG",
        "trade_type": "buy",
        "asset_type": "stock",
        "quantity": "10",
        "order_type": "market",
        "client_order_id": "my-order-1",
    },
    request_only=True,
)
NEW_OPTION_TRADE = OpenApiExample(
    "Selling a put, by its parts",
    {
        "symbol": "GOOG",
        "option": {"right": "put", "strike": "800", "expiry": "2027-01-15"},
        "trade_type": "short",
        "quantity": "1",
    },
    request_only=True,
)
NEW_CONTRACT_TRADE = OpenApiExample(
    "Two calls, by their symbol",
    {
        "symbol": "GOOG270115C00850000",
        "asset_type": "option",
        "trade_type": "buy",
        "quantity": "2",
        "order_type": "limit",
        "limit_price": "21.50",
    },
    request_only=True,
)
CONTRACT: dict[str, object] = {
    "underlying": "GOOG",
    "right": "put",
    "strike": "800",
    "expiry": "2027-01-15",
    "multiplier": "100",
    "synthetic_prices": True,
}
OPTION = OpenApiExample("A put on paper", CONTRACT, response_only=True)
TRADE = OpenApiExample(
    "A filled order",
    {
        "trade_id": TRADE_ID,
        "account_id": ACCOUNT_ID,
        "strategy_id": None,
        "deployment_id": None,
        "client_order_id": "my-order-1",
        "broker_order_id": "paper-01981f54-55ee-7f66-8a77-d188e299f3aa",
        "symbol": "GOOG",
        "asset_type": "stock",
        "option": None,
        "trade_type": "buy",
        "order_type": "market",
        "time_in_force": "day",
        "quantity": "10",
        "limit_price": None,
        "stop_price": None,
        "trail_amount": None,
        "trail_fraction": None,
        "status": "filled",
        "filled_quantity": "10",
        "executed_price": "806.19",
        "reason_code": "",
        "reason": "",
        "external": False,
        "replaces_id": None,
        "cancel_requested_at": None,
        "created_at": "2026-01-15T14:30:00.120Z",
        "submitted_at": "2026-01-15T14:30:00.140Z",
        "finished_at": "2026-01-15T14:30:00.155Z",
    },
    response_only=True,
)
ACCOUNT = OpenApiExample(
    "The paper account",
    {
        "id": ACCOUNT_ID,
        "kind": "paper",
        "name": "Paper",
        "currency": "USD",
        "initial_cash": "100000",
        "buying_power": None,
        "live": False,
        "state": "active",
        "state_reason": "",
        "has_credentials": False,
        "paper_terms": {},
        "reconciled_at": None,
        "mismatch": [],
        "created_at": "2026-01-15T14:30:00Z",
    },
    response_only=True,
)
POSITION = OpenApiExample(
    "Ten shares",
    {
        "symbol": "GOOG",
        "option": None,
        "quantity": "10",
        "average_price": "806.19",
        "latest": {"price": "811.4", "ts": "2026-01-15T14:25:00Z", "interval": "5m"},
        "market_value": "8114",
        "unrealized_pnl": "52.1",
        "realized_pnl": "0",
        "updated_at": "2026-01-15T14:30:00.155Z",
    },
    response_only=True,
)
SHORT_PUT = OpenApiExample(
    "One put, sold",
    {
        "symbol": "GOOG270115P00800000",
        "option": CONTRACT,
        "quantity": "-1",
        "average_price": "18.4",
        "latest": {"price": "17.9", "ts": "2026-01-15T14:25:00Z", "interval": "5m"},
        "market_value": "-1790",
        "unrealized_pnl": "50",
        "realized_pnl": "-0.65",
        "updated_at": "2026-01-15T14:30:00.155Z",
    },
    response_only=True,
)
FILL = OpenApiExample(
    "One execution",
    {
        "trade_id": TRADE_ID,
        "execution_id": "paper-01981f54-55ee-7f66-8a77-d188e299f3aa",
        "symbol": "GOOG",
        "option": None,
        "side": "buy",
        "quantity": "10",
        "price": "806.19",
        "commission": "0",
        "taken": "0",
        "charged_in": "",
        "executed_at": "2026-01-15T14:30:00.150Z",
    },
    response_only=True,
)
REPLACEMENT = OpenApiExample("A lower limit", {"limit_price": "790"}, request_only=True)
NEW_ACCOUNT = OpenApiExample(
    "Alpaca's practice environment",
    {
        "kind": "alpaca",
        "name": "Practice",
        "credentials": {"key_id": "PK0123456789", "secret": "..."},
    },
    request_only=True,
)
CREDENTIALS = OpenApiExample(
    "Other keys",
    {"credentials": {"key_id": "PK0123456789", "secret": "..."}},
    request_only=True,
)
LIVE = OpenApiExample("The password", {"password": "correct horse battery"}, request_only=True)
STATE = OpenApiExample("Only reduce", {"state": "reducing"}, request_only=True)
SYNC = OpenApiExample("Take the broker's positions over", {"adopt": True}, request_only=True)
CONNECTION = OpenApiExample(
    "It answers",
    {
        "connected": True,
        "message": "Alpaca answers.",
        "balance": {
            "currency": "USD", "equity": "100000", "cash": "100000", "buying_power": "400000",
        },
    },
    response_only=True,
)  # fmt: skip
KILL = OpenApiExample("Stop everything", {"reason": "the news"}, request_only=True)
KILLED = OpenApiExample(
    "Two orders canceled", {"accounts": 1, "canceled": 2, "pending": 0}, response_only=True
)
LIMITS: dict[str, object] = {
    "account_id": None,
    "deployment_id": None,
    "symbol": "GOOG",
    "max_order_value": "10000",
    "max_position_value": "50000",
    "max_gross_exposure": None,
    "max_net_exposure": None,
    "max_daily_loss": "1000",
    "max_drawdown": "0.2",
    "price_collar": "0.05",
    "max_orders_per_minute": 10,
    "max_quote_age_s": 120,
    "allowed_symbols": [],
    "short_allowed": False,
    "in_session_only": True,
}
NEW_LIMITS = OpenApiExample("Limits of a symbol", LIMITS, request_only=True)
LIMITS_SET = OpenApiExample(
    "Limits of a symbol",
    {"id": "01981f54-66ff-7a77-9b88-e299f3aa04bb", **LIMITS},
    response_only=True,
)
