"""Orders that wait for their price, bar by bar (rules 2 to 7)."""

from __future__ import annotations

import numpy as np

from core.engine.costs import entry_price, limit_level, limit_paid
from core.engine.entries import SLIPS, entry_fill
from core.engine.fills import (
    RESTS,
    SIGNAL,
    TAKES,
    exit_quantity,
    guards_check,
    lot_guard,
    position_reduce,
)
from core.engine.jit import constant, inlined, outlined
from core.engine.slippage import slippage_of
from core.engine.state import Bar, Cause, Deal, Moment, Run
from core.engine.stops import stop_touched, take_touched
from core.engine.tickets import ticket_cancel, ticket_expired, ticket_follow
from core.engine.touch import (
    AT_LIMIT,
    AT_OPEN,
    UNTOUCHED,
    bar_after,
    ticket_touched,
    ticket_touched_reference,
)
from core.engine.volume import volume_take

LEAVING_AT_STOPS = constant(0)
"""What comes before the guards within a bar (rule 6)."""
LEAVING_AT_LIMITS = constant(1)
ENTERING = constant(2)


@inlined
def orders_check(run: Run, bar: Bar, market_price: float) -> None:
    """Rule 6: go through a bar with what waits and the guards, in their order."""
    at_stops, at_limits = exits_wait(run)
    if at_stops:
        waiting_check(run, bar, market_price, LEAVING_AT_STOPS, bar.number)
    guards_check(run, bar)
    if at_limits:
        waiting_check(run, bar, market_price, LEAVING_AT_LIMITS, bar.number)
    waiting_check(run, bar, market_price, ENTERING, bar.number)


@inlined
def exits_wait(run: Run) -> tuple[bool, bool]:
    """Return whether exits wait at stops, and at limits."""
    at_stops = at_limits = False
    for k in range(run.tickets.size):
        if run.tickets[k].waiting:
            step = ticket_step(run, k)
            at_stops = at_stops or step == LEAVING_AT_STOPS
            at_limits = at_limits or step == LEAVING_AT_LIMITS
    return at_stops, at_limits


@outlined
def entries_again(run: Run, bar: Bar, market_price: float) -> None:
    """Go through the last bar once more, as the reference does, less what expired at its close."""
    waiting_check(run, bar, market_price, ENTERING, bar.number + 1)


@outlined
def waiting_check(run: Run, bar: Bar, market_price: float, step: int, now: int) -> None:
    """Look at the orders that wait, in order of priority, for one step of a bar.

    `now` is the number of the bar as far as time in force is concerned.
    """
    for k in range(run.tickets.size):
        if not run.tickets[k].waiting or ticket_step(run, k) != step:
            continue
        if ticket_expired(run, k, now):
            ticket_cancel(run, k)
            run.counters.expired += 1
        elif step == ENTERING:
            entry_check(run, k, bar, market_price)
        else:
            exit_check(run, k, bar)


@inlined
def ticket_step(run: Run, k: int) -> int:
    """Return the step of a bar that an order belongs to."""
    rule = run.plan.rules[k]
    if rule.opens:
        return ENTERING
    return LEAVING_AT_LIMITS if rule.limit_kind != 0 else LEAVING_AT_STOPS


@inlined
def rested(run: Run, k: int, bar: int, how: int) -> bool:
    """Whether an order without a stop to come was a limit order that others traded with.

    One that the first open after its decision fills has found its price there already.
    """
    at_once = how == AT_OPEN and bar == run.tickets[k].bar + 1 and run.holding.finer == 0
    limited: bool = run.plan.rules[k].limit_kind != 0
    return limited and not at_once


@inlined
def entry_check(run: Run, k: int, bar: Bar, market_price: float) -> None:
    """Fill the waiting entry of rule `k` if the bar reaches its price, and guard its lot."""
    terms, holding = run.terms, run.holding
    rule, ticket = run.plan.rules[k], run.tickets[k]
    buys, triggered = ticket.buys, np.isnan(ticket.stop)
    if terms.reference:
        pure_stop = rule.limit_kind == 0
        price, how = ticket_touched_reference(ticket, buys, market_price, bar)
    else:
        pure_stop = False
        price, how = ticket_touched(ticket, buys, limit_level(terms, ticket.limit, buys), bar)
    if how == UNTOUCHED:
        ticket_follow(run, k, bar)
        return
    ticket_cancel(run, k)
    if holding.position * buys > 0.0 and holding.lots >= rule.max_entries:
        run.counters.rejected_full += 1
        return
    limited = rule.limit_kind != 0
    slips = TAKES if limited else SLIPS
    rests = RESTS if triggered and rested(run, k, bar.number, how) else TAKES
    paid = entry_price(terms, buys, price, slippage_of(run, bar.number, 0.0))
    if limited and not terms.reference:
        paid = limit_paid(terms, price, ticket.limit, buys)
    if not entry_fill(run, k, Moment(bar.number, bar.ts, price), Deal(paid, slips, rests)):
        return
    if terms.reference:
        reference_guard(run, bar, pure_stop)
    else:
        doubtful = how not in (AT_OPEN, AT_LIMIT)
        lot_guard(run, holding.lots - 1, bar_after(bar, buys, price, how), doubtful)


@inlined
def reference_guard(run: Run, bar: Bar, pure_stop: bool) -> None:  # noqa: FBT001 - numba passes by place
    """Guard a lot in the bar of its entry where backtesting.py does.

    It looks at a stop entry whose take-profit was reached and whose stop-loss was not.
    """
    lot = run.lots[run.holding.lots - 1]
    taken = take_touched(lot.side, lot.take_profit, bar.high, bar.low)
    stopped = stop_touched(lot.side, lot.stop_loss, bar.high, bar.low)
    if pure_stop and taken and not stopped:
        lot_guard(run, run.holding.lots - 1, bar, False)  # noqa: FBT003 - numba passes by place
    else:
        lot.highest = max(lot.highest, bar.high)
        lot.lowest = min(lot.lowest, bar.low)


@inlined
def exit_check(run: Run, k: int, bar: Bar) -> None:
    """Fill the waiting exit of rule `k` if the bar reaches its price.

    An order whose position is gone is cancelled.
    """
    rule, ticket, holding = run.plan.rules[k], run.tickets[k], run.holding
    buys = ticket.buys
    if holding.position * buys >= 0.0:
        ticket_cancel(run, k)
        return
    triggered = np.isnan(ticket.stop)
    price, how = ticket_touched(ticket, buys, ticket.limit, bar)
    if how == UNTOUCHED:
        ticket_follow(run, k, bar)
        return
    wanted = exit_quantity(run, rule.fraction)
    if ticket.rest > 0.0:
        wanted = min(ticket.rest, abs(holding.position))
    quantity = volume_take(run, bar.number, wanted)
    ticket.rest = wanted - quantity
    if ticket.rest <= 0.0:
        ticket_cancel(run, k)
    elif rule.limit_kind == 0:
        ticket.stop = -buys * np.inf  # it is triggered: the rest follows at the next open
        ticket.distance = np.nan
    if quantity > 0.0:
        slippage = 0.0 if rule.limit_kind != 0 else slippage_of(run, bar.number, quantity)
        rests = RESTS if triggered and rested(run, k, bar.number, how) else TAKES
        at = Moment(bar.number, bar.ts, price)
        position_reduce(run, at, quantity, slippage, Cause(k, SIGNAL, rests))
