"""One pass over the bars with shares and options under one account.

The steps of a bar are the engine's (`core.engine.kernel`), and its rules are called as they are;
between them the kernel stops for what happens seldom, and Python does it:

1. at the open options are closed that are to be, then shares trade, then options are opened;
2. inside the bar shares are guarded;
3. at the close options are marked; those that are over expire or are assigned;
4. at the close the account is marked, the program decides, and so do the conditions at which
   option positions are given up and the margin that options tie up.

All state is in the arrays of `Tables` and `Book`.
"""

from __future__ import annotations

import math
from typing import Final

from core.engine.book import bar_mark, equity_at, fill_write, lot_open, lots_close, rows_short
from core.engine.carrying import carrying_pay
from core.engine.code import code_run
from core.engine.code_memory import truth
from core.engine.decide import LIQUIDATION as SHARES_LIQUIDATION
from core.engine.decide import order_decide, rule_true
from core.engine.fills import NO_RULE, SIGNAL, guards_check
from core.engine.jit import inlined, outlined, spliced
from core.engine.kernel import bar_at, finish, open_step, order_moment, ruin, run_of
from core.engine.state import Bar, Moment, Run
from core.engine.waiting import orders_check
from core.options.conditions import conditions_check
from core.options.margin import requirement
from core.options.marking import legs_mark
from core.options.result import OptionExitReason
from core.options.state import Stage, World

DONE: Final = -1  # nothing is left for Python in this bar
OPEN: Final = int(Stage.OPEN)
OPENED: Final = int(Stage.OPENED)
INSIDE: Final = int(Stage.INSIDE)
SETTLED: Final = int(Stage.SETTLED)
DECIDED: Final = int(Stage.DECIDED)
ROOM: Final = int(Stage.ROOM)
RUIN: Final = int(Stage.RUIN)
END: Final = int(Stage.END)
MARK_OPEN: Final = int(Stage.MARK_OPEN)
MARK_CLOSE: Final = int(Stage.MARK_CLOSE)
REQUIRE: Final = int(Stage.REQUIRE)
DELIVER: Final = int(Stage.DELIVER)
RUINED: Final = int(Stage.RUINED)
FINISHED: Final = int(Stage.FINISHED)

LIQUIDATION: Final = int(OptionExitReason.LIQUIDATION)

_SLACK: Final = 1e-9  # of the equity: rounding is no breach


@spliced
def bars_run(world: World, start: int, stage: int) -> tuple[int, int]:
    """Simulate from a stage of bar `start` on; return the bar and the stage that Python is to do.

    Called with a command of `Stage` it does that at bar `start` and nothing else.
    """
    run = run_of(world.plan, world.tables)
    if stage >= MARK_OPEN:
        command(world, run, start, stage)
        return start, stage
    for index in range(start, world.market.close.size):
        if stage == OPEN and rows_short(run):
            return index, ROOM
        stop = bar_run(world, run, bar_at(world.market, index), stage)
        if stop != DONE:
            return index, stop
        stage = OPEN
    return world.market.close.size, END


@inlined
def bar_run(world: World, run: Run, bar: Bar, stage: int) -> int:
    """Go through one bar from a stage on; return where Python takes over, or DONE."""
    if stage < INSIDE:
        stop = open_part(world, run, bar, stage)
        if stop != DONE:
            return stop
    if stage <= INSIDE:
        if run.terms.carries and bar.number > 0:
            before = bar.number - 1
            cash = world.curves.cash[before] - world.book.value[before]
            carrying_pay(run, world.market, world.curves, bar.number, cash)
        if run.holding.waiting > 0:
            waiting_trade(world, run, bar)
        elif run.holding.lots > 0:
            guards_check(run, bar)
        if world.book.desk[0].legs > 0:
            close_mark(world, run, bar.number)
            if settlement_due(world, bar.number):
                return SETTLED
    return close_part(world, run, bar)


@inlined
def open_part(world: World, run: Run, bar: Bar, stage: int) -> int:
    """Step 1: options are closed, shares trade, options are opened."""
    desk = world.book.desk[0]
    if stage == OPEN and desk.to_close:
        return OPEN
    if run.order.active:
        shares_trade(world, run, bar)
    return OPENED if desk.to_open else DONE


@inlined
def close_part(world: World, run: Run, bar: Bar) -> int:
    """Step 4: mark the account and decide."""
    equity = bar_write(world, run, bar.number)
    if equity <= 0.0:
        return RUIN
    if world.plan.code.size > 0:
        code_run(run, bar, equity)
    order_decide(run, bar.number, bar.close, equity)
    conditions_check(world.book, world.chain.day[bar.number])
    margin_check(world, run, bar.close, equity)
    return DECIDED if options_fired(world, run, bar.number) else DONE


@inlined
def shares_trade(world: World, run: Run, bar: Bar) -> None:
    """Fill the order in shares with the money that options leave."""
    desk, before = world.book.desk[0], bar.number - 1
    held = 0.0
    if desk.legs > 0:
        spot = bar.open
        if run.terms.trade_on_close:
            spot = world.market.close[before]  # where options are marked already
        else:
            open_mark(world, run, bar.number)
        held = money_held(world, run, spot)
    run.account.balance -= held
    open_step(run, world.market, world.curves, bar)
    run.account.balance += held
    if held != 0.0 and run.terms.trade_on_close:
        bar_mark(run, world.curves, before, world.market.close[before])


