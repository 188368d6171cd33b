"""Time option prices, and backtests that trade options.

Run it as ``python -m benchmarks.options``; it takes some seconds once everything is compiled. The
strategy sells a put about a month out whenever it has none and buys it back at half of its premium:
a new trade every ten bars or so.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.option_rules import (
    CloseWhen,
    Expiry,
    OptionLeg,
    OptionOperation,
    OptionRule,
    Right,
    Strike,
    StrikeBy,
)
from core.engine.program import Program
from core.options.pricing import implied_volatility, option_price
from core.options.simulate import simulate_with_options
from core.options.warm import warm_options

if TYPE_CHECKING:
    from collections.abc import Callable

BARS: Final = (2_148, 100_000)
CONTRACTS: Final = 100_000
DAY_NS: Final = 86_400_000_000_000


def random_walk(count: int) -> Bars:
    """Return daily bars that return to where they began."""
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.normal(0.0, 0.01, count))
    close = 100.0 * np.exp(steps - np.linspace(0.0, steps[-1], count))
    opened = np.concatenate([close[:1], close[:-1]])
    return Bars.from_arrays(
        ts=np.arange(count) * DAY_NS,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.ones(count),
    )


def rule(*legs: OptionLeg) -> OptionRule:
    return OptionRule(OptionOperation.OPEN, -1, legs=legs, close_when=CloseWhen(profit=0.5, loss=2))


PUT: Final = rule(OptionLeg(Right.PUT, -1, 1, Strike(StrikeBy.DELTA, 0.3), Expiry(30)))
CONDOR: Final = rule(
    OptionLeg(Right.PUT, -1, 1, Strike(StrikeBy.DELTA, 0.3), Expiry(30)),
    OptionLeg(Right.CALL, -1, 1, Strike(StrikeBy.DELTA, 0.3), Expiry(30)),
    OptionLeg(Right.PUT, 1, 1, Strike(StrikeBy.LEG_STRIKES, -2, 0), Expiry(30)),
    OptionLeg(Right.CALL, 1, 1, Strike(StrikeBy.LEG_STRIKES, 2, 1), Expiry(30)),
)


def best(function: Callable[[], object], rounds: int = 5) -> float:
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    started = time.perf_counter()
    warm_options()
    print(f"loading or compiling: {time.perf_counter() - started:.2f} s")
    spot = np.linspace(50.0, 150.0, CONTRACTS)
    terms = {"right": -1, "strike": 100.0, "years": 0.2, "rate": 0.03}
    for model in ("bsm", "baw"):
        seconds = best(lambda m=model: option_price(**terms, spot=spot, vol=0.3, model=m))
        print(f"price {model}: {seconds / CONTRACTS * 1e6:.3f} us a contract")
        prices = option_price(**terms, spot=spot, vol=0.3, model=model)
        seconds = best(lambda m=model, p=prices: implied_volatility(p, **terms, spot=spot, model=m))
        print(f"implied volatility {model}: {seconds / CONTRACTS * 1e6:.3f} us a contract")
    for count in BARS:
        bars = random_walk(count)
        for name, one in (("put", PUT), ("iron condor", CONDOR)):
            run = partial(
                simulate_with_options,
                bars,
                [],
                Program((), (), option_rules=(one,)),
                RunConfig(cash=1e7),
            )
            trades = len(run().option_trades)
            print(f"{count} bars, {name}: {best(run, 3) * 1000:.1f} ms, {trades} legs traded")


if __name__ == "__main__":
    main()
