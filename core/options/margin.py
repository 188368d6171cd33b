"""What open options tie up of an account's money.

The rules are those of a US margin account (Cboe Margin Manual; FINRA rule 4210(f)(2)):

- A short call is covered by the shares it delivers: nothing is tied up beyond them.
- A short option and a long one of the same right that does not expire sooner are a spread: it ties
  up what it can lose, the distance of the strikes, or nothing where the long strike is the better.
- What is left is naked and ties up its price, 20 % of the underlying less what it is out of the
  money, and at least its price and 10 % of the underlying (a call) or of the strike (a put).
- Puts and calls that expire on one day cannot both be in the money: the greater of the two sums
  counts, and the price of what is naked on the other side.

In a cash account, and for a position that says so, a short put ties up its whole strike and a short
call without shares or a long call is not allowed: it ties up infinitely much. Prices paid for long
options are gone, what they are worth secures nothing.
"""

from __future__ import annotations

import math
from typing import Final

from core.engine.jit import inlined, outlined
from core.options.state import Book, Leg, OptionTerms

_SHARE: Final = 0.2
_LEAST: Final = 0.1


@inlined
def naked(terms: OptionTerms, leg: Leg, spot: float) -> float:
    """Return what one naked contract ties up."""
    if terms.cash_margin or leg.secured:
        return leg.strike * terms.multiplier if leg.right < 0 else math.inf
    out = max(leg.right * (leg.strike - spot), 0.0)
    least = _LEAST * (spot if leg.right > 0 else leg.strike)
    return (leg.price + max(_SHARE * spot - out, least)) * terms.multiplier


@inlined
def _shares_cover(book: Book, shares: float) -> None:
    """Leave each short leg with the contracts that no shares cover, secured calls first."""
    desk, terms = book.desk[0], book.terms[0]
    whole = math.floor(shares / terms.multiplier + 1e-9) if shares > 0.0 else 0.0
    for k in range(desk.legs):
        leg = book.legs[k]
        leg.spare = abs(leg.quantity)
        leg.tied = 0.0
    for turn in range(2):
        for k in range(desk.legs):
            leg = book.legs[k]
            if leg.quantity < 0.0 and leg.right > 0 and leg.secured == (turn == 0):
                taken = min(whole, leg.spare)
                leg.spare -= taken
                whole -= taken


@inlined
def _better(book: Book, k: int, spot: float) -> int:
    """Return the long leg that makes the cheapest spread with short leg `k`, or -1."""
    short, terms = book.legs[k], book.terms[0]
    least = naked(terms, short, spot)
    found = -1
    for j in range(book.desk[0].legs):
        leg = book.legs[j]
        if leg.quantity <= 0.0 or leg.spare <= 0.0 or leg.right != short.right:
            continue
        width = max(short.right * (leg.strike - short.strike), 0.0) * terms.multiplier
        if leg.expiry >= short.expiry and width < least:
            least = width
            found = j
    return found


@inlined
def _spreads_pair(book: Book, spot: float) -> None:
    """Pair what is left of the short legs with long ones, the cheapest spread first."""
    terms = book.terms[0]
    for k in range(book.desk[0].legs):
        short = book.legs[k]
        while short.quantity < 0.0 and short.spare > 0.0:
            j = _better(book, k, spot)
            if j < 0:
                break
            leg = book.legs[j]
            paired = min(short.spare, leg.spare)
            width = max(short.right * (leg.strike - short.strike), 0.0)
            short.tied += paired * width * terms.multiplier
            short.spare -= paired
            leg.spare -= paired


@outlined
def requirement(book: Book, shares: float, spot: float) -> float:
    """Return what all open legs tie up beside `shares` at a price of the underlying."""
    terms, legs = book.terms[0], book.desk[0].legs
    _shares_cover(book, shares)
    _spreads_pair(book, spot)
    total = 0.0
    for k in range(legs):
        if book.legs[k].quantity > 0.0 or not _first_of_expiry(book, k):
            continue
        puts = calls = put_price = call_price = 0.0
        for j in range(k, legs):
            leg = book.legs[j]
            if leg.quantity > 0.0 or leg.expiry != book.legs[k].expiry:
                continue
            tied = leg.tied + (leg.spare * naked(terms, leg, spot) if leg.spare > 0.0 else 0.0)
            price = leg.spare * leg.price * terms.multiplier
            if leg.right > 0:
                calls += tied
                call_price += price
            else:
                puts += tied
                put_price += price
        total += puts + call_price if puts >= calls else calls + put_price
    return total


@inlined
def _first_of_expiry(book: Book, k: int) -> bool:
    """Whether no short leg before `k` has its expiry."""
    for j in range(k):
        if book.legs[j].quantity < 0.0 and book.legs[j].expiry == book.legs[k].expiry:
            return False
    return True
