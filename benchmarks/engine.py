"""Time a backtest from its graph to its metrics, beside backtesting.py in the same run.

Run it as ``python -m benchmarks.engine``; it takes less than a minute. Both sides get bars in
memory and compute everything else: moving averages (TA-Lib for both), an SMA 10/20 cross (long
only, all equity), trades, equity and statistics. They take turns, so that neither has the machine
to itself, and must make the same trades before anything is timed.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import talib
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from core.backtests.simulation import Simulation, graph_simulate
from core.engine.bars import Bars
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.lowering import plan_lower, terms_lower
from core.engine.program import (
    AccountField,
    Instruction,
    Op,
    Operation,
    Order,
    OrderKind,
    Price,
    PriceKind,
    Program,
    Rule,
)
from core.engine.result import FILL, TRADE
from core.engine.simulate import simulate
from core.engine.state import Curves, Market, tables_new
from core.engine.warm import warm_kernels
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get

if TYPE_CHECKING:
    from collections.abc import Callable

CASH: Final = 1_000_000.0
FRESH_PROCESS: Final = (
    "import time; start = time.perf_counter();"
    "from core.engine.warm import warm_kernels; warm_kernels();"
    "print(time.perf_counter() - start)"
)
CODE: Final = (
    Instruction(Op.FIELD, AccountField.UNREALIZED_PNL_PCT),
    Instruction(Op.PUSH, value=5.0),
    Instruction(Op.GREATER),
    Instruction(Op.FIELD, AccountField.BARS_HELD),
    Instruction(Op.PUSH, value=20.0),
    Instruction(Op.GREATER_EQUAL),
    Instruction(Op.OR),
    Instruction(Op.FIELD, AccountField.DRAWDOWN),
    Instruction(Op.PUSH, value=-0.2),
    Instruction(Op.LESS),
    Instruction(Op.OR),
    Instruction(Op.COLUMN, 2),
    Instruction(Op.FIELD, AccountField.ENTRY_PRICE),
    Instruction(Op.CROSS_ABOVE, 0),
    Instruction(Op.NOT),
    Instruction(Op.AND),
    Instruction(Op.RUN_LENGTH, 1),
    Instruction(Op.PUSH, value=2.0),
    Instruction(Op.GREATER_EQUAL),
    Instruction(Op.STORE, 0),
)
_GRAPH: Final = graph_parse(template_get("sma_cross").document)
_STORED: Final[dict[str, Any]] = {
    "graph": graph_document(_GRAPH),
    "graph_hash": graph_hash(_GRAPH),
    "parameters": {},
    "periods_per_year": 252.0,
}


def random_walk(count: int) -> Bars:
    """Return daily bars that return to where they began, so that no price runs away."""
    rng = np.random.default_rng(1)
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


class SmaCross(Strategy):  # type: ignore[misc]  # the package has no types
    """The template, as backtesting.py's users write it."""

    def init(self) -> None:
        """Compute the averages."""
        self.fast = self.I(talib.SMA, self.data.Close, 10, plot=False)
        self.slow = self.I(talib.SMA, self.data.Close, 20, plot=False)

    def next(self) -> None:
        """Decide at the close of a bar."""
        if crossover(self.fast, self.slow):
            self.buy()
        elif crossover(self.slow, self.fast):
            self.position.close()


def run_ours(bars: Bars, profile: Any = "standard") -> Simulation:
    return graph_simulate(bars=bars, config=RunConfig(cash=CASH, profile=profile), **_STORED)


def run_theirs(frame: pd.DataFrame) -> Any:
    engine = Backtest(frame, SmaCross, cash=CASH, exclusive_orders=True, finalize_trades=True)
    return engine.run()


def frame_of(bars: Bars) -> pd.DataFrame:
    columns = ("open", "high", "low", "close", "volume")
    data = {name.title(): getattr(bars, name) for name in columns}
    return pd.DataFrame(data, index=pd.to_datetime(bars.ts))


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(count: int, repeats: int) -> str:
    """Return a line with the best and the median of both, and the ratios of each."""
    bars = random_walk(count)
    frame = frame_of(bars)
    trades = run_ours(bars, profile="reference").result.trades
    expected = run_theirs(frame)["_trades"]
    for field, column in (("entry_bar", "EntryBar"), ("exit_bar", "ExitBar"), ("pnl", "PnL")):
        np.testing.assert_array_equal(trades[field], expected[column])
    ours_s: list[float] = []
    theirs_s: list[float] = []
    gc.collect()
    for _ in range(repeats):
        theirs_s.append(seconds(lambda: run_theirs(frame)))
        ours_s.extend(seconds(lambda: run_ours(bars)) for _ in range(20))
    cells = [f"{count:>10} {len(trades):>7}"]
    for pick in (np.min, np.median):
        ours_ms, theirs_ms = float(pick(ours_s)) * 1e3, float(pick(theirs_s)) * 1e3
        cells.append(f"{ours_ms:>9.3f} {theirs_ms:>9.1f} {theirs_ms / ours_ms:>6.0f}x")
    return " |".join(cells)


