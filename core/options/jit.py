"""How loops of this package are compiled that the engine's rules for kernels do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Rule = TypeVar("Rule", bound=Callable[..., Any])


def looped(function: Rule) -> Rule:
    """Compile a function that makes arrays of its own; otherwise as the engine's `outlined`."""
    return cast(Rule, njit(error_model="numpy", nogil=True)(function))
