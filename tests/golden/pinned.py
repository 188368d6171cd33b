"""Results that may only change together with the engine's version: some fifty runs, by hashes.

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
from core.options.result import OptionsResult
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get
from tests.golden.drawings import BOTH_SIDES, POSITION, PYRAMID, RISK, WEEKLY
from tests.golden.drawings_of_orders import ORDERED
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
    found["cash secured put MSFT adjusted"] = Case(
        template_get("cash_secured_put").document, "MSFT", "adjusted", {"cash": 50_000.0}
    )
    return found | {name: Case(*parts) for name, parts in ORDERED.items()}


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
    if isinstance(result, OptionsResult):
        yield from _parts_of_options(result)
        return
    yield from (result.equity, result.cash, result.position)
    # Column by column: what lies between the fields of a record is no part of the result.
    yield from (result.trades[name] for name in TRADE_FIELDS)
    yield from (result.fills[name] for name in FILL_FIELDS)


def _parts_of_options(result: OptionsResult) -> Iterator[np.ndarray]:
    """Options are priced by logarithms, so that the last bits belong to the processor."""
    series = (result.equity, result.cash, result.option_value, result.option_trades["pnl"])
    yield from (np.round(values, 4) + 0.0 for values in series)  # no zero below zero
    yield from (result.position, result.option_contracts)
    yield from (result.option_trades[name] for name in ("entry_bar", "exit_bar", "exit_reason"))


def hashes() -> dict[str, str]:
    return {name: result_hash(case) for name, case in cases().items()}


def pins_read() -> dict[str, Any]:
    pins: dict[str, Any] = json.loads(PINS.read_text())
    return pins


def bars_hash(symbol: str, prices: str) -> str:
    """Return the SHA-256 of the bars that a run is made on."""
    bars = bars_of(symbol, prices)
    digest = hashlib.sha256()
    for name in ("ts", "open", "high", "low", "close", "volume"):
        digest.update(getattr(bars, name).tobytes())
    return digest.hexdigest()


def data_hashes() -> dict[str, str]:
    """Return a hash for the bars of each run, so that a change of data is not taken for another."""
    return {name: bars_hash(case.symbol, case.prices) for name, case in cases().items()}


def pins_renew(
    pins: dict[str, Any], version: str, found: dict[str, str], data: dict[str, str]
) -> dict[str, Any]:
    """Return new pins; other results of the same bars need another version than the pinned one."""
    changed = [
        name
        for name, value in found.items()
        if pins["results"].get(name, value) != value and pins["data"].get(name) == data[name]
    ]
    if changed and pins["engine_version"] == version:
        raise ValueError(
            f"{len(changed)} results changed (such as {changed[0]!r}) under version {version}, "
            "which is pinned: raise ENGINE_VERSION in core/engine/version.py first."
        )
    return {"engine_version": version, "results": found, "data": data}


if __name__ == "__main__":
    before = pins_read() if PINS.exists() else {"engine_version": "", "results": {}, "data": {}}
    try:
        renewed = pins_renew(before, ENGINE_VERSION, hashes(), data_hashes())
    except ValueError as error:
        sys.exit(str(error))
    PINS.write_text(json.dumps(renewed, indent=1) + "\n")