def scale(count: int) -> str:
    """Return a line with the cost of a bar in each stage, and in the kernel alone."""
    bars = random_walk(count)
    repeats = 20 if count <= 100_000 else 5
    runs = [run_ours(bars).timings for _ in range(repeats)]
    best = min(runs, key=lambda timings: sum(timings.values()))
    stages = [best[stage] for stage in ("evaluate", "simulate", "summarise")]
    cells = [sum(stages) * 1e6 / count, *(ms * 1e6 / count for ms in stages)]
    cells.append(kernel_seconds(bars) / count * 1e9)
    return f"{count:>10} {sum(stages):>10.2f} ms |" + " ".join(f"{ns:>9.1f}" for ns in cells)


def kernel_seconds(bars: Bars) -> float:
    """Time the compiled loop alone, on memory that is there already."""
    count = len(bars)
    config, found = RunConfig(cash=CASH), run_ours(bars).evaluation
    market = Market(bars.ts, bars.open, bars.high, bars.low, bars.close)
    plan = plan_lower(found.program, found.columns, config, count)
    curves = Curves(*np.zeros((3, count)))
    rows = count // 8 + 100
    fills, trades = np.zeros(rows, FILL), np.zeros(rows, TRADE)
    kernel = kernel_load()

    def run() -> None:
        tables = tables_new(terms_lower(found.program, config), 0)
        tables = tables._replace(fills=fills, trades=trades)
        done = kernel(market, plan, tables, curves, found.program.warmup)
        if done != count:
            raise RuntimeError(f"The kernel stopped at bar {done} of {count}.")

    return min(seconds(run) for _ in range(5))


def code_cost(count: int) -> str:
    """Return what twenty instructions over the position cost a bar, and what they decide."""
    bars = random_walk(count)
    rng = np.random.default_rng(2)
    columns = [*(rng.random((2, count)) < 0.05), bars.close]
    rules = (Rule(Operation.OPEN_LONG, 0), Rule(Operation.CLOSE, 1))
    plain = Program(("enter", "leave", "close"), rules)
    guarded = Rule(Operation.CLOSE, -1, guard=0)
    coded = replace(plain, rules=(*rules, guarded), code=CODE, registers=1, cells=2)
    config = RunConfig(cash=CASH)
    took = [
        [
            seconds(lambda program=program: simulate(bars, columns, program, config))
            for program in (plain, coded)
        ]
        for _ in range(20)
    ]
    without, with_code = np.min(took, axis=0)
    more = (with_code - without) / count * 1e9
    return f"{len(CODE)} instructions: {more:.1f} ns a bar more"


def waiting_cost(count: int) -> str:
    """Return what a bar costs more where a limit order waits at each, a new one every other bar."""
    bars = random_walk(count)
    rng = np.random.default_rng(2)
    columns = [*(rng.random((2, count)) < 0.5)]
    order = Order(OrderKind.LIMIT, limit=Price(PriceKind.OFFSET, -0.03))
    leave = Rule(Operation.CLOSE, 1)
    never = Program(("enter", "leave"), (leave,))
    waits = replace(never, rules=(Rule(Operation.OPEN_LONG, 0, order=order), leave))
    took = [
        [
            seconds(lambda program=program: simulate(bars, columns, program, RunConfig(cash=CASH)))
            for program in (never, waits)
        ]
        for _ in range(20)
    ]
    without, with_orders = np.min(took, axis=0)
    return f"waiting orders: {(with_orders - without) / count * 1e9:.1f} ns a bar more"


def main() -> None:
    warnings.simplefilter("ignore")
    warm_kernels()
    command = [sys.executable, "-c", FRESH_PROCESS]
    fresh = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"fresh process, imports and cached kernel: {fresh:.2f} s\n")
    print("graph in, metrics out; milliseconds, ours and backtesting.py's")
    print(f"{'bars':>10} {'trades':>7} |{'best of each':^27}|{'medians':^27}")
    for count, repeats in ((2_148, 15), (100_000, 7)):
        print(compare(count, repeats))
    print("\nnanoseconds a bar, best run")
    heads = ("all", "evaluate", "simulate", "summarise", "kernel")
    print(f"{'bars':>10} {'total':>13} |" + " ".join(f"{head:>9}" for head in heads))
    for count in (1_000, 10_000, 100_000, 1_000_000, 10_000_000):
        print(scale(count))
    print("\ncode over the position")
    print(code_cost(100_000))
    print(waiting_cost(100_000))


if __name__ == "__main__":
    main()
