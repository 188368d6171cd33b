"""Time the engine beside backtesting.py on the same bars, in one run of a few seconds.

Run it as ``python -m benchmarks.engine``. Both run an SMA 10/20 cross, always in the market; the
moving averages are computed outside of the timing for both.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from core.backtests.reference import reference_run
from core.engine.bars import Bars
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.lowering import plan_lower, terms_lower
from core.engine.program import Operation, Program, Rule
from core.engine.result import FILL, TRADE
from core.engine.simulate import simulate
from core.engine.state import Curves, Market, tables_new
from core.engine.warm import warm_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CONFIG = RunConfig(cash=1_000_000.0)
PROGRAM = Program(
    columns=("up", "down"),
    rules=(Rule(Operation.OPEN_LONG, 0), Rule(Operation.OPEN_SHORT, 1)),
    warmup=20,
)
FRESH_PROCESS = (
    "import time; start = time.perf_counter();"
    "from core.engine.warm import warm_kernels; warm_kernels();"
    "print(time.perf_counter() - start)"
)


def random_walk(count: int) -> Bars:
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, count)))
    opened = np.concatenate([close[:1], close[:-1]])
    return Bars.from_arrays(
        ts=np.arange(count) * 60_000_000_000,
        open=opened,
        high=np.maximum(opened, close) * 1.002,
        low=np.minimum(opened, close) * 0.998,
        close=close,
        volume=np.ones(count),
    )


def crosses(close: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    sums = np.concatenate([[0.0], np.cumsum(close)])
    fast, slow = np.full((2, close.size), np.nan)
    fast[9:] = (sums[10:] - sums[:-10]) / 10
    slow[19:] = (sums[20:] - sums[:-20]) / 20
    up, down = np.zeros((2, close.size), np.bool_)
    up[1:] = (fast[:-1] < slow[:-1]) & (fast[1:] > slow[1:])
    down[1:] = (fast[:-1] > slow[:-1]) & (fast[1:] < slow[1:])
    return [up, down]


def best_of(repeats: int, call: Callable[[], Any]) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def kernel_seconds(bars: Bars, columns: list[NDArray[Any]]) -> float:
    """Time the compiled loop alone, on memory that is there already."""
    count = len(bars)
    market = Market(bars.ts, bars.open, bars.high, bars.low, bars.close)
    plan, terms = plan_lower(PROGRAM, columns, CONFIG, count), terms_lower(PROGRAM, CONFIG)
    curves = Curves(*np.zeros((3, count)))
    fills, trades = np.zeros(count, FILL), np.zeros(count, TRADE)
    kernel = kernel_load()

    def run() -> None:
        tables = tables_new(terms, 0)._replace(fills=fills, trades=trades)
        kernel(market, plan, tables, curves, PROGRAM.warmup)

    return best_of(50, run)


def compare(count: int, repeats: int) -> str:
    """Time both on the same bars; they take turns, so that neither has the machine to itself."""
    bars = random_walk(count)
    columns = crosses(bars.close)

    def run_ours() -> Any:
        return simulate(bars, columns, PROGRAM, CONFIG)

    def run_theirs() -> Any:
        return reference_run(bars=bars, columns=columns, program=PROGRAM, config=CONFIG)

    trades = len(run_ours().trades)
    kernel_ns = kernel_seconds(bars, columns) / count * 1e9
    ours_ms, theirs_ms = best_of(50, run_ours) * 1e3, best_of(repeats, run_theirs) * 1e3
    ours_ms = min(ours_ms, best_of(50, run_ours) * 1e3)
    return (
        f"{count:>8} {trades:>7} {kernel_ns:>8.1f} ns/bar {ours_ms:>7.3f} ms "
        f"{theirs_ms:>12.1f} ms {theirs_ms / ours_ms:>5.0f}x"
    )


def main() -> None:
    warm_kernels()
    command = [sys.executable, "-c", FRESH_PROCESS]
    fresh = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"fresh process, imports and cached kernel: {fresh:.2f} s")
    print("backtesting.py computes its statistics within its time, the engine has none in its own.")
    print(f"{'bars':>8} {'trades':>7} {'kernel':>15} {'simulate':>10} {'backtesting.py':>15} ratio")
    for count, repeats in ((2_148, 3), (100_000, 1)):
        print(compare(count, repeats))


if __name__ == "__main__":
    main()
