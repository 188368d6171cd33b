"""How positions are left: exits at the market, and guards inside a bar."""

from __future__ import annotations

import numpy as np

from core.engine.book import account_sum, fill_rested, fill_write, lot_close, lots_close
from core.engine.costs import exit_price
from core.engine.jit import constant, inlined, outlined
from core.engine.program import StopKind
from core.engine.result import ExitReason
from core.engine.slippage import slippage_of
from core.engine.state import Bar, Cause, Lot, Moment, Run
from core.engine.stops import (
    level_read,
    nearer_stop,
    stop_fill_price,
    stop_touched,
    take_fill_price,
    take_touched,
    ticks_rounded,
)
from core.engine.volume import volume_take

NO_RULE = constant(-1)
SIGNAL = constant(ExitReason.SIGNAL)
STOP_LOSS = constant(ExitReason.STOP_LOSS)
TAKE_PROFIT = constant(ExitReason.TAKE_PROFIT)
REVERSAL = constant(ExitReason.REVERSAL)
TRAILING_STOP = constant(ExitReason.TRAILING_STOP)
TIME_STOP = constant(ExitReason.TIME_STOP)
TAKES = constant(0)
"""An order that fills as soon as it comes to the market."""
RESTS = constant(1)
"""A limit order that was there before those who trade with it."""
_FIRST = constant(0)
_PERCENT = int(StopKind.PERCENT)
_PRICE = int(StopKind.PRICE)


@outlined
def position_reduce(run: Run, at: Moment, quantity: float, slippage: float, cause: Cause) -> None:
    """Exit `quantity` of the position with one order."""
    side = 1 if run.holding.position > 0.0 else -1
    fill = fill_write(run, at, -side, quantity, exit_price(side, at.price, slippage))
    fill.rule = cause.rule
    fill.reason = cause.reason
    if cause.rests:
        fill_rested(run, fill)
    lots_close(run, fill)


@inlined
def position_close(run: Run, at: Moment, rule: int, reason: int) -> None:
    """Close the whole position with one market order."""
    quantity = abs(run.holding.position)
    position_reduce(
        run, at, quantity, slippage_of(run, at.bar, quantity), Cause(rule, reason, TAKES)
    )


@inlined
def exit_quantity(run: Run, fraction: float) -> float:
    """Return the units that are `fraction` of the position, to the nearest lot and at least one."""
    held: float = abs(run.holding.position)
    lot_size = run.terms.lot_size
    if fraction >= 1.0:
        return held
    quantity = held * fraction
    if lot_size > 0.0:
        quantity = max(1.0, np.rint(quantity / lot_size)) * lot_size
    return min(quantity, held)


@inlined
def exit_fill(run: Run, at: Moment) -> None:
    """Rule 1: an exit closes its fraction; what volume leaves over waits for the next open."""
    order = run.order
    quantity = exit_quantity(run, order.fraction)
    if order.rest > 0.0:
        quantity = min(order.rest, abs(run.holding.position))
    granted = volume_take(run, at.bar, quantity)
    order.rest = quantity - granted
    order.active = order.rest > 0.0
    if granted > 0.0:
        reason = REVERSAL if run.plan.rules[order.exit_rule].opens else SIGNAL
        slippage = slippage_of(run, at.bar, granted)
        position_reduce(run, at, granted, slippage, Cause(order.exit_rule, reason, TAKES))


@outlined
def guard_fill(run: Run, k: int, bar: Bar, price: float, reason: int) -> None:
    """Close lot `k` at its guard's `price` with an order of its own.

    A stop slips as a market order does; a take-profit is a limit order and does not. What volume
    leaves over of a stop is closed at the next open.
    """
    lot = run.lots[k]
    lot.highest = max(lot.highest, bar.open)
    lot.lowest = min(lot.lowest, bar.open)
    quantity = volume_take(run, bar.number, lot.quantity)
    if quantity < lot.quantity and reason != TAKE_PROFIT:
        lot.stop_loss = lot.side * np.inf
    if quantity <= 0.0:
        return
    slippage = 0.0 if reason == TAKE_PROFIT else slippage_of(run, bar.number, quantity)
    paid = exit_price(lot.side, price, slippage)
    fill = fill_write(run, Moment(bar.number, bar.ts, price), -lot.side, quantity, paid)
    fill.rule = lot.rule
    fill.reason = reason
    if reason == TAKE_PROFIT:
        fill_rested(run, fill)
    lot_close(run, fill, k, quantity)