@inlined
def waiting_trade(world: World, run: Run, bar: Bar) -> None:
    """Go through the orders in shares that wait, with the money that options leave."""
    held = 0.0
    if world.book.desk[0].legs > 0:
        open_mark(world, run, bar.number)
        held = money_held(world, run, bar.open)
    run.account.balance -= held
    orders_check(run, bar, order_moment(world.market, run.terms, bar).price)
    run.account.balance += held


@inlined
def money_held(world: World, run: Run, spot: float) -> float:
    """Return what options are worth and tie up, which can buy no shares: up to all there is.

    It is held back while an order is sized and judged.
    """
    tied = world.book.desk[0].value + requirement(world.book, run.holding.position, spot)
    held: float = min(tied, max(equity_at(run, spot), 0.0))
    return held


@inlined
def open_mark(world: World, run: Run, index: int) -> None:
    """Mark the options at the open, with the volatility known before it."""
    chain = world.chain
    day = chain.day[index] - chain.left_at_open[index]
    legs_mark(world.book, run.account, world.market.open[index], day, chain.vol_at_open[index])


@inlined
def close_mark(world: World, run: Run, index: int) -> None:
    """Mark the options at the close."""
    chain = world.chain
    day = chain.day[index] - chain.left_at_close[index]
    legs_mark(world.book, run.account, world.market.close[index], day, chain.vol_at_close[index])


@inlined
def bar_write(world: World, run: Run, index: int) -> float:
    """Write the account at the close, and return its equity."""
    book, desk = world.book, world.book.desk[0]
    equity = bar_mark(run, world.curves, index, world.market.close[index])
    contracts = 0.0
    for k in range(desk.legs):
        contracts += abs(book.legs[k].quantity)
    book.value[index] = desk.value
    book.contracts[index] = contracts
    return equity


@inlined
def settlement_due(world: World, index: int) -> bool:
    """Whether a leg is over at this close, or a dividend may have it assigned."""
    chain, book = world.chain, world.book
    for k in range(book.desk[0].legs):
        leg = book.legs[k]
        if leg.expiry < chain.next_day[index]:
            return True
        if chain.dividend[index] > 0.0 and leg.right > 0 and leg.quantity < 0.0:
            return True
    return False


@inlined
def margin_check(world: World, run: Run, close: float, equity: float) -> None:
    """Have everything closed at the next open where options tie up more than there is."""
    book, desk, terms = world.book, world.book.desk[0], world.book.terms[0]
    if desk.call_shares:
        desk.call_shares = False
        run.order.active = run.holding.lots > 0
        run.order.forced = SHARES_LIQUIDATION if run.order.active else 0
    if desk.legs == 0:
        return
    position = run.holding.position
    tied = abs(position) * close * terms.carrying_rate + requirement(book, position, close)
    if equity - desk.value - tied >= -_SLACK * abs(equity):
        return
    desk.breaches += 1
    desk.to_close = True
    for p in range(book.positions.size):
        if book.positions[p].rule >= 0:
            book.positions[p].closing = LIQUIDATION


@inlined
def options_fired(world: World, run: Run, index: int) -> bool:
    """Whether Python is to read option rules at this close; `Book.fired` says which.

    None opens anything before there is a volatility to price it by.
    """
    chain, book = world.chain, world.book
    blind = math.isnan(chain.vol_at_close[index])
    any_fired = False
    last = book.fired.size - 1
    book.fired[last] = False
    for k in range(last):
        guard = chain.guards[k]
        fires = chain.signals[k, index] and (guard < 0 or truth(run.memory[guard]))
        if fires and chain.opens[k]:
            fires = not blind and book.held[k] < chain.most[k]
        elif fires:
            book.fired[last] = True
            fires = False
        book.fired[k] = fires
        any_fired = any_fired or fires
    for k in range(chain.closers.size):
        if rule_true(run, chain.closers[k], index):
            book.fired[last] = True
    closing = book.fired[last] and book.desk[0].legs > 0
    on_close: bool = run.terms.trade_on_close and book.desk[0].to_close
    return any_fired or closing or on_close


@outlined
def command(world: World, run: Run, index: int, stage: int) -> None:
    """Do one thing that Python asks for."""
    desk = world.book.desk[0]
    bar = bar_at(world.market, index)
    if stage == MARK_OPEN:
        open_mark(world, run, index)
    elif stage == MARK_CLOSE:
        close_mark(world, run, index)
        bar_write(world, run, index)
    elif stage == REQUIRE:
        desk.required = requirement(world.book, desk.shares, desk.spot)
    elif stage == DELIVER:
        shares_deliver(run, Moment(index, bar.ts, desk.spot), desk.shares)
    elif stage == RUINED:
        ruin(run, world.curves, bar)
    elif stage == FINISHED:
        finish(run, world.market, world.curves)
        bar_write(world, run, index)


@inlined
def shares_deliver(run: Run, at: Moment, quantity: float) -> None:
    """Trade shares at a strike, free of costs: first against the position, then as a new lot."""
    side = 1 if quantity > 0.0 else -1
    left = abs(quantity)
    if run.holding.position * side < 0.0:
        part = min(left, abs(run.holding.position))
        fill = fill_write(run, at, side, part, at.price)
        fill.commission = 0.0
        fill.rule = NO_RULE
        fill.reason = SIGNAL
        lots_close(run, fill)
        left -= part
    if left > 0.0:
        fill = fill_write(run, at, side, left, at.price)
        fill.commission = 0.0
        fill.rule = NO_RULE
        fill.reason = SIGNAL
        lot_open(run, fill, math.nan, math.nan)
