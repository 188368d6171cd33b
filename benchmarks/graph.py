"""Time the strategy graph: compiling it, evaluating it, and reading longer time frames.

    python -m benchmarks.graph [BARS]

Prints a table: parsing and compiling 500 nodes; 20 indicators with a comparison each, beside the
same TA-Lib functions called directly; the same graph on hours, days and weeks of the bars, beside
pandas (`resample`, rolling, `merge_asof`) for three moving averages; putting a million bars
together. Best of rounds that take turns, in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import pandas as pd
import talib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.engine.bars import Bars
from core.engine.warm import warm_kernels
from core.sessions.resample import bars_resample
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.plan import Plan
from strategies.graph.schema import graph_parse

TALIB: Any = talib
ROUNDS: Final = 9
MINUTE: Final = 60 * 10**9
INDICATORS: Final = (
    *("sma", "ema", "wma", "dema", "tema", "kama", "rsi", "macd", "bbands", "mom"),
    *("roc", "trix", "cmo", "stddev", "linearreg", "atr", "adx", "cci", "mfi", "willr"),
)
PRICES: Final = {
    "atr": ("high", "low", "close"),
    "adx": ("high", "low", "close"),
    "cci": ("high", "low", "close"),
    "willr": ("high", "low", "close"),
    "mfi": ("high", "low", "close", "volume"),
}


def bars_make(ts: np.ndarray) -> Bars:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0005, len(ts))))
    open_ = close * np.exp(rng.normal(0.0, 0.0002, len(ts)))
    return Bars.from_arrays(
        ts=ts,
        open=open_,
        high=np.maximum(open_, close) * 1.0005,
        low=np.minimum(open_, close) * 0.9995,
        close=close,
        volume=rng.integers(1_000, 90_000, len(ts)),
    )


def new_york(count: int, minutes: int) -> tuple[np.ndarray, Any]:
    """Return the opens of so many bars in the hours of New York, and its sessions."""
    years = -(-count * minutes // (390 * 250)) + 1
    start = np.datetime64("2007-01-01").astype("datetime64[ns]").astype(np.int64)
    sessions = sessions_for(
        "XNYS", first_ts=int(start), last_ts=int(start) + years * 366 * 1_440 * MINUTE
    )
    hours = zip(sessions.opens, sessions.closes, strict=True)
    days = [np.arange(first, last, minutes * MINUTE) for first, last in hours if first > start]
    return np.concatenate(days)[:count], sessions


def many_indicators(**params: Any) -> dict[str, Any]:
    """Return a graph of the indicators, each above a number, all of them true to enter."""
    nodes: list[dict[str, Any]] = [{"id": "close", "type": "price"}]
    edges = []
    for place, name in enumerate(INDICATORS, start=1):
        nodes.append({"id": name, "type": "indicator", "params": {"name": name} | params})
        above = {"operator": "gt", "right": 1}
        nodes.append({"id": f"{name}_up", "type": "condition", "params": above})
        if name not in PRICES:
            edges.append({"source": "close", "target": name, "target_port": "source"})
        edges += [
            {"source": name, "target": f"{name}_up", "target_port": "left"},
            {"source": f"{name}_up", "target": "all", "target_port": f"in_{place}"},
        ]
    nodes += [
        {"id": "all", "type": "logic", "params": {"operator": "and"}},
        {"id": "enter", "type": "entry"},
    ]
    edges.append({"source": "all", "target": "enter", "target_port": "when"})
    return {"nodes": nodes, "edges": edges}


def many_nodes(count: int = 500) -> dict[str, Any]:
    """Return a graph of so many nodes: averages, calculations and comparisons of them."""
    nodes: list[dict[str, Any]] = [{"id": "close", "type": "price"}]
    edges: list[dict[str, Any]] = []
    place = 0
    while len(nodes) + 3 <= count - 2:
        place += 1
        mean, ratio, up = f"mean{place}", f"ratio{place}", f"up{place}"
        params = {"name": "sma", "period": place + 1}
        nodes += [
            {"id": mean, "type": "indicator", "params": params},
            {"id": ratio, "type": "math", "params": {"operation": "divide"}},
            {"id": up, "type": "condition", "params": {"operator": "gt", "right": 1.01}},
        ]
        edges += [
            {"source": "close", "target": mean, "target_port": "source"},
            {"source": "close", "target": ratio, "target_port": "left"},
            {"source": mean, "target": ratio, "target_port": "right"},
            {"source": ratio, "target": up, "target_port": "left"},
            {"source": up, "target": "any", "target_port": f"in_{place}"},
        ]
    nodes += [
        {"id": "any", "type": "logic", "params": {"operator": "or"}},
        {"id": "enter", "type": "entry"},
    ]
    edges.append({"source": "any", "target": "enter", "target_port": "when"})
    return {"nodes": nodes, "edges": edges}


def three_time_frames() -> dict[str, Any]:
    """Return a graph that enters above averages of hours, days and weeks."""
    nodes: list[dict[str, Any]] = [{"id": "close", "type": "price"}]
    edges = []
    for place, timeframe in enumerate(("1h", "1d", "1w"), start=1):
        params = {"name": "sma", "period": 10, "timeframe": timeframe}
        nodes.append({"id": timeframe, "type": "indicator", "params": params})
        nodes.append({"id": f"{timeframe}_up", "type": "condition", "params": {"operator": "gt"}})
        edges += [
            {"source": "close", "target": timeframe, "target_port": "source"},
            {"source": "close", "target": f"{timeframe}_up", "target_port": "left"},
            {"source": timeframe, "target": f"{timeframe}_up", "target_port": "right"},
            {"source": f"{timeframe}_up", "target": "all", "target_port": f"in_{place}"},
        ]
    nodes += [
        {"id": "all", "type": "logic", "params": {"operator": "and"}},
        {"id": "enter", "type": "entry"},
    ]
    edges.append({"source": "all", "target": "enter", "target_port": "when"})
    return {"nodes": nodes, "edges": edges}


def with_talib(bars: Bars) -> None:
    """Compute the indicators directly, each above the same number."""
    true = np.ones(len(bars), dtype=np.bool_)
    for name in INDICATORS:
        inputs = [getattr(bars, field) for field in PRICES.get(name, ("close",))]
        outputs = getattr(TALIB, name.upper())(*inputs)
        true &= (outputs[0] if isinstance(outputs, tuple) else outputs) > 1


def with_pandas(bars: Bars) -> None:
    """Compute three averages of longer bars, shifted to where they are known."""
    index = pd.DatetimeIndex(bars.ts)
    close = pd.Series(bars.close, index)
    frame = pd.DataFrame({"at": index + pd.Timedelta("5min"), "close": bars.close})
    for rule in ("1h", "1D", "W"):
        mean = close.resample(rule, label="right", closed="left").last().dropna().rolling(10).mean()
        coarse = pd.DataFrame({"at": mean.index, "mean": mean.to_numpy()})
        merged = pd.merge_asof(frame, coarse, on="at")
        _ = (merged["close"] > merged["mean"]).to_numpy()


def best_of(*works: Callable[[], Any]) -> list[float]:
    """Return the best milliseconds of each, taking turns."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            began = perf_counter()
            work()
            best[place] = min(best[place], (perf_counter() - began) * 1e3)
    return best


