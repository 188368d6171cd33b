"""Strikes: which there are, and which one a rule means.

Strikes are the multiples of one step: the largest of 1, 2.5 and 5 times a power of ten that is at
most 2.5 % of the underlying's price. So they lie 0.5 apart at 20, 1 at 50, 2.5 at 100 and 5 at 200,
much as exchanges list them, and the rule works for a coin at 0.03 as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from core.engine.option_rules import Right, Strike, StrikeBy
from core.options.compiled import loops_load
from core.options.loops import BAW, BSM
from core.options.pricing import Floats

NONE: Final = math.nan

_SHARE: Final = 0.025
_ROUNDED: Final = (5.0, 2.5, 1.0)
_REACH: Final = 3.0  # of the price: how far up strikes are looked at
_MOST: Final = 2_000
_DIGITS: Final = 9
_APART: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Moment:
    """What a choice of strikes goes by.

    Attributes
    ----------
    spot : float
        Price of the underlying at the decision.
    vol, rate, dividend_yield, years : float
        What the options are priced by.
    model : "bsm" or "baw"
    step : float
        Distance of the strikes.
    listed : ndarray of float64, optional
        The strikes there are, in order, where a venue has said it; the step is not read then.
    """

    spot: float
    vol: float
    rate: float
    dividend_yield: float
    years: float
    model: Literal["bsm", "baw"]
    step: float
    listed: Floats | None = None


def strike_step(spot: float) -> float:
    """Return the distance of strikes at a price of the underlying."""
    most = _SHARE * spot
    power = 10.0 ** math.floor(math.log10(most))
    slack = 1.0 + 1e-12  # 2.5 % of 200 is 5, whatever the last bit says
    return next(factor * power for factor in _ROUNDED if factor * power <= most * slack)


def strike_nearest(price: float, step: float) -> float:
    """Return the strike nearest to a price: of two as near the lower, and at least one step."""
    return _strike(math.ceil(price / step - 0.5), step)


def strike_find(wanted: Strike, right: Right, at: Moment, earlier: Sequence[float]) -> float:
    """Return the strike that a leg means, NaN where there is none.

    `earlier` are the strikes of the legs before it.
    """
    match wanted.by:
        case StrikeBy.EXACT:
            return _exact(wanted.value, at)
        case StrikeBy.ATM:
            return _shifted(_nearest(at.spot, at), wanted.value, at)
        case StrikeBy.OTM:
            return _nearest(at.spot * (1.0 + right * wanted.value), at)
        case StrikeBy.LEG_STRIKES:
            return _shifted(earlier[wanted.leg], wanted.value, at)
        case StrikeBy.LEG_WIDTH:
            target = earlier[wanted.leg] + wanted.value
            return _nearest(target, at) if target > 0.0 else NONE
        case StrikeBy.DELTA | StrikeBy.PREMIUM:
            return _by_value(wanted, right, at)
    raise ValueError(f"unknown way to choose a strike: {wanted.by!r}")


def _by_value(wanted: Strike, right: Right, at: Moment) -> float:
    """Return the strike whose delta or premium is nearest to what is wanted."""
    if not (at.vol > 0.0 and at.years > 0.0):
        return NONE
    strikes = _listed(at)
    if not strikes.size:
        return NONE
    table = np.empty((7, strikes.size))
    table[2] = strikes
    table[0], table[1], table[3] = int(right), at.spot, at.years
    table[4], table[5], table[6] = at.vol, at.rate, at.dividend_yield
    if wanted.by == StrikeBy.DELTA:
        found = np.abs(loops_load().greeks(table, BSM)[0])
    else:
        found = loops_load().price(table, BSM if at.model == "bsm" else BAW, 1)
    return float(strikes[np.argmin(np.abs(found - wanted.value))])


def _listed(at: Moment) -> Floats:
    """Return the strikes from one step up to three times the price, the lowest left out if many."""
    if at.listed is not None:
        return at.listed
    last = max(math.floor(_REACH * at.spot / at.step), 1)
    numbers = np.arange(max(1, last - _MOST), last + 1)
    return np.round(numbers * at.step, _DIGITS)


def _exact(strike: float, at: Moment) -> float:
    if at.listed is None or np.isclose(at.listed, strike, rtol=0.0, atol=_APART).any():
        return strike
    return NONE


def _nearest(price: float, at: Moment) -> float:
    """Return the strike nearest to a price: of two as near the lower."""
    if at.listed is None:
        return strike_nearest(price, at.step)
    return float(at.listed[np.argmin(np.abs(at.listed - price))]) if at.listed.size else NONE


def _shifted(strike: float, strikes: float, at: Moment) -> float:
    if at.listed is not None:
        place = int(np.searchsorted(at.listed, strike - _APART)) + int(strikes)
        return float(at.listed[place]) if 0 <= place < at.listed.size else NONE
    shifted = round(strike + strikes * at.step, _DIGITS)
    return shifted if shifted > 0.0 else NONE


def _strike(number: int, step: float) -> float:
    return round(max(number, 1) * step, _DIGITS)
