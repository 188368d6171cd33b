"""What trading costs: the price a fill pays and the commission on it (rule 11)."""

from __future__ import annotations

from core.engine.jit import inlined
from core.engine.state import Terms


@inlined
def entry_price(terms: Terms, side: int, reference_price: float) -> float:
    """Price an entry pays: the whole spread, which is paid here once a round trip, and slippage."""
    return reference_price * (1.0 + side * (terms.spread + terms.slippage))


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
def commission(terms: Terms, quantity: float, price: float) -> float:
    """Commission on one order: fixed, by notional and by unit, then the minimum and maximum."""
    fee = terms.fee_per_order + quantity * price * terms.fee_percent + quantity * terms.fee_per_unit
    return min(max(fee, terms.fee_minimum), terms.fee_maximum)
