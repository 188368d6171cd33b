"""The strategy of the demo, drawn as a graph: two moving averages that cross."""

from __future__ import annotations

from typing import Any

SMA_CROSS: dict[str, Any] = {
    "schema_version": 1,
    "parameters": [
        {"name": "fast", "type": "int", "default": 10, "min": 2, "max": 200},
        {"name": "slow", "type": "int", "default": 20, "min": 3, "max": 400},
    ],
    "nodes": [
        {"id": "close", "type": "price", "params": {"field": "close"}},
        {
            "id": "fast_sma",
            "type": "indicator",
            "params": {"name": "sma", "period": {"$param": "fast"}},
        },
        {
            "id": "slow_sma",
            "type": "indicator",
            "params": {"name": "sma", "period": {"$param": "slow"}},
        },
        {"id": "up", "type": "condition", "params": {"operator": "crosses_above"}},
        {"id": "down", "type": "condition", "params": {"operator": "crosses_below"}},
        {"id": "enter", "type": "entry", "params": {"side": "long"}},
        {"id": "leave", "type": "exit", "params": {}},
    ],
    "edges": [
        {"source": "close", "target": "fast_sma", "target_port": "source"},
        {"source": "close", "target": "slow_sma", "target_port": "source"},
        {"source": "fast_sma", "target": "up", "target_port": "left"},
        {"source": "slow_sma", "target": "up", "target_port": "right"},
        {"source": "fast_sma", "target": "down", "target_port": "left"},
        {"source": "slow_sma", "target": "down", "target_port": "right"},
        {"source": "up", "target": "enter", "target_port": "when"},
        {"source": "down", "target": "leave", "target_port": "when"},
    ],
    "settings": {"sizing": {"type": "percent_of_equity", "value": 1.0}},
}
