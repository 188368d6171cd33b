"""Implied volatility: Newton's method, kept inside a bracket by bisection where vega is small."""

from __future__ import annotations

import math
from typing import Final

from core.engine.jit import outlined
from core.options.barone_adesi_whaley import baw_price
from core.options.european import Terms, bsm_price, moved

LEAST_VOL: Final = 1e-4
GREATEST_VOL: Final = 10.0
_STEPS: Final = 100
_PRECISION: Final = 1e-10
_NUDGE: Final = 1e-4


@outlined
def _priced(t: Terms, vol: float, american: bool) -> float:  # noqa: FBT001 - compiled code takes its arguments by place
    at = moved(t, t.spot, t.years, vol)
    return baw_price(at) if american else bsm_price(at)


@outlined
def implied_vol(t: Terms, price: float, american: bool) -> float:  # noqa: FBT001 - as above
    """Volatility at which the model gives `price`, whatever `t.vol` is; NaN where none does.

    There is none below the price at a volatility of 0.0001 (about the value without any risk),
    above that at 10, or at expiry. Close to the lower bound vega vanishes, and any volatility over
    a wide range gives the price within its last digit: the answer is then one of them.
    """
    low, high = LEAST_VOL, GREATEST_VOL
    if not (t.years > 0.0 and price > 0.0):
        return math.nan
    if not _priced(t, low, american) <= price <= _priced(t, high, american):
        return math.nan
    # Brenner and Subrahmanyam's volatility of an option at the money.
    vol = min(max(price / t.spot * math.sqrt(2.0 * math.pi / t.years), 0.05), 2.0)
    for _ in range(_STEPS):
        gap = _priced(t, vol, american) - price
        if abs(gap) <= _PRECISION * price or high - low <= _PRECISION * vol:
            return vol
        if gap > 0.0:
            high = vol
        else:
            low = vol
        slope = (_priced(t, vol + _NUDGE, american) - (gap + price)) / _NUDGE
        guess = vol - gap / slope if slope > 0.0 else -1.0
        vol = guess if low < guess < high else 0.5 * (low + high)
    return vol
