"""How fast the registry computes indicators, beside calling TA-Lib directly and pandas.

    python benchmarks/indicators.py [BARS]

Prints microseconds a call, nanoseconds a bar and the ratio to TA-Lib's own public function for
every TA-Lib function with its default parameters, then their geometric mean; below, our own
indicators in nanoseconds a bar; pandas beside both where it has the like. Times are processor time
of alternating rounds in one process, best of each, so that a busy machine disturbs little. Columns
of bars are declared clean, as the graph evaluator does.

Above some 16,000 bars the C library gives every array back to the system and pays page faults for
the next one, some 3 ns a bar and array, which can double any of these numbers. The column "kept"
is measured with memory kept in the process, as ``MALLOC_MMAP_THRESHOLD_=100000000`` and
``MALLOC_TRIM_THRESHOLD_=1000000000`` in the environment do: it is what the algorithm costs.
"""

from __future__ import annotations

import ctypes
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
from core.indicators.spec import PRICE_FIELDS, SESSION_FIELDS, Spec

TALIB: Any = talib
ROUNDS = 7
CLEAN = frozenset((*PRICE_FIELDS, *SESSION_FIELDS))
FUNCTIONS = frozenset(name.lower() for name in talib.get_functions())
BARS_A_SESSION = 390
TARGET_NS = 10.0

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3

WHY_SLOWER = {
    "rolling_var": "finds a rank in each window of 100",
    "connors_rsi": "ranks each change among 100",
    "frama": "takes a logarithm and an exponential a bar",
    "fisher": "takes a logarithm a bar",
    "hurst": "sums squares over four lags and takes a logarithm a bar",
    "schaff": "finds the extremes of two windows and divides twice",
    "kst": "four rates of change and four averages",
    "squeeze": "a regression, a deviation, two extremes and two averages",
}
"""Own ones that may take more than the target with memory kept."""


def bars_make(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, count)))
    open_ = close * np.exp(rng.normal(0.0, 0.005, count))
    session, bar = np.divmod(np.arange(count), BARS_A_SESSION)
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
        "session": 19_000.0 + session,
        "minute": bar.astype(np.float64),
    }


