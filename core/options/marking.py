"""Marking open options at mid prices of the model.

Their value is part of the account's balance, as the variation margin of a future is. So equity,
and every size that follows from it, is right at any moment, for all the engine's rules.
"""

from __future__ import annotations

from typing import Final

from core.engine.jit import inlined, outlined
from core.engine.state import Account
from core.options.barone_adesi_whaley import baw_price
from core.options.european import Terms, bsm_price
from core.options.state import Book, OptionTerms

_DAYS: Final = 365.0


@inlined
def mid_price(
    terms: OptionTerms, right: int, strike: float, ahead: tuple[float, float, float]
) -> float:
    """Return the price of one option; `ahead` are the spot, the days to expiry, the volatility."""
    spot, days, vol = ahead
    years = days / _DAYS
    t = Terms(float(right), spot, strike, years, vol, terms.rate, terms.dividend_yield)
    return baw_price(t) if terms.american else bsm_price(t)


@outlined
def legs_mark(book: Book, account: Account, spot: float, day: float, vol: float) -> None:
    """Mark every leg; `day` is the session less the part of it that is left."""
    desk, terms = book.desk[0], book.terms[0]
    value = 0.0
    for k in range(desk.legs):
        leg = book.legs[k]
        leg.price = mid_price(terms, leg.right, leg.strike, (spot, leg.expiry - day, vol))
        leg.highest = max(leg.highest, leg.price)
        leg.lowest = min(leg.lowest, leg.price)
        value += leg.quantity * leg.price * terms.multiplier
    account.balance += value - desk.value
    desk.value = value
