"""Warm-up: have the kernel ready before the first run asks for it."""

from __future__ import annotations

import numpy as np

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule
from core.engine.simulate import simulate


def warm_kernels() -> None:
    """Load the compiled kernel, or compile it, and run it once.

    Call it when a worker starts, before it forks. It takes a fraction of a second with numba's
    cache in place and some seconds without.
    """
    prices = np.ones(2)
    bars = Bars.from_arrays(
        ts=np.arange(2), open=prices, high=prices, low=prices, close=prices, volume=prices
    )
    program = Program(columns=("always",), rules=(Rule(Operation.OPEN_LONG, trigger=0),))
    simulate(bars, [np.ones(2, np.bool_)], program, RunConfig())
