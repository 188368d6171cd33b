"""American options by the quadratic approximation of Barone-Adesi and Whaley.

"Efficient Analytic Approximation of American Option Values", *Journal of Finance* 42 (1987), as in
Haug, section 3.1. The error is some cents on a share of 100 for options of months, more for years.
It needs a rate that is not negative; `binomial` has no such limit.
"""

from __future__ import annotations

import math
from typing import Final

from core.engine.jit import inlined, outlined
from core.options.european import Terms, bsm_price, d_plus, intrinsic, moved
from core.options.normal import normal_cdf, normal_pdf

_STEPS: Final = 100
_PRECISION: Final = 1e-9  # of the strike
_SMALL: Final = 1e-12


@inlined
def _exponent(t: Terms) -> float:
    """Return the root of the quadratic: above one for a call, below zero for a put."""
    variance = t.vol * t.vol
    slope = 2.0 * (t.rate - t.dividend_yield) / variance - 1.0
    discount = -math.expm1(-t.rate * t.years)
    if discount < _SMALL:
        level = 2.0 / (variance * t.years)
    else:
        level = 2.0 * t.rate / (variance * discount)
    return 0.5 * (-slope + t.right * math.sqrt(slope * slope + 4.0 * level))


@outlined
def _critical_price(t: Terms) -> float:
    """Return the price of the underlying from which on the option is exercised at once.

    Newton's method, kept inside a bracket by bisection. Below zero where there is no such price.
    """
    power = _exponent(t)
    fade = math.exp(-t.dividend_yield * t.years)
    low, high = (t.strike, math.inf) if t.right > 0.0 else (0.0, t.strike)
    spot = t.strike
    for _ in range(_STEPS):
        at = moved(t, spot, t.years, t.vol)
        up = d_plus(at)
        reach = fade * normal_cdf(t.right * up)
        # What holding is worth less what exercising is: zero at the critical price.
        held = bsm_price(at) + t.right * (1.0 - reach) * spot / power
        gap = held - t.right * (spot - t.strike)
        if abs(gap) < _PRECISION * t.strike:
            return spot
        if t.right * gap > 0.0:
            low = spot
        else:
            high = spot
        bend = fade * normal_pdf(up) / (power * t.vol * math.sqrt(t.years))
        slope = t.right * (reach + (1.0 - reach) / power - 1.0) - bend
        guess = spot - gap / slope if slope != 0.0 else -1.0
        if not low < guess < high:
            guess = 2.0 * spot if high == math.inf else 0.5 * (low + high)
        if guess > 1e9 * t.strike or guess < _SMALL * t.strike:
            return -1.0
        spot = guess
    return spot


@outlined
def baw_price(t: Terms) -> float:
    """Price of an American option; NaN for a negative rate.

    Where it never pays to exercise early (a call without dividends, a put without interest) it is
    the European price; without volatility the better of exercising now and at expiry.
    """
    if t.rate < 0.0:
        return math.nan
    least = max(bsm_price(t), intrinsic(t))
    if t.years <= 0.0 or t.vol <= 0.0:
        return least
    if (t.right > 0.0 and t.dividend_yield <= 0.0) or (t.right < 0.0 and t.rate <= 0.0):
        return least
    critical = _critical_price(t)
    if critical <= 0.0:
        return least
    if t.right * (t.spot - critical) >= 0.0:
        return intrinsic(t)
    power = _exponent(t)
    up = d_plus(moved(t, critical, t.years, t.vol))
    reach = math.exp(-t.dividend_yield * t.years) * normal_cdf(t.right * up)
    premium: float = t.right * critical / power * (1.0 - reach) * (t.spot / critical) ** power
    return max(bsm_price(t) + premium, intrinsic(t))
