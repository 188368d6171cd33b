"""Prices, greeks and implied volatilities of many contracts at once.

Arguments broadcast as numpy's do: one underlying and many strikes, a bar a row and a contract a
column. NaN in gives NaN out. `right` is 1 for a call and -1 for a put; `years` is the time to
expiry in years, `vol`, `rate` and `dividend_yield` are fractions a year, the last two compounded
continuously.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InvalidInput
from core.options.compiled import loops_load
from core.options.loops import BAW, BSM, CRR, LEISEN_REIMER

Model = Literal["bsm", "baw", "leisen_reimer", "crr"]
"""European closed form; American by Barone-Adesi and Whaley; American on a tree."""

Floats = NDArray[np.float64]

_MODELS: Final = {"bsm": BSM, "baw": BAW, "leisen_reimer": LEISEN_REIMER, "crr": CRR}
_MOST_STEPS: Final = 10_001


class Greeks(NamedTuple):
    """How a price moves, each for one option on one share.

    Attributes
    ----------
    delta : ndarray
        Account currency for one of the underlying.
    gamma : ndarray
        Change of delta for one of the underlying.
    theta_per_day : ndarray
        For one calendar day less to expiry.
    vega_per_vol_point : ndarray
        For volatility up by 0.01.
    rho_per_rate_point : ndarray
        For the rate up by 0.01.
    """

    delta: Floats
    gamma: Floats
    theta_per_day: Floats
    vega_per_vol_point: Floats
    rho_per_rate_point: Floats


def option_price(
    *,
    right: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
    model: Model = "bsm",
    steps: int = 101,
) -> Floats:
    """Return prices by a model.

    Parameters
    ----------
    model : {"bsm", "baw", "leisen_reimer", "crr"}
        See `core.options.european`, `barone_adesi_whaley` and `binomial`. "baw" gives NaN for a
        negative rate.
    steps : int
        Of the tree, up to 10,001; its time grows with the square.

    Raises
    ------
    InvalidInput
        For an unknown model or a number of steps out of range.
    """
    if model not in _MODELS:
        known = ", ".join(get_args(Model))
        raise InvalidInput(f"There is no pricing model {model!r}; there are: {known}.")
    if not 1 <= steps <= _MOST_STEPS:
        raise InvalidInput(f"A tree has 1 to {_MOST_STEPS} steps, not {steps}.")
    table, shape = _table(right, spot, strike, years, vol, rate, dividend_yield)
    found: Floats = loops_load().price(table, _MODELS[model], steps)
    return found.reshape(shape)


def option_greeks(
    *,
    right: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
    model: Literal["bsm", "baw"] = "bsm",
) -> Greeks:
    """Return greeks: exact for "bsm", by central differences of the price for "baw".

    Gamma of "baw" is rough where early exercise begins: there the model's price has a kink.
    """
    if model not in ("bsm", "baw"):
        raise InvalidInput(f"Greeks are of the model bsm or baw, not {model!r}.")
    table, shape = _table(right, spot, strike, years, vol, rate, dividend_yield)
    return Greeks(*(row.reshape(shape) for row in loops_load().greeks(table, _MODELS[model])))


def implied_volatility(
    price: ArrayLike,
    *,
    right: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
    model: Literal["bsm", "baw"] = "bsm",
) -> Floats:
    """Return the volatility at which the model gives each price.

    NaN where no volatility between 0.0001 and 10 does: a price below the value without risk,
    above the underlying (a call) or the strike (a put), or at expiry.
    """
    if model not in ("bsm", "baw"):
        raise InvalidInput(f"Implied volatility is of the model bsm or baw, not {model!r}.")
    table, shape = _table(right, spot, strike, years, 0.0, rate, dividend_yield, price)
    found: Floats = loops_load().implied(table[:-1], table[-1], _MODELS[model])
    return found.reshape(shape)


def _table(*given: ArrayLike) -> tuple[Floats, tuple[int, ...]]:
    """Return the arguments as rows of one array, and the shape they broadcast to."""
    arrays = np.broadcast_arrays(*(np.asarray(one, dtype=np.float64) for one in given))
    table: Floats = np.stack([array.ravel() for array in arrays])
    return table, arrays[0].shape