@inlined
def lot_follow(run: Run, lot: Lot, bar: int) -> None:
    """Rule 5: a trailing stop follows the best price of closed bars, here those before `bar`."""
    if lot.trail_kind == _PRICE:
        rule = run.plan.rules[lot.rule]
        stop = level_read(run, rule.trail_row, rule.trail_register, bar - 1)
        if bar == run.holding.split_bar:  # it was read before the split
            stop /= run.holding.split
    else:
        best = lot.highest if lot.side > 0 else lot.lowest
        away = best * lot.trail if lot.trail_kind == _PERCENT else lot.trail
        stop = best - lot.side * away
    stop = ticks_rounded(run.terms, stop, -lot.side)
    if nearer_stop(lot.side, lot.stop_loss, stop) != lot.stop_loss and not np.isnan(stop):
        lot.stop_loss = stop
        lot.trailed = True


@outlined
def lot_guard(run: Run, k: int, bar: Bar, doubtful: bool) -> bool:  # noqa: FBT001 - numba passes by place
    """Rules 6 and 7: a lot's guards in a bar; return whether the lot is open as it was.

    A bar that opens beyond a guard fills it there, before anything else happens in it. Where a
    bar opens between stop-loss and take-profit and touches both, nobody knows which came first:
    the stop-loss wins. (The reference lets it win over an open beyond the take-profit, too.) In
    `doubtful` bars the low (high) may have come before the entry: the stop-loss counts as touched.
    """
    lot, account, holding = run.lots[k], run.account, run.holding
    lots, fills, trades = holding.lots, account.fills, account.trades
    unknown = False
    if lot.max_bars > 0 and bar.number - lot.entry_bar >= lot.max_bars + run.terms.trade_on_close:
        guard_fill(run, k, bar, bar.open, TIME_STOP)
    else:
        unknown = prices_guard(run, k, bar, doubtful)
    if account.fills > fills:
        account_sum(run)
    if unknown and account.trades > trades:
        ambiguity_count(run, bar.number)
    unchanged: bool = holding.lots == lots
    return unchanged


@inlined
def ambiguity_count(run: Run, bar: int) -> None:
    """Rule 6: count the trade that was closed last, and its bar once."""
    counters, holding = run.counters, run.holding
    counters.ambiguous_trades += 1
    counters.ambiguous_pnl += run.trades[run.account.trades - 1].pnl
    if holding.ambiguous_bar != bar:
        holding.ambiguous_bar = bar
        counters.ambiguous_bars += 1


@inlined
def prices_guard(run: Run, k: int, bar: Bar, doubtful: bool) -> bool:  # noqa: FBT001 - numba passes by place
    """Close lot `k` where the bar touches a guard; return whether that rests on rule 6."""
    lot = run.lots[k]
    if lot.trail_kind != 0:
        lot_follow(run, lot, bar.number)
    stopped = stop_touched(lot.side, lot.stop_loss, bar.high, bar.low)
    taken = take_touched(lot.side, lot.take_profit, bar.high, bar.low)
    unknown = False
    if stopped and taken:
        first = take_touched(lot.side, lot.take_profit, bar.open, bar.open)
        unknown = not first and not stop_touched(lot.side, lot.stop_loss, bar.open, bar.open)
        stopped = run.terms.reference or not first
    elif stopped and doubtful:
        unknown = not stop_touched(lot.side, lot.stop_loss, bar.close, bar.close)
    if stopped:
        reason = TRAILING_STOP if lot.trailed else STOP_LOSS
        guard_fill(run, k, bar, stop_fill_price(lot.side, lot.stop_loss, bar.open), reason)
    elif taken:
        guard_fill(run, k, bar, take_fill_price(lot.side, lot.take_profit, bar.open), TAKE_PROFIT)
    else:
        lot_see(lot, bar)
    return unknown


@inlined
def lot_see(lot: Lot, bar: Bar) -> None:
    """Note how far the price went in a bar that left a lot open."""
    lot.highest = max(lot.highest, bar.high)
    lot.lowest = min(lot.lowest, bar.low)


@inlined
def lot_quiet(lot: Lot, bar: Bar) -> bool:
    """Whether nothing can happen to a lot in a bar, as in most bars."""
    touched = stop_touched(lot.side, lot.stop_loss, bar.high, bar.low)
    touched = touched or take_touched(lot.side, lot.take_profit, bar.high, bar.low)
    return not (lot.watched or touched)


@inlined
def lots_quiet(run: Run, bar: Bar) -> bool:
    """Have lots see a bar as far as nothing can happen to them; return whether that is all."""
    k = _FIRST
    while k < run.holding.lots and lot_quiet(run.lots[k], bar):
        lot_see(run.lots[k], bar)
        k += 1
    quiet: bool = k == run.holding.lots
    return quiet


@inlined
def guards_check(run: Run, bar: Bar) -> None:
    """Rules 6 and 7: each lot's guards, the oldest lot first."""
    k = _FIRST
    while k < run.holding.lots:
        lot = run.lots[k]
        if lot_quiet(lot, bar):
            lot_see(lot, bar)
            k += 1
        elif lot_guard(run, k, bar, False):  # noqa: FBT003 - numba passes by place
            k += 1
