"""What contracts are quoted at: the model's price, and what an order pays beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.options.compiled import loops_load
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.loops import BAW, BSM

Floats = NDArray[np.float64]


def mid_prices(
    contracts: Sequence[Contract], *, spot: float, vol: float, day: float, config: OptionsConfig
) -> Floats:
    """Return what the model says each contract is worth, for one share; NaN without a volatility.

    Parameters
    ----------
    contracts : sequence of Contract
    spot, vol : float
        Price of the underlying, and the volatility that is known.
    day : float
        The session, days from 1970-01-01, less the part of it that is left.
    config : OptionsConfig
    """
    table = np.empty((7, len(contracts)))
    for column, contract in enumerate(contracts):
        table[:, column] = (
            contract.right,
            spot,
            contract.strike,
            (contract.expiry - day) / 365.0,
            vol,
            config.rate,
            config.dividend_yield,
        )
    found: Floats = loops_load().price(table, BAW if config.style == "american" else BSM, 1)
    return found


def paid_prices(mids: Floats, sides: Floats, config: OptionsConfig) -> Floats:
    """Return the ask where `sides` are above zero, and the bid, never negative, where below."""
    half = 0.5 * np.maximum(config.spread * mids, config.minimum_spread)
    found: Floats = np.maximum(mids + np.sign(sides) * half, 0.0)
    return found
