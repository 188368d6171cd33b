"""What splits and dividends do to lots, orders and money, before anything else in their bar."""

from __future__ import annotations

import numpy as np

from core.engine.book import account_sum, fill_write, lot_close
from core.engine.fills import NO_RULE
from core.engine.jit import constant, inlined, outlined
from core.engine.program import PriceKind, StopKind
from core.engine.result import ExitReason
from core.engine.state import Bar, Lot, LoweredRule, Moment, Run, Terms, Ticket
from core.engine.stops import ticks_rounded

SPLIT = constant(ExitReason.SPLIT)
_FIRST = constant(0)
_PERCENT = int(StopKind.PERCENT)
_OFFSET = int(PriceKind.OFFSET)
_UNIT = 1.0
_SLIP = 1e-9  # relative: units that are whole on paper have no fraction


@outlined
def units_split(run: Run, bar: int, ratio: float) -> None:
    """Have `ratio` units for each one before, from the open of `bar` on.

    All that is a price, or a distance of prices, is divided: of lots and of every order, also of
    one that is for the market at this open.
    """
    holding = run.holding
    for k in range(holding.lots):
        lot_split(run.terms, run.lots[k], ratio)
    for k in range(run.tickets.size):
        ticket_split(run.terms, run.tickets[k], run.plan.rules[k], ratio)
    run.order.rest *= ratio
    holding.split_bar = bar
    holding.split = ratio
    account_sum(run)
    run.counters.splits += holding.lots > 0


@inlined
def lot_split(terms: Terms, lot: Lot, ratio: float) -> None:
    """Tell a lot in the units after a split."""
    lot.quantity *= ratio
    lot.entry_price /= ratio
    lot.reference_price /= ratio
    lot.highest /= ratio
    lot.lowest /= ratio
    lot.stop_loss = ticks_rounded(terms, lot.stop_loss / ratio, -lot.side)
    lot.take_profit = ticks_rounded(terms, lot.take_profit / ratio, lot.side)
    if lot.trail_kind != _PERCENT:
        lot.trail /= ratio


@inlined
def ticket_split(terms: Terms, ticket: Ticket, rule: LoweredRule, ratio: float) -> None:
    """Tell the order of a rule in the units after a split."""
    ticket.base /= ratio
    ticket.limit = ticks_rounded(terms, ticket.limit / ratio, -ticket.buys)
    ticket.stop = ticks_rounded(terms, ticket.stop / ratio, ticket.buys)
    ticket.rest *= ratio
    ticket.stop_level /= ratio
    ticket.take_level /= ratio
    ticket.trail_level /= ratio
    if rule.trigger_kind != _OFFSET:
        ticket.distance /= ratio


@outlined
def dividend_pay(run: Run, dividend: float) -> None:
    """Pay the holder of each unit, who may owe it: a short position pays."""
    paid = run.holding.position * dividend
    run.account.balance += paid
    run.holding.earned += paid
    run.counters.dividends_received += max(paid, 0.0)
    run.counters.dividends_paid += max(-paid, 0.0)


@outlined
def fractions_pay(run: Run, bar: Bar) -> None:
    """Pay for what a split left of each lot beside whole units: at the open, free of costs."""
    at = Moment(bar.number, bar.ts, bar.open)
    step = min(run.terms.lot_size, _UNIT)
    k = _FIRST
    while k < run.holding.lots:
        lot, lots = run.lots[k], run.holding.lots
        whole, fraction = units_whole(lot.quantity, step)
        if fraction > 0.0:
            fill = fill_write(run, at, -lot.side, fraction, at.price)
            fill.commission = 0.0
            fill.rule = NO_RULE
            fill.reason = SPLIT
            lot_close(run, fill, k, fraction)
        if run.holding.lots == lots:
            lot.quantity = whole
            k += 1
    account_sum(run)


@inlined
def units_whole(quantity: float, step: float) -> tuple[float, float]:
    """Return the whole units in a quantity, and the fraction that is left; a rounding is none."""
    units = quantity / step
    slip = _SLIP * max(1.0, units)
    whole = np.floor(units + slip) * step
    fraction = quantity - whole
    return whole, fraction if fraction > slip * step else 0.0
