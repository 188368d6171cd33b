"""Black-Scholes-Merton: European options on an underlying with a continuous dividend yield.

Black and Scholes (1973), Merton (1973); the formulas as in Haug, *The Complete Guide to Option
Pricing Formulas*, 2nd ed., chapters 1 and 2.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from core.engine.jit import inlined, outlined
from core.options.normal import normal_cdf, normal_pdf

_DAYS: Final = 365.0
_POINTS: Final = 100.0


class Terms(NamedTuple):
    """What a model prices an option by: for compiled code, one contract at one moment.

    `right` is 1 for a call and -1 for a put, `years` the time to expiry; `vol`, `rate` and
    `dividend_yield` are fractions a year, the last two compounded continuously.
    """

    right: float
    spot: float
    strike: float
    years: float
    vol: float
    rate: float
    dividend_yield: float


@inlined
def moved(t: Terms, spot: float, years: float, vol: float) -> Terms:
    """Return the terms at another price, time and volatility."""
    return Terms(t.right, spot, t.strike, years, vol, t.rate, t.dividend_yield)


@inlined
def intrinsic(t: Terms) -> float:
    """Return what exercising at once is worth."""
    return max(t.right * (t.spot - t.strike), 0.0)


@inlined
def d_plus(t: Terms) -> float:
    """Return the d1 of the formula; `years` and `vol` must be above zero."""
    drift = (t.rate - t.dividend_yield + 0.5 * t.vol * t.vol) * t.years
    return (math.log(t.spot / t.strike) + drift) / (t.vol * math.sqrt(t.years))


@outlined
def bsm_price(t: Terms) -> float:
    """Price of a European option.

    At or after expiry its intrinsic value; without volatility the discounted value of what the
    forward is in the money.
    """
    if t.years <= 0.0:
        return intrinsic(t)
    forward = t.spot * math.exp(-t.dividend_yield * t.years)
    owed = t.strike * math.exp(-t.rate * t.years)
    if t.vol <= 0.0:
        return max(t.right * (forward - owed), 0.0)
    up = d_plus(t)
    down = up - t.vol * math.sqrt(t.years)
    return t.right * (forward * normal_cdf(t.right * up) - owed * normal_cdf(t.right * down))


@outlined
def bsm_greeks(t: Terms) -> tuple[float, float, float, float, float]:
    """Delta, gamma, theta a calendar day, vega a point of volatility, rho a point of the rate.

    At expiry, and without volatility, only delta is left: 1 in the money, 0 out of it, one half
    at the strike.
    """
    left = max(t.years, 0.0)
    fade = math.exp(-t.dividend_yield * left)
    owed = t.strike * math.exp(-t.rate * left)
    if left <= 0.0 or t.vol <= 0.0:
        ahead = t.right * (t.spot * fade - owed)
        share = 0.5 if ahead == 0.0 else (1.0 if ahead > 0.0 else 0.0)
        return t.right * share * fade, 0.0, 0.0, 0.0, 0.0
    root = math.sqrt(left)
    up = d_plus(t)
    density = t.spot * fade * normal_pdf(up)
    held, paid = normal_cdf(t.right * up), normal_cdf(t.right * (up - t.vol * root))
    decay = -density * t.vol / (2.0 * root)
    carry = t.right * (t.dividend_yield * t.spot * fade * held - t.rate * owed * paid)
    return (
        t.right * fade * held,
        density / (t.spot * t.spot * t.vol * root),
        (decay + carry) / _DAYS,
        density * root / _POINTS,
        t.right * left * owed * paid / _POINTS,
    )
