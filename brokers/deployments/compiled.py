"""The live kernel as machine code, cached as the engine's is."""

from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from brokers.deployments.kernel import BOOKED, Feed, World, bars_follow
from core.engine.compiled import source_fingerprint
from core.engine.state import LOWERED_RULE, STEP, TERMS, Curves, Market, Plan, tables_new

_log = logging.getLogger(__name__)


@functools.cache
def live_kernel_load() -> Callable[..., Any]:
    """Return the compiled `kernel.bars_follow`; the first call loads or compiles it."""
    # Numba looks only at the file of the function it caches; see `core.engine.compiled`.
    own = Path(__file__).with_name("kernel.py").read_text()
    fingerprint = f"{source_fingerprint()} {own}"
    try:
        return _compile(fingerprint, cache=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        _log.warning("The live kernel's cache cannot be used (%s): compiled anew.", error)
        return _compile(fingerprint, cache=False)


def _compile(fingerprint: str, *, cache: bool) -> Callable[..., Any]:
    def live_kernel(world: World, feed: Feed, start: int) -> Any:
        fingerprint  # noqa: B018 - a closure cell is part of the key of numba's cache
        return bars_follow(world, feed, start)

    compiled: Callable[..., Any] = numba.njit(
        _signature(), cache=cache, nogil=True, error_model="numpy"
    )(live_kernel)
    return compiled


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
