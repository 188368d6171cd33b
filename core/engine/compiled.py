"""The kernel as machine code: compiled once a machine, loaded from numba's cache afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from core.engine.agenda import Field, agenda_new
from core.engine.caching import kernel_cached
from core.engine.jit import ENTRY
from core.engine.kernel import bars_run
from core.engine.portfolio_kernel import moments_run
from core.engine.state import LOWERED_RULE, STEP, TERMS, Curves, Market, Plan
from core.engine.stretch import Fine, Stretch
from core.engine.tables import Tables, tables_new


@functools.cache
def kernel_load() -> Callable[..., Any]:
    """Return the compiled kernel; the first call in a process loads or compiles it."""
    arguments = _arguments()
    stretch = Stretch(0, 0, 1.0, 0.0, _fine(arguments[0]))
    return kernel_cached(_kernel, _signature(*arguments, stretch), **ENTRY)


@functools.cache
def portfolio_load() -> Callable[..., Any]:
    """Return the compiled kernel of portfolios, likewise."""
    arguments = _arguments()
    field = Field(*arguments, agenda_new(), _fine(arguments[0]))
    return kernel_cached(_portfolio_kernel, _signature(field, 0), **ENTRY)


def _kernel(market: Market, plan: Plan, tables: Tables, curves: Curves, stretch: Stretch) -> Any:
    return bars_run(market, plan, tables, curves, stretch)


def _portfolio_kernel(field: Field, start: int) -> Any:
    return moments_run(field, start)


def _signature(*arguments: Any) -> tuple[Any, ...]:
    return tuple(map(numba.typeof, arguments))


def _fine(market: Market) -> Fine:
    rows = np.empty(0, np.int64)
    return Fine(market, rows, rows)


def _arguments() -> tuple[Market, Plan, Tables, Curves]:
    stamps, prices, series = np.empty(0, np.int64), np.empty(0), np.empty(0)
    stamps.flags.writeable = prices.flags.writeable = False
    market = Market(stamps, prices, prices, prices, prices)
    return (
        market,
        Plan(
            np.empty(0, LOWERED_RULE),
            np.empty((0, 0), np.bool_),
            np.empty((0, 0)),
            np.empty(0, STEP),
            0,
            0,
            0,
            0,
        ),
        tables_new(np.zeros(1, TERMS), 0),
        Curves(series, series, series),
    )
