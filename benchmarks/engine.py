"""Time a backtest from its graph to its metrics, beside its peers in the same run.

Run it as ``python -m benchmarks.engine``; it takes about a minute. All sides get bars in memory and
compute everything else: moving averages (TA-Lib for all), an SMA 10/20 cross (long only, all
equity), trades, equity and statistics. They take turns, so that none has the machine to itself,
each times itself, and they must make the same trades before anything is timed. The peers are
backtesting.py, in this process; vectorbt, in a process and an environment of its own; and the
limit, one compiled loop that can do nothing but this case.

Ratios are of processor time. No side has a second thread, so on an idle machine that is the same as
the clock's; where others work too, they interrupt a long run more often than a short one, and the
clock would flatter us.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import warnings
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.peers.backtesting_cross import frame_of, run_backtesting
from benchmarks.peers.case import CASH, random_walk, run_ours
from benchmarks.peers.install import COMMAND
from benchmarks.peers.limit import run_limit
from benchmarks.peers.process import Peer
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
from core.engine.simulate import NO_FINE, market_of, simulate
from core.engine.state import Curves
from core.engine.stretch import Stretch
from core.engine.tables import tables_new
from core.engine.warm import warm_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.engine.bars import Bars

STAGES: Final = ("evaluate", "simulate", "summarise")
COLUMNS: Final = 13
VECTORBT: Final = {"statistics": "vectorbt with stats()", "portfolio": "vectorbt without"}
FRESH: Final = {
    "the engine: imports and cached kernel": (
        "from core.engine.warm import warm_kernels; warm_kernels()"
    ),
    "all of it: imports and a first run of 2,148 bars": (
        "from benchmarks.peers.case import random_walk, run_ours; run_ours(random_walk(2148))"
    ),
}
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


def seconds(call: Callable[[], Any]) -> float:
    """Return the processor time of a call."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


def trades_check(bars: Bars, frame: Any, peer: Peer | None) -> int:
    """Stop unless all make the same trades; return how many."""
    ours = run_ours(bars).result.trades
    by_reference = run_ours(bars, profile="reference").result.trades
    theirs = run_backtesting(frame)["_trades"]
    for field, column in (("entry_bar", "EntryBar"), ("exit_bar", "ExitBar"), ("pnl", "PnL")):
        np.testing.assert_array_equal(by_reference[field], theirs[column])
    limit = run_limit(bars, CASH)[1]
    others: list[dict[str, Any]] = [{name: limit[name] for name in limit.dtype.names or ()}]
    if peer is not None:
        others.append(peer.trades())
    for other in others:
        for name, values in other.items():
            # A gain is what two large numbers differ by.
            least = 1e-12 * CASH if name == "pnl" else 0.0
            np.testing.assert_allclose(ours[name], values, rtol=1e-9, atol=least)
    return len(ours)


def compare(count: int, rounds: int, peer: Peer | None) -> list[str]:
    """Return a line for each peer: best and median of both sides, and the ratios of each."""
    bars = random_walk(count)
    frame = frame_of(bars)
    if peer is not None:
        peer.bars_send(bars)
    trades = trades_check(bars, frame, peer)
    took: dict[str, list[float]] = {"ours": [], "backtesting.py": [], "limit": []}
    gc.collect()
    for _ in range(rounds):
        took["backtesting.py"].append(seconds(lambda: run_backtesting(frame)))
        took["ours"].extend(seconds(lambda: run_ours(bars)) for _ in range(20))
        took["limit"].extend(seconds(lambda: run_limit(bars, CASH)) for _ in range(20))
        if peer is not None:
            for what, label in VECTORBT.items():
                found = [peer.seconds(what) for _ in range(5)]
                took.setdefault(label, []).extend(found)
    ours = took.pop("ours")
    lines = [f"{count:,} bars, {trades:,} trades"]
    for label, theirs in took.items():
        cells = [f"  {label:<27}"]
        for pick in (np.min, np.median):
            our_ms, their_ms = float(pick(ours)) * 1e3, float(pick(theirs)) * 1e3
            cells.append(f"{our_ms:>9.3f} {their_ms:>9.3f} {their_ms / our_ms:>7.2f}x")
        lines.append(" |".join(cells))
    return lines


def scale(count: int) -> str:
    """Return a line with the cost of a bar in each stage, in the kernel alone and at the limit."""
    bars = random_walk(count)
    repeats = 20 if count <= 100_000 else 5
    runs = [run_ours(bars).timings for _ in range(repeats)]
    spent = [min(run[stage] for run in runs) * 1e6 / count for stage in STAGES]
    limit = min(seconds(lambda: run_limit(bars, CASH)) for _ in range(repeats)) / count * 1e9
    cells = [sum(spent), *spent, kernel_seconds(bars) / count * 1e9, limit]
    line = f"{count:>10} {sum(spent) * count / 1e6:>10.2f} ms |"
    share = f"{limit / sum(spent):>8.0%} {limit / (spent[0] + spent[1]):>8.0%}"
    return line + " ".join(f"{ns:>9.1f}" for ns in cells) + share


