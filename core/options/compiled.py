"""The loops as machine code: compiled once a machine, loaded from numba's cache afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numba

from core.engine.caching import kernel_cached
from core.engine.jit import ENTRY
from core.options.config import OptionsConfig
from core.options.kernel import bars_run
from core.options.loops import greeks_loop, implied_loop, price_loop
from core.options.margin import requirement
from core.options.state import Book, World, book_new
from core.options.world import option_terms, world_new

_SOURCES: Final = tuple(Path(__file__).parent.glob("*.py"))


class Loops(NamedTuple):
    """The compiled loops of `core.options.loops`."""

    price: Callable[..., Any]
    greeks: Callable[..., Any]
    implied: Callable[..., Any]


@functools.cache
def loops_load() -> Loops:
    """Return the compiled loops; the first call in a process loads or compiles them."""
    return Loops(
        kernel_cached(_price, "f8[:](f8[:,::1], i8, i8)", *_SOURCES, nogil=True),
        kernel_cached(_greeks, "f8[:,:](f8[:,::1], i8)", *_SOURCES, nogil=True),
        kernel_cached(_implied, "f8[:](f8[:,::1], f8[::1], i8)", *_SOURCES, nogil=True),
    )


@functools.cache
def kernel_load() -> Callable[..., Any]:
    """Return the compiled `kernel.bars_run`; its argument types are fixed, as the engine's are."""
    signature = tuple(map(numba.typeof, (world_new(), 0, 0)))
    return kernel_cached(_options_kernel, signature, *_SOURCES, **ENTRY)


@functools.cache
def margin_load() -> Callable[..., Any]:
    """Return the compiled `margin.requirement`, to call it for an account outside of a run."""
    terms = option_terms(OptionsConfig(), multiplier=1.0, opening_rate=1.0, carrying_rate=1.0)
    book = book_new(terms, legs=1, positions=1, rules=0, bars=0)
    signature = tuple(map(numba.typeof, (book, 0.0, 0.0)))
    return kernel_cached(_options_margin, signature, *_SOURCES, **ENTRY)


def _price(table: Any, model: int, steps: int) -> Any:
    return price_loop(table, model, steps)


def _greeks(table: Any, model: int) -> Any:
    return greeks_loop(table, model)


def _implied(table: Any, prices: Any, model: int) -> Any:
    return implied_loop(table, prices, model)


def _options_kernel(world: World, start: int, stage: int) -> Any:
    return bars_run(world, start, stage)


def _options_margin(book: Book, shares: float, spot: float) -> float:
    return requirement(book, shares, spot)
