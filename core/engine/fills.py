"""How orders execute: market orders at the open of a bar, guards inside it."""

from __future__ import annotations

import numpy as np

from core.engine.book import account_sum, equity_at, fill_write, lot_close, lot_open, lots_close
from core.engine.costs import entry_price, exit_price
from core.engine.jit import constant, inlined, outlined
from core.engine.result import ExitReason
from core.engine.sizing import affordable, quantity_reference, quantity_standard
from core.engine.state import Bar, Moment, Run
from core.engine.stops import (
    stop_fill_price,
    stop_loss_price,
    stop_touched,
    take_fill_price,
    take_profit_price,
    take_touched,
)

NO_RULE = constant(-1)
SIGNAL = constant(ExitReason.SIGNAL)
STOP_LOSS = constant(ExitReason.STOP_LOSS)
TAKE_PROFIT = constant(ExitReason.TAKE_PROFIT)
REVERSAL = constant(ExitReason.REVERSAL)
_FIRST = constant(0)


@outlined
def position_reduce(run: Run, at: Moment, quantity: float, rule: int, reason: int) -> None:
    """Exit `quantity` of the position with one market order."""
    side = 1 if run.account.position > 0.0 else -1
    fill = fill_write(run, at, -side, quantity, exit_price(run.terms, side, at.price))
    fill.rule = rule
    fill.reason = reason
    lots_close(run, fill)


@inlined
def position_close(run: Run, at: Moment, rule: int, reason: int) -> None:
    """Close the whole position with one market order."""
    position_reduce(run, at, abs(run.account.position), rule, reason)


@inlined
def exit_fill(run: Run, at: Moment) -> None:
    """Rule 1: an exit closes its fraction of the position, to the nearest lot and at least one."""
    order, lot_size = run.order, run.terms.lot_size
    held = abs(run.account.position)
    quantity = held
    if order.fraction < 1.0:
        quantity *= order.fraction
        if lot_size > 0.0:
            quantity = max(1.0, np.rint(quantity / lot_size)) * lot_size
        quantity = min(quantity, held)
    position_reduce(run, at, quantity, order.exit_rule, SIGNAL)


@outlined
def entry_fill(run: Run, at: Moment) -> None:
    """Rules 1 and 8: an entry at the market, from the opposite side a reversal at the same price.

    With `exclusive` a reversal closes the position before the entry is sized; without, the
    entry's units are netted against it. The account that sizes it is marked at this price.
    """
    terms, plan, account, order = run.terms, run.plan, run.account, run.order
    rule = plan.rules[order.entry_rule]
    if account.position * rule.side < 0.0 and terms.exclusive:
        position_close(run, at, order.entry_rule, REVERSAL)
    paid = entry_price(terms, rule.side, at.price)
    base = order.close if terms.reference else paid
    stop = stop_loss_price(rule, order.stop_level, base)
    take = take_profit_price(rule, order.take_level, base)
    if terms.reference:
        quantity = quantity_reference(terms, rule, account.balance, at.price, paid)
        granted = quantity > 0.0
    else:
        quantity = quantity_standard(terms, rule, equity_at(account, at.price), paid, stop)
        if not quantity > 0.0:
            run.counters.rejected_below_lot += 1
            return
        if account.position * rule.side < 0.0:
            netted = min(quantity, abs(account.position))
            position_reduce(run, at, netted, order.entry_rule, REVERSAL)
            quantity -= netted
            if quantity <= 0.0:
                return
        tied_up = abs(account.position) * at.price
        granted = affordable(terms, equity_at(account, at.price), tied_up, paid, quantity)
    if not granted:
        run.counters.rejected_unaffordable += 1
        return
    fill = fill_write(run, at, rule.side, quantity, paid)
    fill.rule = order.entry_rule
    fill.reason = SIGNAL
    lot_open(run, fill, stop, take)


@inlined
def order_fill(run: Run, at: Moment) -> None:
    """Rule 1: what was decided at the close of a bar acts at the next price the market offers."""
    if run.order.entry_rule >= 0:
        entry_fill(run, at)
    elif run.account.lots > 0:
        exit_fill(run, at)
    run.order.active = False


@inlined
def guard_fill(run: Run, k: int, bar: Bar, price: float, reason: int) -> None:
    """Close lot `k` at its guard's `price` with an order of its own.

    A stop-loss slips as a market order does; a take-profit is a limit order and does not.
    """
    lot = run.lots[k]
    lot.highest = max(lot.highest, bar.open)
    lot.lowest = min(lot.lowest, bar.open)
    paid = price if reason == TAKE_PROFIT else exit_price(run.terms, lot.side, price)
    fill = fill_write(run, Moment(bar.number, bar.ts, price), -lot.side, lot.quantity, paid)
    fill.rule = lot.rule
    fill.reason = reason
    lot_close(run, fill, k, lot.quantity)


@inlined
def guards_check(run: Run, bar: Bar) -> None:
    """Rules 6 and 7: each lot's stop-loss, then its take-profit, from the bar of its entry on.

    A bar that opens beyond a guard fills it there, before anything else happens in it. Where a
    bar opens between the two and touches both, nobody knows which came first: the stop-loss wins
    and the bar counts as ambiguous. (The reference lets it win over an open beyond the
    take-profit, too.)
    """
    account, counters = run.account, run.counters
    lots = account.lots
    ambiguous = 0
    k = _FIRST
    while k < account.lots:
        lot = run.lots[k]
        stopped = stop_touched(lot.side, lot.stop_loss, bar.high, bar.low)
        taken = take_touched(lot.side, lot.take_profit, bar.high, bar.low)
        unknown = False
        if stopped and taken:
            first = take_touched(lot.side, lot.take_profit, bar.open, bar.open)
            unknown = not first and not stop_touched(lot.side, lot.stop_loss, bar.open, bar.open)
            stopped = run.terms.reference or not first
        if stopped:
            guard_fill(run, k, bar, stop_fill_price(lot.side, lot.stop_loss, bar.open), STOP_LOSS)
            if unknown:
                ambiguous += 1
                counters.ambiguous_pnl += run.trades[account.trades - 1].pnl
        elif taken:
            price = take_fill_price(lot.side, lot.take_profit, bar.open)
            guard_fill(run, k, bar, price, TAKE_PROFIT)
        else:
            lot.highest = max(lot.highest, bar.high)
            lot.lowest = min(lot.lowest, bar.low)
            k += 1
    if account.lots < lots:
        account_sum(run)
        counters.ambiguous_trades += ambiguous
        counters.ambiguous_bars += ambiguous > 0
