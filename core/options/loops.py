"""Loops over many contracts: the formulas of this package, one column of terms at a time.

The rows of a `table` are the fields of `european.Terms`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.jit import inlined
from core.options.barone_adesi_whaley import baw_price
from core.options.binomial import tree_price
from core.options.european import Terms, bsm_greeks, bsm_price, moved
from core.options.implied import implied_vol
from core.options.jit import looped

BSM: Final = 0
BAW: Final = 1
LEISEN_REIMER: Final = 2
CRR: Final = 3

_DAY: Final = 1.0 / 365.0
_VOL_STEP: Final = 5e-3
_RATE_STEP: Final = 1e-4

Table = NDArray[np.float64]


@inlined
def _terms(table: Table, k: int) -> Terms:
    return Terms(
        table[0, k],
        table[1, k],
        table[2, k],
        table[3, k],
        table[4, k],
        table[5, k],
        table[6, k],
    )


@inlined
def _known(table: Table, k: int) -> bool:
    """Whether the terms of contract `k` are numbers that a formula can work with."""
    for row in range(table.shape[0]):
        if math.isnan(table[row, k]):
            return False
    sound: bool = table[1, k] > 0.0 and table[2, k] > 0.0
    return sound


@looped
def price_loop(table: Table, model: int, steps: int) -> Table:
    """Price every contract by a model."""
    found = np.full(table.shape[1], np.nan)
    american = True
    for k in range(table.shape[1]):
        if not _known(table, k):
            continue
        if model == BSM:
            found[k] = bsm_price(_terms(table, k))
        elif model == BAW:
            found[k] = baw_price(_terms(table, k))
        else:
            found[k] = tree_price(_terms(table, k), steps, american, model == LEISEN_REIMER)
    return found


@looped
def greeks_loop(table: Table, model: int) -> Table:
    """Return a row a greek and a column a contract."""
    found = np.full((5, table.shape[1]), np.nan)
    for k in range(table.shape[1]):
        if not _known(table, k):
            continue
        terms = _terms(table, k)
        if model == BSM or terms.years <= 0.0 or terms.vol <= 0.0:
            greeks = bsm_greeks(terms)
        else:
            greeks = _differences(terms)
        for row in range(5):
            found[row, k] = greeks[row]
    return found


@inlined
def _differences(t: Terms) -> tuple[float, float, float, float, float]:
    """Greeks of an American option by differences of its price."""
    at = baw_price(t)
    shift = 1e-3 * t.spot
    over = baw_price(moved(t, t.spot + shift, t.years, t.vol))
    under = baw_price(moved(t, t.spot - shift, t.years, t.vol))
    later = baw_price(moved(t, t.spot, max(t.years - _DAY, 0.0), t.vol))
    calm = max(t.vol - _VOL_STEP, 1e-4)
    livelier = baw_price(moved(t, t.spot, t.years, t.vol + _VOL_STEP))
    calmer = baw_price(moved(t, t.spot, t.years, calm))
    rate = t.rate + _RATE_STEP
    dearer = baw_price(Terms(t.right, t.spot, t.strike, t.years, t.vol, rate, t.dividend_yield))
    return (
        (over - under) / (2.0 * shift),
        (over - 2.0 * at + under) / (shift * shift),
        (later - at) / min(t.years / _DAY, 1.0),
        (livelier - calmer) / (t.vol + _VOL_STEP - calm) / 100.0,
        (dearer - at) / _RATE_STEP / 100.0,
    )


@looped
def implied_loop(table: Table, prices: Table, model: int) -> Table:
    """Return the volatility behind each price."""
    found = np.full(table.shape[1], np.nan)
    for k in range(table.shape[1]):
        if _known(table, k):
            found[k] = implied_vol(_terms(table, k), prices[k], model == BAW)
    return found