def best_of(*functions: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Return the best microseconds a call of each function, measured in turns."""

    def seconds(function: Callable[[], Any], number: int) -> float:
        return timeit.timeit(function, number=number, timer=thread_time)

    once = [max(seconds(function, 1), 1e-7) for function in functions]
    number = max(1, int(0.004 / min(once)))
    measured = [[seconds(function, number) for function in functions] for _ in range(rounds)]
    return [min(times) / number * 1e6 for times in zip(*measured, strict=True)]


def pandas_rivals(bars: dict[str, np.ndarray]) -> dict[str, Callable[[], Any]]:
    """Return what pandas has, or what one writes with it, by indicator."""
    frame = pd.DataFrame(bars)
    close, volume = frame["close"], frame["volume"]
    typical = (frame["high"] + frame["low"] + close) / 3.0
    logs = np.log(close)
    days = frame["session"]
    return {
        "sma": lambda: close.rolling(30).mean(),
        "ema": lambda: close.ewm(span=30, adjust=False).mean(),
        "stddev": lambda: close.rolling(5).std(ddof=0),
        "var": lambda: close.rolling(5).var(ddof=0),
        "max": lambda: close.rolling(30).max(),
        "min": lambda: close.rolling(30).min(),
        "sum": lambda: close.rolling(30).sum(),
        "correl": lambda: close.rolling(30).corr(frame["open"]),
        "roc": lambda: close.pct_change(10) * 100.0,
        "mom": lambda: close.diff(10),
        "cumsum": close.cumsum,
        "donchian": lambda: (frame["high"].rolling(20).max(), frame["low"].rolling(20).min()),
        "zscore": lambda: (close - close.rolling(20).mean()) / close.rolling(20).std(ddof=0),
        "rolling_vwap": lambda: (typical * volume).rolling(20).sum() / volume.rolling(20).sum(),
        "realized_volatility": lambda: logs.diff().rolling(20).std() * 252.0**0.5,
        "rolling_sharpe": lambda: (
            close.pct_change().rolling(63).mean() / close.pct_change().rolling(63).std()
        ),
        "rolling_var": lambda: close.pct_change().rolling(100).quantile(0.05),
        "session_vwap": lambda: (
            (typical * volume).groupby(days).cumsum() / volume.groupby(days).cumsum()
        ),
        "session_range": lambda: (
            frame["high"].groupby(days).cummax() - frame["low"].groupby(days).cummin()
        ),
    }


def caller(spec: Spec, bars: dict[str, np.ndarray]) -> Callable[[], Any]:
    """Return the call of an indicator with its defaults, compiled already."""
    bound = params_bind(spec, {})
    compute(spec, {name: column[:9] for name, column in bars.items()}, bound)
    return lambda: compute(spec, bars, bound, clean=CLEAN)


def talib_table(bars: dict[str, np.ndarray], rivals: dict[str, Callable[[], Any]]) -> None:
    count = len(bars["close"])
    print(f"{'indicator':<22}{'TA-Lib us':>12}{'ours us':>12}{'ns':>8}{'ratio':>8}{'pandas x':>10}")
    logs = []
    for spec in indicator_list():
        if spec.name not in FUNCTIONS:
            continue
        direct = getattr(TALIB, spec.name.upper())
        arrays = [bars[name] for name in spec.inputs]
        raw = list(TALIB.abstract.Function(spec.name).info["parameters"].values())
        theirs, ours = best_of(lambda f=direct, a=arrays, r=raw: f(*a, *r), caller(spec, bars))
        logs.append(log(ours / theirs))
        print(
            f"{spec.name:<22}{theirs:12.1f}{ours:12.1f}{ours * 1e3 / count:8.2f}"
            f"{ours / theirs:8.2f}{rival_times(rivals, spec.name, ours):>10}"
        )
    print(f"geometric mean of {len(logs)} ratios: {exp(sum(logs) / len(logs)):.3f}\n")


def rival_times(rivals: dict[str, Callable[[], Any]], name: str, ours: float) -> str:
    """Return how many times as long pandas takes; empty where it has nothing like it."""
    if name not in rivals:
        return ""
    return f"{best_of(rivals[name], rounds=2)[0] / ours:.1f}x"


def memory_keep() -> bool:
    """Let the C library keep freed memory; False where it is not glibc."""
    try:
        option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(option(M_MMAP_THRESHOLD, 1 << 30) and option(M_TRIM_THRESHOLD, 2**31 - 1))


def own_table(bars: dict[str, np.ndarray], rivals: dict[str, Callable[[], Any]]) -> None:
    count = len(bars["close"])
    own = [spec for spec in indicator_list() if spec.name not in FUNCTIONS]
    plain = {spec.name: best_of(caller(spec, bars))[0] for spec in own}
    versus = {spec.name: rival_times(rivals, spec.name, plain[spec.name]) for spec in own}
    kept = plain | (
        {spec.name: best_of(caller(spec, bars))[0] for spec in own} if memory_keep() else {}
    )
    print(f"{'our own':<22}{'us':>12}{'ns':>8}{'kept ns':>9}{'pandas x':>10}")
    for name, time in plain.items():
        ns, ns_kept = time * 1e3 / count, kept[name] * 1e3 / count
        print(f"{name:<22}{time:12.1f}{ns:8.2f}{ns_kept:9.2f}{versus[name]:>10}")
    slow = [name for name in plain if kept[name] * 1e3 / count > TARGET_NS]
    print(f"{len(own) - len(slow)} of {len(own)} within {TARGET_NS:g} ns a bar; above:")
    for name in slow:
        print(f"  {name}: {WHY_SLOWER.get(name, 'no reason known')}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    bars = bars_make(count)
    rivals = pandas_rivals(bars)
    print(f"{count:,} bars; ns are a bar, ratio is to TA-Lib called directly\n")
    talib_table(bars, rivals)
    own_table(bars, rivals)


if __name__ == "__main__":
    main()
