"""Going through bars with the fills there really were, in place of simulated ones.

The steps of a bar are the engine's (`core.engine.kernel`) and so are the rules that are called: the
code, the decision, the lots and their guards. Only what fills comes from outside, as rows of
`BOOKED`. All state is a function of the bars and of these rows: after a restart it is computed
again, and is the same.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.engine.book import (
    account_sum,
    bar_mark,
    equity_at,
    fill_write,
    lot_close,
    lot_open,
    lots_close,
)
from core.engine.code import code_run
from core.engine.costs import entry_price
from core.engine.decide import order_decide
from core.engine.entries import lot_guard_by
from core.engine.fills import TAKES, exit_quantity, lot_follow, lot_see
from core.engine.jit import inlined, outlined
from core.engine.kernel import bar_at, run_of
from core.engine.program import OrderKind
from core.engine.sizing import affordable, quantity_standard
from core.engine.slippage import slippage_of
from core.engine.state import Bar, Curves, Deal, Market, Moment, Plan, Purse, Run, record_dtype
from core.engine.stops import (
    level_read,
    nearer_stop,
    stop_loss_price,
    take_profit_price,
    trailing_stop_price,
)
from core.engine.tables import Tables
from core.engine.tickets import ticket_cancel, ticket_expired, ticket_follow

ENTRY: Final = 0
EXIT: Final = 1
GUARD: Final = 2
ENDED: Final = 3
DELIVERY: Final = 4  # read by `option_kernel` alone
FEE: Final = 5

BELOW_LOT: Final = -1.0
BELOW_NOTIONAL: Final = -2.0
UNAFFORDABLE: Final = -3.0

_MARKET: Final = int(OrderKind.MARKET)


class Booked(Protocol):
    """What an order of the deployment came to in a bar."""

    # ENTRY, EXIT, GUARD; ENDED: an order that waited does so no longer; FEE: a commission that was
    # told after its fill was booked.
    kind: int
    bar: int  # in which it happened; the number of bars for the one that is not over
    ts: int
    decided: int  # bar of the decision
    rule: int
    side: int  # 1 a purchase, -1 a sale
    quantity: float
    price: float
    commission: float
    reason: int
    lot_bar: int  # in which the entry that it is or guards was filled first
    done: bool  # nothing of the order is left


BOOKED: Final = record_dtype(Booked)


class World(NamedTuple):
    """What the engine's kernel is given, too."""

    market: Market
    plan: Plan
    tables: Tables
    curves: Curves


class Feed(NamedTuple):
    """What came from outside, and what goes there."""

    booked: NDArray[Any]  # of Booked, oldest first
    acted: NDArray[np.bool_]  # by bar: whether it decides
    sizes: NDArray[np.float64]  # by rule: what the orders of the last decision trade


@outlined
def bars_follow(world: World, feed: Feed, start: int) -> bool:
    """Go through the bars from `start` on; return whether the account has equity.

    What the last bar decides is left in the tables, and how much its orders trade in the sizes.
    """
    run = run_of(world.plan, world.tables)
    booked, bars = feed.booked, world.market.close.size
    given = 0
    alive = True
    for index in range(start, bars):
        bar = bar_at(world.market, index)
        bar_begin(run)
        while given < booked.size and booked[given].bar <= index:
            row_book(run, booked[given])
            given += 1
        waiting_see(run, bar)
        equity = bar_mark(run, world.curves, index, bar.close)
        alive = equity > 0.0
        if world.plan.code.size > 0:
            code_run(run, bar, equity)
        stops_follow(run, index + 1)
        if alive and feed.acted[index]:
            order_decide(run, index, bar.close, equity)
    if alive and start < bars:
        sizes_find(run, bar_at(world.market, bars - 1), feed.sizes)
    while given < booked.size:
        row_book(run, booked[given])
        given += 1
    stops_follow(run, bars)
    return alive


@inlined
def bar_begin(run: Run) -> None:
    """Forget what was decided before: what came of it is booked."""
    run.account.fills = 0  # only the alerts of the last bar are read
    run.order.active = False
    run.order.forced = 0
    run.order.rest = 0.0
    run.order.entry_rule = run.order.exit_rule = -1


@inlined
def waiting_see(run: Run, bar: Bar) -> None:
    """Have lots and orders see a bar that left them open."""
    for k in range(run.holding.lots):
        lot_see(run.lots[k], bar)
    for k in range(run.tickets.size):
        if run.tickets[k].waiting and run.tickets[k].bar < bar.number:
            if ticket_expired(run, k, bar.number + 1):
                ticket_cancel(run, k)
            else:
                ticket_follow(run, k, bar)


@inlined
def stops_follow(run: Run, bar: int) -> None:
    """Draw trailing stops after the price, as they stand in `bar`."""
    for k in range(run.holding.lots):
        if run.lots[k].trail_kind != 0:
            lot_follow(run, run.lots[k], bar)


