"""What trading costs: the price a fill pays and the commission on it (rule 11)."""

from __future__ import annotations

from core.engine.jit import inlined
from core.engine.state import Terms


@inlined
def entry_price(terms: Terms, side: int, reference_price: float, slippage: float) -> float:
    """Price an entry pays: the whole spread, which is paid here once a round trip, and slippage."""
    return reference_price * (1.0 + side * (terms.spread + slippage))


@inlined
def exit_price(side: int, reference_price: float, slippage: float) -> float:
    """Price an order gets when it closes a position of `side`; limit orders do not slip."""
    return reference_price * (1.0 - side * slippage)


@inlined
def limit_level(terms: Terms, limit: float, buys: int) -> float:
    """Return the price of the bars at which an entry at `limit` fills: it pays the spread, too."""
    return limit / (1.0 + buys * terms.spread)


@inlined
def limit_paid(terms: Terms, reference_price: float, limit: float, buys: int) -> float:
    """Price an entry at a limit pays: with the spread, and never beyond the limit."""
    paid = reference_price * (1.0 + buys * terms.spread)
    return min(paid, limit) if buys > 0 else max(paid, limit)


@inlined
def commission(terms: Terms, side: int, quantity: float, price: float, percent: float) -> float:
    """Commission on one order: fixed, by notional and by unit, bounded, and the levies on its side.

    `percent` is `fee_percent`, or `fee_maker` of a limit order that has rested.
    """
    fee = terms.fee_per_order + quantity * price * percent + quantity * terms.fee_per_unit
    fee = min(max(fee, terms.fee_minimum), terms.fee_maximum)
    if terms.fee_bounded:
        fee = min(fee, quantity * price * terms.fee_maximum_percent)
    if terms.levied:
        fee += quantity * levy_per_unit(terms, side, price) + levy_per_order(terms, side)
    return fee


@inlined
def levy_per_unit(terms: Terms, side: int, price: float) -> float:
    """Return what taxes and levies take of each unit that is bought or sold."""
    if side > 0:
        return price * terms.levy_buy
    return price * terms.levy_sell + terms.levy_sell_unit


@inlined
def levy_per_order(terms: Terms, side: int) -> float:
    """Return what they take of each order."""
    return 0.0 if side > 0 else terms.levy_sell_order
