"""Requests and answers that the OpenAPI document shows; the tests send every request."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from core.indicators.registry import indicator_get
from strategies.graph.catalogue import node_catalogue
from strategies.graph.templates import template_get

EMA_CROSS = template_get("ema_cross")
STRATEGY_ID = "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11"

GRAPH: dict[str, Any] = {
    "schema_version": 1,
    "parameters": [{"name": "fast", "type": "int", "default": 20, "min": 2, "max": 400}],
    "nodes": [
        {"id": "close", "type": "price", "params": {"field": "close"}},
        {
            "id": "fast_ema",
            "type": "indicator",
            "params": {"name": "ema", "period": {"$param": "fast"}},
        },
        {"id": "slow_ema", "type": "indicator", "params": {"name": "ema", "period": 50}},
        {"id": "up", "type": "condition", "params": {"operator": "crosses_above"}},
        {"id": "down", "type": "condition", "params": {"operator": "crosses_below"}},
        {"id": "enter", "type": "entry", "params": {"side": "long"}},
        {"id": "leave", "type": "exit", "params": {}},
    ],
    "edges": [
        {"source": "close", "target": "fast_ema", "target_port": "source"},
        {"source": "close", "target": "slow_ema", "target_port": "source"},
        {"source": "fast_ema", "target": "up", "target_port": "left"},
        {"source": "slow_ema", "target": "up", "target_port": "right"},
        {"source": "fast_ema", "target": "down", "target_port": "left"},
        {"source": "slow_ema", "target": "down", "target_port": "right"},
        {"source": "up", "target": "enter", "target_port": "when"},
        {"source": "down", "target": "leave", "target_port": "when"},
    ],
    "settings": {"sizing": {"type": "percent_of_equity", "value": 1.0}},
}
SUMMARY: dict[str, Any] = {
    "id": STRATEGY_ID,
    "name": "EMA cross",
    "description": "",
    "revision": 1,
    "version": 1,
    "latest_version": 1,
    "origin": {
        "template": "",
        "base_strategy": None,
        "base_version": None,
        "base_outdated": False,
        "base_latest": None,
        "overrides": {"parameters": {}, "nodes": {}},
        "forked_from": None,
    },
    "archived": False,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
}
STRATEGY: dict[str, Any] = {
    **SUMMARY,
    "graph": GRAPH,
    "runnable": True,
    "errors": [],
    "warnings": [],
    "symbols": [],
    "timeframes": [],
}
FAULT: dict[str, Any] = {
    "path": "graph.nodes[5].inputs.when",
    "code": "required",
    "message": "The port 'when' of 'enter' has no edge: connect a bool to it.",
    "expected": "bool",
    "received": None,
    "node_id": "enter",
}
HASH = "9f2c6b1e0d4a7c3852f1b6a9e4d70c1b5a8e3f62d9c4b7a01e6f5d8c2b3a4970"
VERSION: dict[str, Any] = {
    "number": 1,
    "graph_hash": HASH,
    "parameters": GRAPH["parameters"],
    "created_at": "2026-01-05T09:30:00Z",
}


def asked(name: str, value: Any) -> OpenApiExample:
    """Return an example of a request."""
    return OpenApiExample(name, value=value, request_only=True)


def answered(name: str, value: Any, *status_codes: int) -> OpenApiExample:
    """Return an example of an answer; a list's page is wrapped by the schema."""
    codes = [str(code) for code in status_codes] or ["200"]
    return OpenApiExample(name, value=value, response_only=True, status_codes=codes)


