"""The standard normal distribution."""

from __future__ import annotations

import math
from typing import Final

from core.engine.jit import inlined

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TWO_PI: Final = math.sqrt(2.0 * math.pi)


@inlined
def normal_cdf(x: float) -> float:
    """Probability of a value up to `x`; exact in the tails, where 1 - erf would cancel."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@inlined
def normal_pdf(x: float) -> float:
    """Density at `x`."""
    return math.exp(-0.5 * x * x) / _ROOT_TWO_PI
