"""Strategies of pinned results, drawn by hand, and the helpers to draw more."""

from __future__ import annotations

from typing import Any


def drawn(
    nodes: list[tuple[str, str, dict[str, Any]]], edges: list[tuple[str, str, str]], **settings: Any
) -> dict[str, Any]:
    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in nodes],
        "edges": [wire(*edge) for edge in edges],
        "settings": settings,
    }


def wire(source: str, target: str, port: str) -> dict[str, str]:
    """Return an edge; the source may name its output, as in ``position.side``."""
    node, _, output = source.partition(".")
    edge = {"source": node, "target": target, "target_port": port}
    return edge | ({"source_port": output} if output else {})


def averages(*trading: tuple[str, str, dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("close", "price", {}),
        ("fast", "indicator", {"name": "sma", "period": 10}),
        ("slow", "indicator", {"name": "sma", "period": 40}),
        ("atr", "indicator", {"name": "atr", "period": 14}),
        ("up", "condition", {"operator": "crosses_above"}),
        ("down", "condition", {"operator": "crosses_below"}),
        *trading,
    ]


WIRES = [
    ("close", "fast", "source"),
    ("close", "slow", "source"),
    *[("fast", name, "left") for name in ("up", "down")],
    *[("slow", name, "right") for name in ("up", "down")],
]
BOTH_SIDES = drawn(
    averages(
        ("long", "entry", {"side": "long", "take_profit": {"type": "percent", "value": 0.12}}),
        ("short", "entry", {"side": "short", "stop_loss": {"type": "multiple", "value": 2}}),
    ),
    [*WIRES, ("up", "long", "when"), ("down", "short", "when"), ("atr", "short", "stop_loss")],
)
PYRAMID = drawn(
    averages(
        ("rising", "condition", {"operator": "rising", "n": 3}),
        ("add", "entry", {"side": "long", "sizing": {"type": "percent_of_equity", "value": 0.25}}),
        ("reduce", "exit", {"fraction": 0.5}),
    ),
    [
        *WIRES,
        ("fast", "rising", "left"),
        ("rising", "add", "when"),
        ("down", "reduce", "when"),
    ],
    max_open_entries=3,
)
RISK = drawn(
    averages(
        (
            "enter",
            "entry",
            {
                "sizing": {"type": "risk_percent", "value": 0.02},
                "stop_loss": {"type": "multiple", "value": 2.5},
            },
        ),
        ("leave", "exit", {}),
    ),
    [*WIRES, ("up", "enter", "when"), ("down", "leave", "when"), ("atr", "enter", "stop_loss")],
)
# What depends on the position: out at a loss of 4 % or after 25 bars, and no way back for 10.
POSITION = drawn(
    averages(
        ("position", "position", {}),
        ("loss", "condition", {"operator": "lt", "right": -4}),
        ("old", "condition", {"operator": "gte", "right": 25}),
        ("rested", "condition", {"operator": "gt", "right": 10}),
        ("above", "condition", {"operator": "gt"}),
        ("go", "logic", {"operator": "and"}),
        ("enough", "logic", {"operator": "or"}),
        ("enter", "entry", {}),
        ("leave", "exit", {}),
    ),
    [
        *WIRES,
        ("position.unrealized_pnl_pct", "loss", "left"),
        ("position.bars_held", "old", "left"),
        ("position.bars_since_exit", "rested", "left"),
        *[("fast", "above", "left"), ("slow", "above", "right")],
        *[("rested", "go", "in_1"), ("above", "go", "in_2"), ("go", "enter", "when")],
        *[("loss", "enough", "in_1"), ("old", "enough", "in_2"), ("enough", "leave", "when")],
    ],
)
WEEKLY = drawn(
    [
        *averages(("enter", "entry", {}), ("leave", "exit", {})),
        ("trend", "indicator", {"name": "ema", "period": 10, "timeframe": "1w"}),
        ("above", "condition", {"operator": "gt"}),
        ("go", "logic", {"operator": "and"}),
    ],
    [
        *WIRES,
        ("close", "trend", "source"),
        *[("close", "above", "left"), ("trend", "above", "right")],
        *[("up", "go", "in_1"), ("above", "go", "in_2"), ("go", "enter", "when")],
        ("down", "leave", "when"),
    ],
)
