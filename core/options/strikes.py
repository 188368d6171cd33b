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
    """

    spot: float
    vol: float
    rate: float
    dividend_yield: float
    years: float
    model: Literal["bsm", "baw"]
    step: float


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
            return wanted.value
        case StrikeBy.ATM:
            return _shifted(strike_nearest(at.spot, at.step), wanted.value, at.step)
        case StrikeBy.OTM:
            return strike_nearest(at.spot * (1.0 + right * wanted.value), at.step)
        case StrikeBy.LEG_STRIKES:
            return _shifted(earlier[wanted.leg], wanted.value, at.step)
        case StrikeBy.LEG_WIDTH:
            target = earlier[wanted.leg] + wanted.value
            return strike_nearest(target, at.step) if target > 0.0 else NONE
        case StrikeBy.DELTA | StrikeBy.PREMIUM:
            return _by_value(wanted, right, at)
    raise ValueError(f"unknown way to choose a strike: {wanted.by!r}")


def _by_value(wanted: Strike, right: Right, at: Moment) -> float:
    """Return the strike whose delta or premium is nearest to what is wanted."""
    if not (at.vol > 0.0 and at.years > 0.0):
        return NONE
    strikes = _listed(at)
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
    last = max(math.floor(_REACH * at.spot / at.step), 1)
    numbers = np.arange(max(1, last - _MOST), last + 1)
    return np.round(numbers * at.step, _DIGITS)


def _shifted(strike: float, strikes: float, step: float) -> float:
    shifted = round(strike + strikes * step, _DIGITS)
    return shifted if shifted > 0.0 else NONE


def _strike(number: int, step: float) -> float:
    return round(max(number, 1) * step, _DIGITS)
