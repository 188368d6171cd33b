"""Whether a bar fills an order that waits, at what price, and what is known of the bar then.

Rules 2 to 5. `buys` is 1 for a purchase and -1 for a sale. A touched stop is struck off its ticket,
which makes a stop-limit order a plain limit order.
"""

from __future__ import annotations

import numpy as np

from core.engine.jit import constant, inlined
from core.engine.state import Bar, Ticket
from core.engine.stops import stop_fill_price, stop_touched, take_fill_price, take_touched

UNTOUCHED = constant(0)
AT_OPEN = constant(1)
"""The whole bar comes after the fill."""
AT_LIMIT = constant(2)
"""The price came down (a purchase) to the limit."""
AT_STOP = constant(3)
"""The price went up (a purchase) to the stop."""
ON_THE_WAY_BACK = constant(4)
"""The price went up to the stop and came down to the limit, where it closed or below."""


@inlined
def ticket_touched(ticket: Ticket, buys: int, level: float, bar: Bar) -> tuple[float, int]:
    """Return the price before costs, and how it came to it; `level` is the limit less the spread.

    What is certain counts: where a stop-limit order triggers inside a bar and its limit lies on
    the other side of the stop, it fills only if the bar closes at the limit or beyond.
    """
    stop = ticket.stop
    if not np.isnan(stop):
        if not stop_touched(-buys, stop, bar.high, bar.low):
            return 0.0, UNTOUCHED
        ticket.stop = np.nan
        at_open = stop_touched(-buys, stop, bar.open, bar.open)
        price = stop_fill_price(-buys, stop, bar.open)
        if np.isnan(level):
            return price, AT_OPEN if at_open else AT_STOP
        if not at_open:
            if take_touched(-buys, level, price, price):
                return price, AT_STOP
            back = take_touched(-buys, level, bar.close, bar.close)
            return level, ON_THE_WAY_BACK if back else UNTOUCHED
    if not take_touched(-buys, level, bar.high, bar.low):
        return 0.0, UNTOUCHED
    at_open = take_touched(-buys, level, bar.open, bar.open)
    return take_fill_price(-buys, level, bar.open), AT_OPEN if at_open else AT_LIMIT


@inlined
def ticket_touched_reference(
    ticket: Ticket, buys: int, market_price: float, bar: Bar
) -> tuple[float, int]:
    """Return the same as backtesting.py 0.6.6 sees it; `market_price` is that of market orders.

    A stop-limit order that triggers fills at its stop, wherever the bar opened, and only if its
    limit lies beyond the stop.
    """
    stop, limit = ticket.stop, ticket.limit
    triggered = not np.isnan(stop)
    if triggered:
        if not stop_touched(-buys, stop, bar.high, bar.low):
            return 0.0, UNTOUCHED
        ticket.stop = np.nan
        if np.isnan(limit):
            return stop_fill_price(-buys, stop, market_price), AT_STOP
    if not take_touched(-buys, limit, bar.high, bar.low):
        return 0.0, UNTOUCHED
    if not triggered:
        return take_fill_price(-buys, limit, bar.open), AT_LIMIT
    beyond = (limit - stop) * buys > 0.0
    return take_fill_price(-buys, limit, stop), AT_LIMIT if beyond else UNTOUCHED


@inlined
def bar_after(bar: Bar, buys: int, price: float, how: int) -> Bar:
    """Return what of a bar a position must reckon with that was opened in it at `price`.

    Of what may have come before the fill, that which would be good is left out, and that which
    would be bad is not.
    """
    if how == AT_OPEN:
        return bar
    high, low = bar.high, bar.low
    if how != AT_STOP:
        if buys > 0:
            high = max(price, bar.close)
        else:
            low = min(price, bar.close)
    return Bar(bar.number, bar.ts, price, high, low, bar.close)
