"""How fast the registry computes indicators, beside calling TA-Lib directly and pandas.

    python benchmarks/indicators.py [BARS]

Prints microseconds a call, nanoseconds a bar and the ratio to TA-Lib's own public function for
every TA-Lib function with its default parameters, then their geometric mean; below, our own
indicators, and pandas for a few. Times are processor time of alternating rounds in one process,
best of each, so that a busy machine disturbs little. Columns of bars are declared clean, as the
graph evaluator does. Above some 16,000 bars the C library gives every array back to the system
and pays page faults for the next one, which can double any of these numbers:
``MALLOC_MMAP_THRESHOLD_=100000000 MALLOC_TRIM_THRESHOLD_=100000000`` in the environment keeps it
from doing so.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
import pandas as pd
import talib.abstract

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.indicators.registry import compute, indicator_list, params_bind
from core.indicators.spec import PRICE_FIELDS

TALIB: Any = talib
ROUNDS = 7
CLEAN = frozenset(PRICE_FIELDS)
FUNCTIONS = frozenset(name.lower() for name in talib.get_functions())


def bars_make(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, count)))
    open_ = close * np.exp(rng.normal(0.0, 0.005, count))
    return {
        "open": open_,
        "high": np.maximum(open_, close) * (1.0 + np.abs(rng.normal(0.0, 0.003, count))),
        "low": np.minimum(open_, close) * (1.0 - np.abs(rng.normal(0.0, 0.003, count))),
        "close": close,
        "volume": rng.integers(1_000, 90_000, count).astype(np.float64),
        "source": close,
        "left": close,
        "right": open_,
        "periods": rng.integers(2, 30, count).astype(np.float64),
    }


def best_of(*functions: Callable[[], Any]) -> list[float]:
    """Return the best microseconds a call of each function, measured in turns."""

    def seconds(function: Callable[[], Any], number: int) -> float:
        return timeit.timeit(function, number=number, timer=thread_time)

    once = [max(seconds(function, 1), 1e-7) for function in functions]
    number = max(1, int(0.004 / min(once)))
    rounds = [[seconds(function, number) for function in functions] for _ in range(ROUNDS)]
    return [min(times) / number * 1e6 for times in zip(*rounds, strict=True)]


def pandas_rivals(close: pd.Series) -> dict[str, Callable[[], Any]]:
    return {
        "sma": lambda: close.rolling(30).mean(),
        "ema": lambda: close.ewm(span=30, adjust=False).mean(),
        "stddev": lambda: close.rolling(5).std(ddof=0),
        "max": lambda: close.rolling(30).max(),
        "roc": lambda: close.pct_change(10) * 100.0,
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    bars = bars_make(count)
    rivals = pandas_rivals(pd.Series(bars["close"]))
    print(f"{count:,} bars; ns are a bar, ratio is to TA-Lib called directly")
    print(f"{'indicator':<22}{'TA-Lib us':>12}{'ours us':>12}{'ns':>8}{'ratio':>8}{'pandas x':>10}")
    logs = []
    for spec in indicator_list():
        if spec.name not in FUNCTIONS:
            continue
        bound = params_bind(spec, {})
        direct = getattr(TALIB, spec.name.upper())
        arrays = [bars[name] for name in spec.inputs]
        raw = list(TALIB.abstract.Function(spec.name).info["parameters"].values())
        theirs, ours = best_of(
            lambda f=direct, a=arrays, r=raw: f(*a, *r),
            lambda s=spec, b=bound: compute(s, bars, b, clean=CLEAN),
        )
        logs.append(log(ours / theirs))
        pandas_ratio = ""
        if spec.name in rivals:
            pandas_ratio = f"{best_of(rivals[spec.name])[0] / ours:9.1f}x"
        print(
            f"{spec.name:<22}{theirs:12.1f}{ours:12.1f}{ours * 1e3 / count:8.2f}"
            f"{ours / theirs:8.2f}{pandas_ratio:>10}"
        )
    print(f"geometric mean of {len(logs)} ratios: {exp(sum(logs) / len(logs)):.3f}")
    for spec in indicator_list():
        if spec.name in FUNCTIONS:
            continue
        bound = params_bind(spec, {})
        compute(spec, {name: column[:9] for name, column in bars.items()}, bound)  # compiles
        (ours,) = best_of(lambda s=spec, b=bound: compute(s, bars, b, clean=CLEAN))
        print(f"{spec.name:<22}{'own':>12}{ours:12.1f}{ours * 1e3 / count:8.2f}")


if __name__ == "__main__":
    main()
