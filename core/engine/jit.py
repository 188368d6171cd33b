"""How the engine's rules are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba import njit

Rule = TypeVar("Rule", bound=Callable[..., Any])

ENTRY: Final[dict[str, Any]] = {
    # IEEE 754 division instead of an exception, and no fast-math: every operation rounds as it
    # is written, so that a result is the same on every machine.
    "error_model": "numpy",
    "nogil": True,
    # The caller owns every array. Without this, each call counts references with atomic
    # instructions, which costs more than the rules themselves.
    "_nrt": False,
}
"""How a kernel is compiled: what Python calls.

The loop over the bars is spliced into it. Compiled apart, all that it calls would be optimised
twice, which is half of the time that a compilation takes.
"""
_OPTIONS: Final[dict[str, Any]] = {
    **ENTRY,
    # A rule is called by the kernel alone.
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def inlined(function: Rule) -> Rule:
    """Compile a rule into its callers: for what runs at every bar, and for small arithmetic."""
    return cast(Rule, njit(forceinline=True, **_OPTIONS)(function))


def spliced(function: Rule) -> Rule:
    """Write a rule into its callers before they are compiled: for what hands out records."""
    return cast(Rule, njit(inline="always", **_OPTIONS)(function))


def outlined(function: Rule) -> Rule:
    """Compile a rule once, as a function the kernel calls: for what runs when an order fills."""
    return cast(Rule, njit(**_OPTIONS)(function))


def constant(value: int) -> int:
    """Return `value` so that a rule which is called with it is compiled once.

    Numba specialises a function for every literal int it sees as an argument; it takes a numpy
    scalar for what it is, a number.
    """
    return cast(int, np.int64(value))
