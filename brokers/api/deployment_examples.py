"""Examples in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

ID = "01981f54-66ff-7a77-9b88-e299f3aa04bb"
NEW = OpenApiExample(
    "A moving average cross on paper",
    {
        "strategy_id": ID,
        "account_id": ID,
        "symbol": "GOOG",
        "interval": "1d",
        "capital": "10000",
        "parameters": {"fast": 10, "slow": 30},
        "config": {"commission": {"percent": 0.001}},
    },
    request_only=True,
)
RUNNING: dict[str, Any] = {
    "id": ID,
    "name": "SMA cross GOOG",
    "strategy_id": ID,
    "version": 1,
    "account_id": ID,
    "symbol": "GOOG",
    "interval": "1d",
    "capital": "10000",
    "parameters": {"fast": 10, "slow": 30},
    "config": {"commission": {"percent": 0.001}},
    "drift_threshold": "0.01",
    "status": "running",
    "reason": "",
    "last_bar_ts": "2026-11-20T00:00:00Z",
    "next_close_at": "2026-11-23T21:00:00Z",
    "started_at": "2026-11-19T12:00:00Z",
    "stopped_at": None,
    "created_at": "2026-11-19T12:00:00Z",
}
SHOWN = OpenApiExample("Running", RUNNING, response_only=True)
DETAILED = OpenApiExample(
    "Running, with nobody to bring its bars",
    {
        **RUNNING,
        "warnings": [
            {
                "path": "symbol",
                "code": "not_watched",
                "message": "You keep no 1d bars of GOOG up to date: it decides on a bar when that "
                "is stored, and waits until then. POST /api/v1/watches has them downloaded.",
                "expected": None,
                "received": "GOOG",
            }
        ],
    },
    response_only=True,
)
STOP = OpenApiExample("Close what is held", {"liquidate": True}, request_only=True)
TICK = OpenApiExample(
    "A purchase",
    {
        "bar_ts": "2026-11-20T00:00:00Z",
        "status": "decided",
        "closed_at": "2026-11-20T21:00:00Z",
        "decided_at": "2026-11-20T21:00:02Z",
        "position": 0.0,
        "equity": 10000.0,
        "pending": False,
        "decision": {
            "orders": [
                {
                    "node_id": "enter",
                    "role": "entry",
                    "side": "buy",
                    "order_type": "market",
                    "quantity": 12.0,
                    "limit": None,
                    "stop": None,
                    "trail": None,
                }
            ],
            "guards": [],
            "refused": [],
            "alerts": [],
        },
        "notes": [],
    },
    response_only=True,
)
OPTION_TICK = OpenApiExample(
    "A sold put",
    {
        "bar_ts": "2026-11-20T00:00:00Z",
        "status": "decided",
        "closed_at": "2026-11-20T21:00:00Z",
        "decided_at": "2026-11-20T21:00:02Z",
        "position": 0.0,
        "equity": 50000.0,
        "pending": True,
        "decision": {
            "orders": [],
            "guards": [],
            "refused": [],
            "alerts": [],
            "options": {
                "value": 0.0,
                "prices": "synthetic",
                "orders": [
                    {
                        "node_id": "sell_put",
                        "rule": 0,
                        "leg": 0,
                        "role": "open",
                        "side": "sell",
                        "order_type": "market",
                        "quantity": 1.0,
                        "symbol": "AAPL261218P00260000",
                        "right": "put",
                        "strike": 260.0,
                        "expiry": "2026-12-18",
                    }
                ],
                "held": [],
                "refused": [],
            },
        },
        "notes": [],
    },
    response_only=True,
)
DRIFT = OpenApiExample(
    "A session",
    {
        "session": "2026-11-20",
        "live_pnl": -12.4,
        "backtest_pnl": -10.1,
        "difference": -2.3,
        "signal": 0.0,
        "data": 0.0,
        "timing": -1.5,
        "slippage": -0.6,
        "fees": -0.2,
        "detail": {"fills_live": 1, "fills_backtest": 1},
    },
    response_only=True,
)
DRIFT_SERIES = OpenApiExample(
    "Two sessions",
    {
        "sessions": ["2026-11-19", "2026-11-20"],
        "live_pnl": [20.0, -12.4],
        "backtest_pnl": [20.0, -10.1],
        "difference": [0.0, -2.3],
        "live_pnl_total": [20.0, 7.6],
        "backtest_pnl_total": [20.0, 9.9],
        "difference_total": [0.0, -2.3],
        "parts": {
            "signal": [0.0, 0.0],
            "data": [0.0, 0.0],
            "timing": [0.0, -1.5],
            "slippage": [0.0, -0.6],
            "fees": [0.0, -0.2],
        },
        "fills": [
            {
                "session": "2026-11-20",
                "side": "buy",
                "bar_ts": "2026-11-20T15:00:00Z",
                "quantity": 12.0,
                "price": 101.05,
                "backtest_bar_ts": "2026-11-20T15:00:00Z",
                "backtest_quantity": 13.0,
                "backtest_price": 101.0,
                "signal": 0.0,
                "timing": -1.5,
                "slippage": -0.6,
                "fees": -0.2,
            }
        ],
    },
    response_only=True,
)
DRIFT_CHART = OpenApiExample(
    "A chart", {"content_type": "image/png", "image": "iVBORw0KGgo="}, response_only=True
)