def row(what: str, ours: float, peer: str = "", theirs: float = 0.0) -> None:
    beside = f"{theirs:10.2f} ms  {peer}" if peer else ""
    print(f"{what:58s} {ours:10.2f} ms {beside}")


def evaluated(plan: Plan, bars: Bars, context: Context) -> Callable[[], Any]:
    return lambda: plan_evaluate(plan, bars, context=context)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    warm_kernels()
    document = many_nodes()
    graph = graph_parse(document)
    parse, compile_ = best_of(lambda: graph_parse(document), lambda: graph_compile(graph))
    row(f"parse {len(document['nodes'])} nodes", parse)
    row(f"compile {len(document['nodes'])} nodes", compile_)

    ts, sessions = new_york(count, 5)
    bars = bars_make(ts)
    context = Context(interval="5m", sessions=sessions)
    plan = graph_compile(graph_parse(many_indicators()), interval="5m")
    ours, theirs = best_of(evaluated(plan, bars, context), lambda: with_talib(bars))
    row(f"20 indicators on {count:,} bars", ours, "TA-Lib called directly", theirs)
    for timeframe in ("1h", "1d"):
        coarse = graph_compile(graph_parse(many_indicators(timeframe=timeframe)), interval="5m")
        (took,) = best_of(evaluated(coarse, bars, context))
        row(f"20 indicators of {timeframe} on {count:,} bars of 5m", took)
    plan = graph_compile(graph_parse(three_time_frames()), interval="5m")
    ours, theirs = best_of(evaluated(plan, bars, context), lambda: with_pandas(bars))
    row(f"averages of 1h, 1d and 1w on {count:,} bars of 5m", ours, "pandas, by UTC", theirs)

    ts, sessions = new_york(1_000_000, 1)
    minutes = bars_make(ts)
    index = pd.DatetimeIndex(minutes.ts)
    table = pd.DataFrame({name: getattr(minutes, name) for name in RULES}, index)
    for to in ("5m", "1h", "1d"):
        ours, theirs = best_of(
            lambda to=to: bars_resample(
                ts=minutes.ts,
                **{name: getattr(minutes, name) for name in RULES},
                sessions=sessions,
                interval=timeframe_parse("1m"),
                to=timeframe_parse(to),
            ),
            lambda to=to: table.resample(to.replace("m", "min").replace("d", "D")).agg(RULES),
        )
        row(f"1,000,000 bars of 1m to {to}", ours, "pandas, by UTC", theirs)


RULES: Final = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


if __name__ == "__main__":
    main()