def kernel_seconds(bars: Bars) -> float:
    """Time the compiled loop alone, on memory that is there already."""
    count = len(bars)
    config, found = RunConfig(cash=CASH), run_ours(bars).evaluation
    market = market_of(bars)
    plan = plan_lower(found.program, found.columns, config, count)
    curves = Curves(*np.zeros((3, count)))
    rows = count // 8 + 100
    fills, trades = np.zeros(rows, FILL), np.zeros(rows, TRADE)
    stretch = Stretch(found.program.warmup, count, 1.0, 0.0, NO_FINE)
    kernel = kernel_load()

    def run() -> None:
        tables = tables_new(terms_lower(found.program, config), 0)
        tables = tables._replace(fills=fills, trades=trades)
        done = kernel(market, plan, tables, curves, stretch)
        if done != count:
            raise RuntimeError(f"The kernel stopped at bar {done} of {count}.")

    return min(seconds(run) for _ in range(5))


def memory(count: int) -> str:
    """Return what a run takes: the bars, and by how much its process grows at the highest."""
    command = [sys.executable, "-m", "benchmarks.peers.memory", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    bars, grew = (int(number) for number in done.stdout.split())
    each = (bars + grew) / (COLUMNS * count)
    return (
        f"{count:,} bars: {bars / 1e6:,.0f} MB of bars and {grew / 1e6:,.0f} MB at the highest for"
        f" the run, {each:.1f} bytes a bar and column"
    )


def added_cost(plain: Program, richer: Program, columns: list[Any], bars: Bars) -> float:
    """Return how many nanoseconds a bar a program costs more than another; they take turns."""
    config = RunConfig(cash=CASH)
    runs = [partial(simulate, bars, columns, program, config) for program in (plain, richer)]
    took = [[seconds(run) for run in runs] for _ in range(20)]
    without, with_more = np.min(took, axis=0)
    return float(with_more - without) / len(bars) * 1e9


def code_cost(count: int) -> str:
    """Return what twenty instructions over the position cost a bar, and what they decide."""
    bars = random_walk(count)
    rng = np.random.default_rng(2)
    columns = [*(rng.random((2, count)) < 0.05), bars.close]
    rules = (Rule(Operation.OPEN_LONG, 0), Rule(Operation.CLOSE, 1))
    plain = Program(("enter", "leave", "close"), rules)
    guarded = Rule(Operation.CLOSE, -1, guard=0)
    coded = replace(plain, rules=(*rules, guarded), code=CODE, registers=1, cells=2)
    more = added_cost(plain, coded, columns, bars)
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
    return f"waiting orders: {added_cost(never, waits, columns, bars):.1f} ns a bar more"


def fresh(code: str) -> str:
    """Return how long a new process says it took, from its first line on; the best of three."""
    timed = (
        f"import time; began = time.perf_counter(), time.thread_time(); {code};"
        "print(time.perf_counter() - began[0], time.thread_time() - began[1])"
    )
    command = [sys.executable, "-c", timed]
    runs = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(3)
    ]
    clock, processor = np.min([[float(number) for number in run.split()] for run in runs], axis=0)
    return f"{clock:.2f} s, of which {processor:.2f} s on the processor"


def main() -> None:
    warnings.simplefilter("ignore")
    warm_kernels()
    print("a fresh process, best of three")
    for label, code in FRESH.items():
        print(f"  {label}: {fresh(code)}")
    print("\ngraph in, metrics out; milliseconds: ours, theirs and how many times ours that is")
    if not Peer.installed():
        print(f"vectorbt is left out: `{COMMAND}` installs it")
    print(f"{'':<29} |{'best of each':^29}|{'medians':^29}")
    with Peer("vectorbt_cross.py") if Peer.installed() else nullcontext() as peer:
        for count, rounds in ((2_148, 15), (100_000, 7)):
            print("\n".join(compare(count, rounds, peer)))
    print("\nnanoseconds a bar, best of each; the limit's share of all and of all but the metrics")
    heads = ("all", *STAGES, "kernel", "limit")
    print(f"{'bars':>10} {'total':>13} |" + " ".join(f"{head:>9}" for head in heads) + "   share")
    for count in (1_000, 10_000, 100_000, 1_000_000, 10_000_000):
        print(scale(count))
    print("\nmemory; the columns are six of the bars, two averages, two triggers, three curves")
    print(memory(10_000_000))
    print("\ncode over the position")
    print(code_cost(100_000))
    print(waiting_cost(100_000))


if __name__ == "__main__":
    main()
