"""Time a portfolio from its graph to its metrics, beside as many runs on one instrument each.

Run it as ``python -m benchmarks.portfolio``; it takes about half a minute. An SMA 10/20 cross,
long only, equal parts of one account; every instrument has 2,500 bars. The other side
does each instrument alone, which is what a portfolio costs where there is no shared account. In
the second table every instrument lacks a tenth of its bars, others than its neighbours do.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from benchmarks.peers.case import random_walk
from core.backtests.portfolio import Instrument, PortfolioSimulation, graph_simulate_portfolio
from core.backtests.simulation import graph_simulate
from core.engine.bars import Bars
from core.engine.config import RunConfig
from strategies.graph.context import Context
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get

BARS: Final = 2_500
ROUNDS: Final = 9
CONFIG: Final = RunConfig(cash=1e6)
GRAPH: Final = graph_parse(template_get("sma_cross").document)
DOCUMENT: Final = {"graph": graph_document(GRAPH), "graph_hash": graph_hash(GRAPH)}
STAGES: Final = ("evaluate", "simulate", "summarise")


def instruments(count: int, *, gaps: bool) -> list[Instrument]:
    """Return instruments of random walks, each with a seed of its own."""
    made = []
    for number in range(count):
        bars = random_walk(BARS, seed=number)
        if gaps:
            kept = np.random.default_rng(number).random(BARS) > 0.1
            columns = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
            bars = Bars(*(np.ascontiguousarray(column[kept]) for column in columns))
        made.append(Instrument(f"S{number:03}", bars, Context(interval="1m")))
    return made


def together(listed: list[Instrument]) -> PortfolioSimulation:
    return graph_simulate_portfolio(
        **DOCUMENT, parameters={}, instruments=listed, config=CONFIG, periods_per_year=252.0
    )


def alone(listed: list[Instrument]) -> None:
    for one in listed:
        graph_simulate(
            **DOCUMENT,
            parameters={},
            bars=one.bars,
            config=CONFIG,
            periods_per_year=252.0,
            context=one.context,
            charts=False,
        )


def row(count: int, *, gaps: bool) -> str:
    listed = instruments(count, gaps=gaps)
    best, apart = [np.inf], [np.inf]
    stages = dict.fromkeys(STAGES, np.inf)
    found = together(listed)
    alone(listed[:2])
    for _ in range(ROUNDS):
        start = time.thread_time()
        found = together(listed)
        best.append(time.thread_time() - start)
        stages = {name: min(stages[name], found.timings[name]) for name in STAGES}
        start = time.thread_time()
        alone(listed)
        apart.append(time.thread_time() - start)
    trades = len(found.result.trades)
    shown = " ".join(f"{stages[name]:>9.1f}" for name in STAGES)
    took = min(best) * 1e3
    return f"{count:>11} {trades:>7} {took:>9.1f} {shown} {min(apart) * 1e3:>9.1f}"


def main() -> None:
    for gaps in (False, True):
        print(f"\nmilliseconds, best of {ROUNDS}; {BARS:,} bars each" + (", with gaps" * gaps))
        heads = " ".join(f"{head:>9}" for head in ("all", *STAGES, "apart"))
        print(f"{'instruments':>11} {'trades':>7} {heads}")
        for count in (10, 100, 500):
            print(row(count, gaps=gaps))


if __name__ == "__main__":
    main()
