"""The kernel as machine code: compiled once a machine, loaded from numba's cache afterwards."""

from __future__ import annotations

import functools
import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np

from core.engine.jit import ENTRY
from core.engine.kernel import bars_run
from core.engine.portfolio_kernel import Field, agenda_new, moments_run
from core.engine.state import LOWERED_RULE, STEP, TERMS, Curves, Market, Plan, Tables, tables_new
from core.engine.stretch import Fine, Stretch

_log = logging.getLogger(__name__)


@functools.cache
def kernel_load() -> Callable[..., Any]:
    """Return the compiled kernel; the first call in a process loads or compiles it.

    Its argument types are fixed, so it is compiled exactly once.
    """
    return kernel_cached(_kernel_compile)


@functools.cache
def portfolio_load() -> Callable[..., Any]:
    """Return the compiled kernel of portfolios, likewise."""
    return kernel_cached(_portfolio_compile)


def kernel_cached(compile_kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel from numba's cache, or compile it.

    A cache folder that is missing, read-only or full, or a damaged cache, costs the seconds of a
    compilation and nothing else.
    """
    fingerprint = source_fingerprint()
    try:
        return cast(Callable[..., Any], compile_kernel(fingerprint, cache=True))
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        _log.warning("The kernel's cache cannot be used (%s): it is compiled anew.", error)
        return cast(Callable[..., Any], compile_kernel(fingerprint, cache=False))


def source_fingerprint() -> str:
    """Return a hash of the package's sources.

    Numba looks only at the file of the function it caches, not at those of the functions which
    that one calls; with this in the cache's key, no stale kernel can survive an edit of a rule.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kernel_compile(fingerprint: str, *, cache: bool) -> Callable[..., Any]:
    def kernel(market: Market, plan: Plan, tables: Tables, curves: Curves, stretch: Stretch) -> Any:
        fingerprint  # noqa: B018 - a closure cell is part of the key of numba's cache
        return bars_run(market, plan, tables, curves, stretch)

    compiled: Callable[..., Any] = numba.njit(_kernel_signature(), cache=cache, **ENTRY)(kernel)
    return compiled


def _portfolio_compile(fingerprint: str, *, cache: bool) -> Callable[..., Any]:
    def portfolio_kernel(field: Field, start: int) -> Any:
        fingerprint  # noqa: B018 - as above
        return moments_run(field, start)

    field = Field(*_arguments(), agenda_new())
    compiled: Callable[..., Any] = numba.njit(
        tuple(map(numba.typeof, (field, 0))), cache=cache, **ENTRY
    )(portfolio_kernel)
    return compiled


def _kernel_signature() -> tuple[Any, ...]:
    typeof: Callable[[Any], Any] = numba.typeof
    found = _arguments()
    rows = np.empty(0, np.int64)
    stretch = Stretch(0, 0, 1.0, 0.0, Fine(found[0], rows, rows))
    return tuple(map(typeof, (*found, stretch)))


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
