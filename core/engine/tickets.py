"""The orders of rules: written at a decision, waiting for their price, cancelled (rules 2 to 5)."""

from __future__ import annotations

import numpy as np

from core.engine.costs import entry_price
from core.engine.jit import inlined, outlined
from core.engine.program import OrderKind, PriceKind
from core.engine.slippage import slippage_of
from core.engine.state import Bar, LoweredRule, Moment, Run
from core.engine.stops import guards_sound, level_read, ticks_rounded

_MARKET = int(OrderKind.MARKET)
_TRAILING = int(OrderKind.TRAILING_STOP)
_OFFSET = int(PriceKind.OFFSET)
_SERIES = int(PriceKind.SERIES)


@inlined
def price_read(kind: int, value: float, level: float, close: float) -> float:
    """Return a price of an order as its decision at `close` finds it; NaN where it has none."""
    if kind == 0:
        return np.nan
    if kind == _OFFSET:
        return close * (1.0 + value)
    return level if kind == _SERIES else value


@inlined
def distance_read(run: Run, rule: LoweredRule, bar: int) -> float:
    """Return how far behind the price a trailing stop follows: a fraction, or a distance."""
    if rule.trigger_kind != _SERIES:
        return rule.trigger_value
    level = level_read(run, rule.trigger_row, rule.trigger_register, bar)
    return rule.trigger_value * level


@inlined
def trailing_price(rule: LoweredRule, distance: float, buys: int, price: float) -> float:
    """Rule 5: where a trailing stop stands that follows `price`."""
    if rule.trigger_kind == _OFFSET:
        return price * (1.0 + buys * distance)
    return price + buys * distance


@inlined
def ticket_write(run: Run, k: int, at: Moment, buys: int) -> bool:
    """Note what the decision of rule `k` sees; False where its prices or guards are unsound.

    `at` is the close of the decision. An order that cannot be priced or guarded as its rule says
    is rejected, never sent otherwise.
    """
    rule, ticket = run.plan.rules[k], run.tickets[k]
    if ticket.waiting:
        ticket_cancel(run, k)
    ticket.bar = at.bar
    ticket.buys = buys
    ticket.base = at.price
    if rule.order_kind != _MARKET and not prices_write(run, k, at.price):
        run.counters.rejected_price += 1
        return False
    guarded = rule.stop_kind != 0 or rule.take_kind != 0 or rule.trail_kind != 0
    if not guarded or guards_write(run, k):
        return True
    run.counters.rejected_stop += 1
    return False


@outlined
def guards_write(run: Run, k: int) -> bool:
    """Note what the guards of an entry refer to; return whether they are sound."""
    rule, ticket, terms = run.plan.rules[k], run.tickets[k], run.terms
    ticket.stop_level = level_read(run, rule.stop_row, rule.stop_register, ticket.bar)
    ticket.take_level = level_read(run, rule.take_row, rule.take_register, ticket.bar)
    ticket.trail_level = level_read(run, rule.trail_row, rule.trail_register, ticket.bar)
    paid = ticket.base
    if rule.limit_kind == 0 and not (terms.reference and rule.trigger_kind != 0):
        slippage = slippage_of(run, ticket.bar + 1, 0.0)
        paid = entry_price(terms, rule.side, ticket.base, slippage)
    return guards_sound(terms, rule, ticket, paid, ticket.base if terms.reference else paid)


@outlined
def prices_write(run: Run, k: int, close: float) -> bool:
    """Find the prices of an order that is to wait, to the tick, and whether each is a price."""
    rule, ticket, terms = run.plan.rules[k], run.tickets[k], run.terms
    bar, buys = ticket.bar, ticket.buys
    ticket.rest = 0.0
    ticket.distance = np.nan
    level = level_read(run, rule.limit_row, rule.limit_register, bar)
    limit = price_read(rule.limit_kind, rule.limit_value, level, close)
    if rule.order_kind == _TRAILING:
        ticket.distance = distance_read(run, rule, bar)
        stop = trailing_price(rule, ticket.distance, buys, close)
        if not ticket.distance > 0.0:
            return False
    else:
        level = level_read(run, rule.trigger_row, rule.trigger_register, bar)
        stop = price_read(rule.trigger_kind, rule.trigger_value, level, close)
    ticket.limit = ticks_rounded(terms, limit, -buys)
    ticket.stop = ticks_rounded(terms, stop, buys)
    ticket.base = ticket.stop if rule.limit_kind == 0 else ticket.limit
    limit_sound: bool = rule.limit_kind == 0 or 0.0 < ticket.limit < np.inf
    stop_sound: bool = rule.trigger_kind == 0 or 0.0 < ticket.stop < np.inf
    return limit_sound and stop_sound


@inlined
def ticket_wait(run: Run, k: int) -> None:
    """Have the order of rule `k` wait from the next bar on."""
    run.tickets[k].waiting = True
    run.holding.waiting += 1


@inlined
def ticket_cancel(run: Run, k: int) -> None:
    """Have the order of rule `k` wait no longer."""
    run.tickets[k].waiting = False
    run.holding.waiting -= 1


@outlined
def tickets_cancel(run: Run, bar: int) -> None:
    """Cancel every order that was placed before the close of `bar`."""
    for k in range(run.tickets.size):
        if run.tickets[k].waiting and run.tickets[k].bar < bar:
            ticket_cancel(run, k)


@inlined
def ticket_expired(run: Run, k: int, bar: int) -> bool:
    """Whether the time in force of an order ended before `bar`."""
    rule, ticket, series = run.plan.rules[k], run.tickets[k], run.plan.series
    expired = False
    if rule.bars > 0:
        expired = bar - ticket.bar > rule.bars
    elif rule.day and bar < series.shape[1]:
        row = run.plan.session_row
        expired = series[row, bar] != series[row, ticket.bar + 1]
    return expired


@inlined
def ticket_follow(run: Run, k: int, bar: Bar) -> None:
    """Rule 5: a trailing stop follows the price of a closed bar, and acts from the next."""
    ticket, rule = run.tickets[k], run.plan.rules[k]
    buys = ticket.buys
    if np.isnan(ticket.distance) or np.isnan(ticket.stop):
        return
    extreme = bar.low if buys > 0 else bar.high
    stop = trailing_price(rule, ticket.distance, buys, extreme)
    stop = ticks_rounded(run.terms, stop, buys)
    nearer = stop < ticket.stop if buys > 0 else stop > ticket.stop
    if nearer and stop > 0.0:
        ticket.stop = stop