CREATE = [
    asked("A graph", {"name": "EMA cross", "graph": GRAPH}),
    asked("A template", {"template": "ema_cross", "parameters": {"fast": 10}}),
    asked("A base strategy", {"base_strategy": STRATEGY_ID, "parameters": {"fast": 12}}),
    asked(
        "A base strategy with a node of your own",
        {
            "base_strategy": STRATEGY_ID,
            "base_version": 1,
            "replace_nodes": {
                "slow_ema": {"type": "indicator", "params": {"name": "sma", "period": 200}}
            },
        },
    ),
    asked(
        "An editor's nodes",
        {
            "name": "EMA cross",
            "nodes": GRAPH["nodes"],
            "connections": GRAPH["edges"],
            "parameters": GRAPH["parameters"],
        },
    ),
    asked("Empty, to build step by step", {"name": "My strategy"}),
]
PUT = [asked("A graph", {"name": "EMA cross", "description": "", "graph": GRAPH})]
PATCH = [
    asked("Rename", {"name": "Slow cross"}),
    asked("Other defaults", {"parameters": {"fast": 30}}),
    asked("Restore", {"archived": False}),
    asked("The newer version of its base", {"base_version": 2}),
]
INDICATOR_STEPS = [
    asked("By name", {"name": "ema", "params": {"period": 20}, "source": "close"}),
    asked("Flat", {"type": "EMA", "period": 20}),
    asked("Of weeks", {"name": "sma", "period": 10, "timeframe": "1w"}),
    asked("Of another instrument", {"name": "sma", "period": 200, "symbol": "SPY"}),
]
CONDITION_STEPS = [
    asked("Two series", {"operator": "crosses_above", "left": "ema", "right": "ema_2"}),
    asked("A level", {"operator": "lt", "left": "rsi", "right": 30}),
    asked("The position", {"type": "position"}),
    asked(
        "Of the position", {"operator": "lt", "left": "position.unrealized_pnl_pct", "right": -2}
    ),
    asked("The clock", {"type": "time"}),
    asked("Of the clock", {"operator": "lte", "left": "time.minutes_to_close", "right": 20}),
    asked("Within the last bars", {"type": "recent", "in_1": "crosses_above", "n": 10}),
]
ACTION_STEPS = [
    asked("Buy", {"operation": "buy", "when": "crosses_above"}),
    asked(
        "At a limit, for the day",
        {
            "operation": "buy",
            "order_type": "limit",
            "price": {"type": "offset_percent", "value": -0.01},
            "time_in_force": "day",
            "stop_loss": {"type": "percent", "value": 0.03},
            "when": "crosses_above",
        },
    ),
    asked("A loop", {"type": "loop", "every": 5, "max_iterations": 10, "when": "lt"}),
    asked(
        "What it runs",
        {"operation": "buy", "sizing": {"type": "cash", "value": 500}, "exec": "loop"},
    ),
    asked("A put at the money", {"operation": "sell_put", "strike": "ATM", "when": "lt"}),
    asked("An alert", {"operation": "alert", "message": "Oversold.", "when": "lt"}),
]
EDGE_STEPS = [asked("Connect", {"source": "ema", "target": "crosses_above", "target_port": "left"})]
NODE: dict[str, Any] = {
    "id": "ema",
    "type": "indicator",
    "params": {"name": "ema", "period": 20},
}
INDICATOR_ADDED = {
    "node_id": "ema",
    "node": NODE,
    "nodes": [NODE],
    "warnings": [],
    "revision": 2,
}
REPORT = {"valid": False, "errors": [FAULT], "warnings": [], "symbols": [], "timeframes": []}
DIFF = {
    "from": 1,
    "to": 2,
    "equal": False,
    "nodes": {
        "added": [],
        "removed": [],
        "changed": {"slow_ema": {"params.period": {"from": 50, "to": 100}}},
    },
    "edges": {"added": [], "removed": []},
    "parameters": {"added": [], "removed": [], "changed": {}},
    "settings": {},
}
TEMPLATE = {
    "name": EMA_CROSS.name,
    "title": EMA_CROSS.title,
    "description": EMA_CROSS.description,
    "aliases": list(EMA_CROSS.aliases),
    "parameters": EMA_CROSS.document["parameters"],
}
INDICATOR = indicator_get("ema").as_dict()
NODE_TYPE = next(about for about in node_catalogue() if about["type"] == "constant")
PREVIEW_REQUEST = {
    "symbol": "GOOG",
    "interval": "1d",
    "start": "2012-01-01",
    "end": "2012-12-31",
    "params": {"period": 3},
    "limit": 4,
}
PREVIEW = {
    "name": "ema",
    "params": {"period": 3},
    "symbol": "GOOG",
    "interval": "1d",
    "snapshot": HASH,
    "lookback": 2,
    "ts": [1356480000000, 1356566400000, 1356652800000, 1356912000000],
    "outputs": {"value": [356.7431, 355.4908, 353.2898, 354.0375]},
}
