"""What trading costs: the price a fill pays and the commission on it (rule 11)."""

from __future__ import annotations

from core.engine.jit import inlined
from core.engine.state import Terms


@inlined
def entry_price(terms: Terms, side: int, reference_price: float) -> float:
    """Price an entry pays: the whole spread, which is paid here once a round trip, and slippage."""
    return reference_price * (1.0 + side * (terms.spread + terms.slippage))


@inlined
def exit_price(terms: Terms, side: int, reference_price: float) -> float:
    """Price a market or stop order gets when it closes a position of `side`."""
    return reference_price * (1.0 - side * terms.slippage)


@inlined
def commission(terms: Terms, quantity: float, price: float) -> float:
    """Commission on one order: fixed, by notional and by unit, then the minimum and maximum."""
    fee = terms.fee_per_order + quantity * price * terms.fee_percent + quantity * terms.fee_per_unit
    return min(max(fee, terms.fee_minimum), terms.fee_maximum)
