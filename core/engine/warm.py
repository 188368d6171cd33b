"""Warm-up: have the kernel ready before the first run asks for it."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule
from core.engine.simulate import simulate

_KEPT_BYTES: Final = 31 << 20


def warm_kernels() -> None:
    """Load the compiled kernel, or compile it, run it once, and let the process keep its memory.

    Call it when a worker starts, before it forks. It takes a fraction of a second with numba's
    cache in place and some seconds without.
    """
    prices = np.ones(2)
    bars = Bars.from_arrays(
        ts=np.arange(2), open=prices, high=prices, low=prices, close=prices, volume=prices
    )
    program = Program(columns=("always",), rules=(Rule(Operation.OPEN_LONG, trigger=0),))
    simulate(bars, [np.ones(2, np.bool_)], program, RunConfig())
    _memory_keep()


def _memory_keep() -> None:
    """Make the allocator hold on to what a run frees, for the next run.

    By default glibc returns freed memory to the system once twice the largest block freed so far
    lies idle. A run frees a dozen columns of one size, so each run would fault the same pages in
    again: 100,000 bars then take 3.0 ms in place of 1.4. Freeing one block just below 32 MB, the
    most that glibc looks at, raises the limit to 62 MB. The block is never touched and so costs
    no memory; other allocators do not care. See M_TRIM_THRESHOLD in mallopt(3).
    """
    block = np.empty(_KEPT_BYTES, np.uint8)
    del block
