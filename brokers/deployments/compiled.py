"""The live kernels as machine code, cached as the engine's are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from brokers.deployments.kernel import BOOKED, Feed, World, bars_follow
from brokers.deployments.option_kernel import OptionFeed, option_bars_follow
from core.engine.caching import kernel_cached
from core.engine.state import LOWERED_RULE, STEP, TERMS, Curves, Market, Plan
from core.engine.tables import tables_new
from core.options import compiled as options
from core.options.state import World as OptionWorld
from core.options.world import world_new


@functools.cache
def live_kernel_load() -> Callable[..., Any]:
    """Return the compiled `kernel.bars_follow`; the first call loads or compiles it."""
    source = Path(__file__).with_name("kernel.py")
    return kernel_cached(_live_kernel, _signature(), source, nogil=True, error_model="numpy")


@functools.cache
def live_options_load() -> Callable[..., Any]:
    """Return the compiled `option_kernel.option_bars_follow`: for strategies that trade options."""
    here = (Path(__file__).with_name(name) for name in ("kernel.py", "option_kernel.py"))
    theirs = Path(options.__file__).parent.glob("*.py")
    signature = _option_signature()
    return kernel_cached(_live_options, signature, *here, *theirs, nogil=True, error_model="numpy")


def options_warm() -> None:
    """Load all that decisions on options run on; the first call in a process takes a second.

    On a machine that never did, it is compiled first, which takes a minute.
    """
    live_options_load()
    options.kernel_load()
    options.loops_load()


def _live_kernel(world: World, feed: Feed, start: int) -> Any:
    return bars_follow(world, feed, start)


def _live_options(world: OptionWorld, feed: OptionFeed, start: int, stage: int) -> Any:
    return option_bars_follow(world, feed, start, stage)


def _signature() -> tuple[Any, ...]:
    stamps, prices, series = np.empty(0, np.int64), np.empty(0), np.empty(0)
    stamps.flags.writeable = prices.flags.writeable = False
    plan = Plan(
        np.empty(0, LOWERED_RULE), np.empty((0, 0), np.bool_), np.empty((0, 0)),
        np.empty(0, STEP), 0, 0, 0, 0,
    )  # fmt: skip
    market = Market(stamps, prices, prices, prices, prices)
    tables = tables_new(np.zeros(1, TERMS), 0)
    world = World(market, plan, tables, Curves(series, series, series))
    arguments = (world, Feed(np.empty(0, BOOKED), np.empty(0, np.bool_), np.empty(0)), 0)
    typeof: Callable[[Any], Any] = numba.typeof
    return tuple(map(typeof, arguments))


def _option_signature() -> tuple[Any, ...]:
    flags, numbers = np.empty(0, np.bool_), np.empty(0, np.int64)
    feed = OptionFeed(np.empty(0, BOOKED), numbers, flags, flags, flags, np.empty(0))
    typeof: Callable[[Any], Any] = numba.typeof
    return tuple(map(typeof, (world_new(), feed, 0, 0)))
