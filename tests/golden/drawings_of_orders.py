"""Strategies of pinned results whose orders wait, and the accounts they run in."""

from __future__ import annotations

from typing import Any

from tests.golden.drawings import WIRES, averages, drawn

COSTLY = {"commission": {"percent": 0.0015, "per_order": 1.0}, "slippage": {"bps": 5}}


def offset(value: float) -> dict[str, Any]:
    return {"type": "offset_percent", "value": value}


def percent(value: float) -> dict[str, Any]:
    return {"type": "percent", "value": value}


def crossing(
    enter: dict[str, Any], leave: dict[str, Any], *extra: Any, **settings: Any
) -> dict[str, Any]:
    """Return the cross of two averages that enters and leaves by these actions."""
    nodes, edges = [], []
    for part in extra:
        (nodes if isinstance(part[2], dict) else edges).append(part)
    acting = [("enter", "action", enter), ("leave", "action", leave)]
    return drawn(
        averages(*acting, *nodes),
        [*WIRES, ("up", "enter", "when"), ("down", "leave", "when"), *edges],
        **settings,
    )


LIMITS = crossing(
    {
        "operation": "buy", "order_type": "limit", "price": offset(-0.01), "time_in_force": 5,
        "stop_loss": percent(0.04), "take_profit": percent(0.07),
    },
    {"operation": "sell", "order_type": "limit", "price": offset(0.01), "time_in_force": "day"},
)  # fmt: skip
NEAR_LIMITS = crossing(
    {
        "operation": "buy", "order_type": "limit", "price": offset(-0.001), "time_in_force": "day",
        "stop_loss": percent(0.004), "take_profit": percent(0.007),
    },
    {"operation": "sell", "order_type": "limit", "price": offset(0.001), "time_in_force": 12},
)  # fmt: skip
STOPS = crossing(
    {"operation": "buy", "order_type": "stop", "price": offset(0.005), "time_in_force": "day"},
    {"operation": "sell", "order_type": "stop", "price": offset(-0.01)},
    take_profit=percent(0.1),
)
STOP_LIMITS = crossing(
    {
        "operation": "buy", "order_type": "stop_limit", "price": offset(0.005),
        "limit_price": offset(0.01), "time_in_force": 8,
    },
    {
        "operation": "sell", "order_type": "stop_limit", "price": offset(-0.005),
        "limit_price": offset(-0.02),
    },
)  # fmt: skip
TRAILING = crossing(
    {
        "operation": "buy", "order_type": "trailing_stop", "price": offset(0.02),
        "trailing": percent(0.08), "time_stop": 60,
    },
    {"operation": "sell", "order_type": "trailing_stop", "price": offset(0.03)},
)  # fmt: skip
CHANNEL = crossing(
    {"operation": "buy", "order_type": "stop", "price": {"type": "price"}, "time_in_force": 10},
    {"operation": "sell"},
    ("channel", "indicator", {"name": "donchian", "period": 20}),
    ("channel.upper", "enter", "price"),
    trailing=percent(0.12),
)
SHORTS = crossing(
    {"operation": "cover"},
    {
        "operation": "short", "order_type": "limit", "price": offset(0.01), "time_in_force": 10,
        "sizing": {"type": "percent_of_equity", "value": 0.6}, "trailing": percent(0.1),
    },
)  # fmt: skip
SIDES = crossing(
    {"operation": "buy", "sizing": {"type": "percent_of_equity", "value": 0.7}},
    {"operation": "short", "sizing": {"type": "percent_of_equity", "value": 0.7}},
    stop_loss=percent(0.08),
    take_profit=percent(0.05),
)
CANCELLED = crossing(
    {"operation": "buy", "order_type": "limit", "price": offset(-0.03)},
    {"operation": "sell"},
    ("falls", "condition", {"operator": "falling", "n": 4}),
    ("forget", "action", {"operation": "cancel_orders"}),
    ("close", "falls", "left"),
    ("falls", "forget", "when"),
)
LATER = crossing(
    {"operation": "buy", "sizing": {"type": "cash", "value": 4000}},
    {"operation": "sell"},
    ("later", "wait", {"bars": 3}),
    ("more", "action", {"operation": "buy", "sizing": {"type": "units", "value": 7}}),
    ("up", "later", "when"),
    ("later", "more", "exec"),
    max_open_entries=2,
)
CONTRACTS = crossing(
    {"operation": "buy", "sizing": {"type": "fixed_ratio", "value": 300, "start": 4}},
    {"operation": "sell"},
)

ORDERED = {
    "limits GOOG adjusted costly": (LIMITS, "GOOG", "adjusted", COSTLY),
    "limits EURUSD raw spread": (
        NEAR_LIMITS, "EURUSD", "raw", {"spread": 0.0001, "margin": 0.1, "lot_size": 1000.0},
    ),
    "limits MSFT adjusted reference entries": (
        crossing(
            {"operation": "buy", "order_type": "limit", "price": offset(-0.01)},
            {"operation": "sell"},
        ),
        "MSFT", "adjusted", {"profile": "reference", "commission": {"percent": 0.001}},
    ),
    "stops IBM raw costly": (STOPS, "IBM", "raw", COSTLY),
    "stops AAPL adjusted ticks": (STOPS, "AAPL", "adjusted", {"tick_size": 0.05, "lot_size": 10.0}),
    "stop limits AAPL raw free": (STOP_LIMITS, "AAPL", "raw", {}),
    "trailing GOOG raw costly": (TRAILING, "GOOG", "raw", COSTLY),
    "trailing MSFT adjusted thin": (
        TRAILING, "MSFT", "adjusted", {"cash": 2e8, "participation": 0.01},
    ),
    "channel IBM adjusted free": (CHANNEL, "IBM", "adjusted", {}),
    "shorts AAPL adjusted borrowed": (
        SHORTS, "AAPL", "adjusted", {"borrow_rate": 0.03, "fractional": True},
    ),
    "sides GOOG adjusted netted": (SIDES, "GOOG", "adjusted", {"exclusive": False, **COSTLY}),
    "sides EURUSD raw financed": (
        SIDES, "EURUSD", "raw",
        {
            "margin": 0.05, "maintenance_margin": 0.03, "financing_rate": 0.05,
            "lot_size": 1000.0, "spread": 0.0001,
        },
    ),
    "sides MSFT raw on close": (SIDES, "MSFT", "raw", {"trade_on_close": True, **COSTLY}),
    "cancelled IBM adjusted maker": (
        CANCELLED, "IBM", "adjusted", {"commission": {"maker": 0.0002, "taker": 0.001}},
    ),
    "later AAPL adjusted levied": (
        LATER, "AAPL", "adjusted", {"commission": {"percent": 0.0003, "maximum": 20.0,
        "buy_percent": 0.00003, "sell_percent": 0.00025, "sell_per_unit": 0.01}},
    ),
    "contracts GOOG raw impact": (
        CONTRACTS, "GOOG", "raw",
        {"cash": 100_000.0, "slippage": {"model": "volume_share", "impact": 0.5}},
    ),
}  # fmt: skip
"""Strategy, symbol, prices and configuration of a run, by its name."""
