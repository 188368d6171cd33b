"""Results that may only change together with the engine's version: 33 runs, by their hashes.

After a change of results that is meant: raise `ENGINE_VERSION`, then
`python -m tests.golden.pinned` writes the new hashes. It refuses to do so under a version that is
pinned already.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.backtests.simulation import graph_simulate
from core.engine.config import RunConfig
from core.engine.version import ENGINE_VERSION
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get
from tests.golden.public_path import bars_of

PINS = Path(__file__).with_name("pins.json")
COSTLY = {
    "commission": {"percent": 0.0015, "per_order": 1.0},
    "slippage": {"bps": 5},
    "spread": 0.0004,
}
# No logarithms and the like among them: those may differ in the last bit between processors.
TEMPLATES = (
    *("sma_cross", "ema_cross", "rsi", "macd", "buy_and_hold"),
    *("bollinger_reversion", "donchian_breakout", "supertrend", "la_bomba"),
)
# Named, so that a new field alone changes no hash.
TRADE_FIELDS = (
    *("entry_bar", "exit_bar", "entry_ts", "exit_ts", "side", "quantity", "entry_price"),
    *("exit_price", "pnl", "return", "commission", "slippage", "entry_rule", "exit_reason"),
    *("mae", "mfe"),
)
FILL_FIELDS = (
    *("bar", "ts", "side", "quantity", "price", "reference_price", "commission", "slippage"),
    *("rule", "reason"),
)


class Case(NamedTuple):
    document: dict[str, Any]
    symbol: str
    prices: str
    config: dict[str, Any]


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
MARGIN = {"margin": 0.25, "maintenance_margin": 0.2, **COSTLY}


def cases() -> dict[str, Case]:
    """Return the runs by name."""
    found = {}
    for name in TEMPLATES:
        document = template_get(name).document
        found[f"{name} GOOG adjusted free"] = Case(document, "GOOG", "adjusted", {})
        found[f"{name} AAPL raw costly"] = Case(document, "AAPL", "raw", COSTLY)
        found[f"{name} MSFT adjusted reference"] = Case(
            document, "MSFT", "adjusted", {"profile": "reference"}
        )
    found["both sides IBM adjusted margin"] = Case(BOTH_SIDES, "IBM", "adjusted", MARGIN)
    found["pyramid GOOG raw fractional"] = Case(
        PYRAMID, "GOOG", "raw", {"fractional": True, **COSTLY}
    )
    found["risk AAPL adjusted on close"] = Case(
        RISK, "AAPL", "adjusted", {"trade_on_close": True, "liquidate_at_end": False}
    )
    found["dca IBM adjusted costly"] = Case(
        template_get("dca").document, "IBM", "adjusted", {**COSTLY, "fractional": True}
    )
    found["position MSFT raw costly"] = Case(POSITION, "MSFT", "raw", COSTLY)
    found["weekly GOOG adjusted free"] = Case(WEEKLY, "GOOG", "adjusted", {})
    return found


def result_hash(case: Case) -> str:
    """Run a case through the public path and return the SHA-256 of all that came out."""
    graph = graph_parse(case.document)
    result = graph_simulate(
        graph=graph_document(graph),
        graph_hash=graph_hash(graph),
        parameters={},
        bars=bars_of(case.symbol, case.prices),
        config=RunConfig.from_mapping(case.config),
        periods_per_year=252.0,
    ).result
    digest = hashlib.sha256()
    for part in _parts(result):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _parts(result: Any) -> Iterator[np.ndarray]:
    yield from (result.equity, result.cash, result.position)
    # Column by column: what lies between the fields of a record is no part of the result.
    yield from (result.trades[name] for name in TRADE_FIELDS)
    yield from (result.fills[name] for name in FILL_FIELDS)


def hashes() -> dict[str, str]:
    return {name: result_hash(case) for name, case in cases().items()}


def pins_read() -> dict[str, Any]:
    pins: dict[str, Any] = json.loads(PINS.read_text())
    return pins


def pins_renew(pins: dict[str, Any], version: str, found: dict[str, str]) -> dict[str, Any]:
    """Return new pins; other results need another version than the pinned one."""
    changed = [name for name, value in found.items() if pins["results"].get(name, value) != value]
    if changed and pins["engine_version"] == version:
        raise ValueError(
            f"{len(changed)} results changed (such as {changed[0]!r}) under version {version}, "
            "which is pinned: raise ENGINE_VERSION in core/engine/version.py first."
        )
    return {"engine_version": version, "results": found}


if __name__ == "__main__":
    before = pins_read() if PINS.exists() else {"engine_version": "", "results": {}}
    try:
        renewed = pins_renew(before, ENGINE_VERSION, hashes())
    except ValueError as error:
        sys.exit(str(error))
    PINS.write_text(json.dumps(renewed, indent=1) + "\n")
