"""What all of them run: the bars, the strategy, and how our own engine is called for it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from core.backtests.simulation import Simulation, graph_simulate
from core.engine.bars import Bars
from core.engine.config import RunConfig
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get

CASH: Final = 1_000_000.0
_GRAPH: Final = graph_parse(template_get("sma_cross").document)
_STORED: Final[dict[str, Any]] = {
    "graph": graph_document(_GRAPH),
    "graph_hash": graph_hash(_GRAPH),
    "parameters": {},
    "periods_per_year": 252.0,
}


def random_walk(count: int, seed: int = 1) -> Bars:
    """Return bars of a minute that return to where they began, so that no price runs away."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.normal(0.0, 0.01, count))
    close = 100.0 * np.exp(steps - np.linspace(0.0, steps[-1], count))
    opened = np.concatenate([close[:1], close[:-1]])
    return Bars.from_arrays(
        ts=np.arange(count) * 60_000_000_000,
        open=opened,
        high=np.maximum(opened, close) * 1.002,
        low=np.minimum(opened, close) * 0.998,
        close=close,
        volume=np.ones(count),
    )


def run_ours(bars: Bars, profile: Any = "standard") -> Simulation:
    """Take the public path: a graph document in, a result with trades and metrics out."""
    return graph_simulate(bars=bars, config=RunConfig(cash=CASH, profile=profile), **_STORED)
