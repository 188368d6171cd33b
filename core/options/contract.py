"""A contract and its symbol."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from core.engine.option_rules import Right

# Root, day, right, strike in thousandths: the padding of the root may be there or not. A root is
# what the underlying is called in the market data, so it may be longer than six letters.
SYMBOL: Final = re.compile(
    r"(?P<root>[A-Z0-9.^_\-]{1,17}?) *(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{8})"
)

# An option that is so far in the money at its expiry is exercised by itself.
IN_THE_MONEY: Final = 0.01


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


class Named(NamedTuple):
    """A contract with the symbol of what it is on."""

    underlying: str
    contract: Contract


@lru_cache(maxsize=4096)
def contract_parse(symbol: str) -> Named | None:
    """Return what a symbol by the Options Symbology Initiative names; None where it is none.

    The opposite of `contract_symbol` for strikes of up to three decimals.
    """
    found = SYMBOL.fullmatch(symbol)
    if found is None:
        return None
    written = found["day"]
    try:
        day = np.datetime64(f"20{written[:2]}-{written[2:4]}-{written[4:]}", "D")
    except ValueError:
        return None
    right = Right.CALL if found["right"] == "C" else Right.PUT
    strike = int(found["strike"]) / 1000.0
    if strike <= 0.0:
        return None
    return Named(found["root"], Contract(right, strike, int(day.astype(np.int64))))
