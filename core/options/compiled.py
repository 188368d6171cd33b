"""The loops as machine code: compiled once a machine, loaded from numba's cache afterwards.

As `core.engine.compiled`, whose way with the cache's key this follows: numba looks only at the
file of the function it caches, so that a hash of all sources has to be part of the key.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba

from core.engine.compiled import source_fingerprint
from core.engine.jit import ENTRY
from core.options.kernel import bars_run
from core.options.loops import greeks_loop, implied_loop, price_loop
from core.options.state import World
from core.options.world import world_new

_log = logging.getLogger(__name__)


class Loops(NamedTuple):
    """The compiled loops of `core.options.loops`."""

    price: Callable[..., Any]
    greeks: Callable[..., Any]
    implied: Callable[..., Any]


@functools.cache
def loops_load() -> Loops:
    """Return the compiled loops; the first call in a process loads or compiles them."""
    return Loops(*(cached(make) for make in (_price, _greeks, _implied)))


def cached(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return what `make` compiles, from numba's cache where that can be used."""
    fingerprint = f"{source_fingerprint()} {options_fingerprint()}"
    compiled: Callable[..., Any]
    try:
        compiled = make(fingerprint, cache=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        _log.warning("The options' cache cannot be used (%s): compiled anew.", error)
        compiled = make(fingerprint, cache=False)
    return compiled


@functools.cache
def options_fingerprint() -> str:
    """Return a hash of this package's sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _price(fingerprint: str, *, cache: bool) -> Any:
    def price(table: Any, model: int, steps: int) -> Any:
        fingerprint  # noqa: B018 - a closure cell is part of the key of numba's cache
        return price_loop(table, model, steps)

    return numba.njit("f8[:](f8[:,::1], i8, i8)", cache=cache, nogil=True)(price)


def _greeks(fingerprint: str, *, cache: bool) -> Any:
    def greeks(table: Any, model: int) -> Any:
        fingerprint  # noqa: B018 - as above
        return greeks_loop(table, model)

    return numba.njit("f8[:,:](f8[:,::1], i8)", cache=cache, nogil=True)(greeks)


@functools.cache
def kernel_load() -> Callable[..., Any]:
    """Return the compiled `kernel.bars_run`; its argument types are fixed, as the engine's are."""
    return cached(_kernel)


def _kernel(fingerprint: str, *, cache: bool) -> Any:
    def options_kernel(world: World, start: int, stage: int) -> Any:
        fingerprint  # noqa: B018 - as below
        return bars_run(world, start, stage)

    signature = tuple(map(numba.typeof, (world_new(), 0, 0)))
    return numba.njit(signature, cache=cache, **ENTRY)(options_kernel)


def _implied(fingerprint: str, *, cache: bool) -> Any:
    def implied(table: Any, prices: Any, model: int) -> Any:
        fingerprint  # noqa: B018 - as above
        return implied_loop(table, prices, model)

    return numba.njit("f8[:](f8[:,::1], f8[::1], i8)", cache=cache, nogil=True)(implied)