@outlined
def row_book(run: Run, row: Any) -> None:
    """Take one fill into the account, or one order out of those that wait."""
    if row.kind == FEE:
        fee_book(run, row)
        return
    ticket = run.tickets[row.rule]
    if row.done and row.kind != GUARD and ticket.waiting and ticket.bar == row.decided:
        ticket_cancel(run, row.rule)
    if row.kind == ENDED:
        return
    fill = fill_write(run, Moment(row.bar, row.ts, row.price), row.side, row.quantity, row.price)
    fill.commission = row.commission
    fill.rule = row.rule
    fill.reason = row.reason
    if row.kind == ENTRY:
        entry_book(run, row, fill)
    elif row.kind == GUARD:
        k = lot_find(run, row.rule, row.lot_bar)
        if k >= 0:
            lot_close(run, fill, k, min(row.quantity, run.lots[k].quantity))
            account_sum(run)
    else:
        lots_close(run, fill)


@inlined
def fee_book(run: Run, row: Any) -> None:
    """Pay a commission; the lot that it has opened bears it, while it is there."""
    run.account.balance -= row.commission
    k = lot_find(run, row.rule, row.lot_bar)
    if k >= 0:
        run.lots[k].commission += row.commission


@inlined
def lot_find(run: Run, rule: int, bar: int) -> int:
    """Return the open lot that a rule opened in a bar, or -1."""
    for k in range(run.holding.lots):
        if run.lots[k].rule == rule and run.lots[k].entry_bar == bar:
            return k
    return -1


@outlined
def entry_book(run: Run, row: Any, fill: Any) -> None:
    """Open a lot with its guards, or make the one larger that the order has opened before."""
    rule, ticket, terms = run.plan.rules[row.rule], run.tickets[row.rule], run.terms
    k = lot_find(run, row.rule, row.lot_bar)
    if k < 0 and run.holding.lots == run.lots.size:
        k = run.holding.lots - 1
    if k >= 0:
        lot = run.lots[k]
        units = lot.quantity + row.quantity
        paid = lot.entry_price * lot.quantity + row.price * row.quantity
        lot.entry_price = lot.reference_price = paid / units
        lot.quantity = units
        lot.commission += row.commission
        run.account.balance -= row.commission
        account_sum(run)
        return
    stop_level, take_level = ticket.stop_level, ticket.take_level
    if ticket.bar != row.decided:  # a later decision has overwritten what this one saw
        stop_level = level_read(run, rule.stop_row, rule.stop_register, row.decided)
        take_level = level_read(run, rule.take_row, rule.take_register, row.decided)
    stop = stop_loss_price(terms, rule, stop_level, row.price)
    lot_open(run, fill, stop, take_profit_price(terms, rule, take_level, row.price))
    lot_guard_by(run.lots[run.holding.lots - 1], rule, ticket)


@outlined
def sizes_find(run: Run, bar: Bar, sizes: NDArray[np.float64]) -> None:
    """Leave in `sizes` how much each order of the last decision trades; below zero: why not."""
    holding = run.holding
    for k in range(run.tickets.size):
        sizes[k] = 0.0
        rule, ticket = run.plan.rules[k], run.tickets[k]
        if ticket.waiting and not rule.opens:
            sizes[k] = exit_quantity(run, rule.fraction)
        elif rule.opens and (ticket.waiting or run.order.entry_rule == k):
            sizes[k] = entry_size(run, k, bar)
    if run.order.exit_rule >= 0 and holding.lots > 0 and run.order.entry_rule < 0:
        sizes[run.order.exit_rule] = exit_quantity(run, run.order.fraction)


@outlined
def entry_size(run: Run, k: int, bar: Bar) -> float:
    """Return the units of an entry as they are bought for the price it is decided at."""
    rule, ticket, terms, holding = run.plan.rules[k], run.tickets[k], run.terms, run.holding
    at = bar.close if rule.order_kind == _MARKET else ticket.base
    paid = at
    if rule.limit_kind == 0:
        paid = entry_price(terms, rule.side, at, slippage_of(run, bar.number, 0.0))
    stop = stop_loss_price(terms, rule, ticket.stop_level, paid)
    trail = trailing_stop_price(terms, rule, ticket.trail_level, paid)
    equity = equity_at(run, at)
    deal = Deal(paid, int(rule.limit_kind == 0), TAKES)
    risked = nearer_stop(rule.side, stop, trail)
    quantity = quantity_standard(run, k, Purse(equity, np.inf), deal, risked)
    if not quantity > 0.0:  # NaN, too: what the size asks has no answer
        return BELOW_LOT
    if quantity * paid < terms.min_notional:
        return BELOW_NOTIONAL
    reverses = holding.position * rule.side < 0.0
    tied_up = 0.0 if reverses else abs(holding.position) * at
    if not affordable(terms, rule.side, equity * terms.leverage - tied_up, deal, quantity):
        return UNAFFORDABLE
    return quantity
