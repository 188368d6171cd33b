"""A contract and its symbol."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from core.engine.option_rules import Right


class Contract(NamedTuple):
    """One option series.

    Attributes
    ----------
    right : Right
    strike : float
    expiry : int
        Days from 1970-01-01 to the session at whose close it expires.
    """

    right: Right
    strike: float
    expiry: int


@lru_cache(maxsize=4096)
def contract_symbol(contract: Contract, underlying: str = "") -> str:
    """Return the symbol by the Options Symbology Initiative, without the padding of the root.

    `AAPL240119P00150000` is the put on AAPL at 150 that expires on 2024-01-19: the strike is in
    thousandths, eight digits of them. A strike that has no such form is written out as it is.
    """
    date = str(np.datetime64(contract.expiry, "D")).replace("-", "")[2:]
    letter = "C" if contract.right == Right.CALL else "P"
    thousandths = contract.strike * 1000.0
    fits = abs(thousandths - round(thousandths)) < 1e-6 and thousandths < 1e8
    strike = f"{round(thousandths):08d}" if fits else f"{contract.strike:.9g}"
    return f"{underlying}{date}{letter}{strike}"
