"""How an entry fills: reversal, size, money, and the lot with its guards (rules 1, 7, 8, 10)."""

from __future__ import annotations

import numpy as np

from core.engine.book import buying_power, equity_at, fill_rested, fill_write, lot_open
from core.engine.costs import entry_price
from core.engine.fills import REVERSAL, SIGNAL, TAKES, exit_fill, position_reduce
from core.engine.jit import constant, inlined, outlined
from core.engine.program import StopKind
from core.engine.sizing import affordable, quantity_reference, quantity_standard
from core.engine.slippage import moved_price, moved_quantity, moves_market, slippage_of
from core.engine.state import Cause, Deal, Lot, LoweredRule, Moment, Purse, Run, Ticket
from core.engine.stops import (
    nearer_stop,
    stop_loss_price,
    take_profit_price,
    trailing_stop_price,
)
from core.engine.volume import volume_take

SLIPS = constant(1)
"""An order that loses against the market; one at a limit does not."""
_MULTIPLE = int(StopKind.MULTIPLE)
_CRUMB = 1e-9  # of what the account can buy


@outlined
def entry_fill(run: Run, k: int, at: Moment, deal: Deal) -> bool:
    """Rules 1 and 8: fill the entry of rule `k`; return whether a lot was opened.

    From the opposite side it is a reversal at the same price. With `exclusive` that closes the
    position before the entry is sized; without, the entry's units are netted against it. The
    account that sizes it is marked at the price.
    """
    terms, holding = run.terms, run.holding
    rule, ticket, paid = run.plan.rules[k], run.tickets[k], deal.paid
    if holding.position * rule.side < 0.0 and terms.exclusive:
        held = abs(holding.position)
        closed = volume_take(run, at.bar, held)
        if closed > 0.0:
            slippage = slippage_of(run, at.bar, closed) if deal.slips else 0.0
            position_reduce(run, at, closed, slippage, Cause(k, REVERSAL, deal.rests))
        if closed < held:
            run.counters.reduced_by_volume += 1
            return False
    if holding.lots == 0 and run.account.positions >= terms.positions:
        run.counters.rejected_positions += 1
        return False
    base = ticket.base if terms.reference else paid
    stop = stop_loss_price(terms, rule, ticket.stop_level, base)
    trail = trailing_stop_price(terms, rule, ticket.trail_level, base)
    if terms.reference:
        quantity = quantity_reference(terms, rule, run.account.balance, at.price, paid)
        if not quantity > 0.0:
            run.counters.rejected_unaffordable += 1
            return False
    else:
        risked = nearer_stop(rule.side, stop, trail)
        purse = Purse(equity_at(run, at.price) * holding.share, money_free(run, rule, at))
        quantity = quantity_standard(run, k, purse, deal, risked)
        quantity = quantity_granted(run, k, at, deal, quantity)
        if not quantity > 0.0:
            return False
        if moves_market(run, deal):
            paid = base = moved_price(run, rule.side, at, deal, quantity)
            stop = stop_loss_price(terms, rule, ticket.stop_level, base)
            trail = trailing_stop_price(terms, rule, ticket.trail_level, base)
    fill = fill_write(run, at, rule.side, quantity, paid)
    fill.rule = k
    fill.reason = SIGNAL
    if deal.rests:
        fill_rested(run, fill)
    lot_open(run, fill, stop, take_profit_price(terms, rule, ticket.take_level, base))
    lot_guard_by(run.lots[holding.lots - 1], rule, ticket)
    return True


@inlined
def quantity_granted(run: Run, k: int, at: Moment, deal: Deal, quantity: float) -> float:
    """Return how much of an entry opens a lot; 0, and why in the counters, where none does."""
    terms, holding, counters = run.terms, run.holding, run.counters
    if not quantity > 0.0:
        unknown = np.isnan(quantity)
        counters.rejected_size += unknown
        counters.rejected_below_lot += not unknown
        return 0.0
    if quantity * deal.paid < terms.min_notional:
        counters.rejected_notional += 1
        return 0.0
    if moves_market(run, deal):
        quantity = moved_quantity(run, k, at, deal, quantity)
    wanted = quantity
    quantity = volume_take(run, at.bar, wanted)
    if quantity <= 0.0:
        counters.rejected_volume += 1
        return 0.0
    counters.reduced_by_volume += quantity < wanted
    side = run.plan.rules[k].side
    if holding.position * side < 0.0:
        netted = min(quantity, abs(holding.position))
        slippage = slippage_of(run, at.bar, netted) if deal.slips else 0.0
        position_reduce(run, at, netted, slippage, Cause(k, REVERSAL, deal.rests))
        quantity -= netted
        if quantity <= 0.0:
            return 0.0
    power = buying_power(run, at.price)
    moved = Deal(moved_price(run, side, at, deal, quantity), deal.slips, deal.rests)
    if not affordable(terms, side, power, moved, quantity):
        counters.rejected_unaffordable += 1
        return 0.0
    return quantity


@inlined
def money_free(run: Run, rule: LoweredRule, at: Moment) -> float:
    """Return the most that an instrument's share may come to: what the others have left over.

    Alone in its account an instrument has no share that others could have grown into. What an
    entry closes of the opposite side comes free with it. What rounding leaves of an account that
    is spent is nothing: a position in it would take the place of another.
    """
    if not run.terms.shared:
        return np.inf
    free, account = buying_power(run, at.price), equity_at(run, at.price) * run.terms.leverage
    if free < max(account, 0.0) * _CRUMB:
        free = 0.0
    if run.holding.position * rule.side < 0.0:
        free += 2.0 * abs(run.holding.position) * at.price
    return free


@inlined
def lot_guard_by(lot: Lot, rule: LoweredRule, ticket: Ticket) -> None:
    """Note how a lot's stop follows the price, and how long it is held."""
    lot.watched = rule.trail_kind != 0 or rule.max_bars > 0
    lot.max_bars = rule.max_bars
    lot.trail_kind = rule.trail_kind
    if rule.trail_kind != 0:
        lot.trail = rule.trail_value
        if rule.trail_kind == _MULTIPLE:
            lot.trail *= ticket.trail_level


@inlined
def order_fill(run: Run, at: Moment) -> None:
    """Rule 1: what was decided at the close of a bar acts at the next price the market offers."""
    order, terms = run.order, run.terms
    order.active = False
    if order.entry_rule >= 0:
        k = order.entry_rule
        slippage = slippage_of(run, at.bar, 0.0)
        paid = entry_price(terms, run.plan.rules[k].side, at.price, slippage)
        entry_fill(run, k, at, Deal(paid, SLIPS, TAKES))
    elif run.holding.lots > 0:
        exit_fill(run, at)
