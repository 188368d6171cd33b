"""Going through bars with shares and options, with the fills there really were.

The steps of a bar are those of `brokers.deployments.kernel`; between them options are marked and
their rules, conditions and margin are read as `core.options.kernel` does in a backtest. Rows of
options are booked by Python, where this one stops for it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brokers.deployments.kernel import (
    DELIVERY,
    bar_begin,
    row_book,
    sizes_find,
    stops_follow,
    waiting_see,
)
from core.engine.book import equity_at
from core.engine.code import code_run
from core.engine.decide import order_decide
from core.engine.jit import inlined, outlined
from core.engine.kernel import bar_at, run_of
from core.engine.state import Bar, Moment, Run
from core.options.conditions import conditions_check
from core.options.kernel import (
    bar_write,
    close_mark,
    margin_check,
    money_held,
    options_fired,
    shares_deliver,
)
from core.options.result import OptionExitReason
from core.options.state import World

# Where the kernel stops for Python, and goes on.
BOOK: Final = 0
BOOKED: Final = 1
OVER: Final = 2
DECIDE: Final = 3
END: Final = 4
# Commands, done at once: size the orders of the last decision, book what came after the last bar.
SIZES: Final = 10
REST: Final = 11

SIGNAL: Final = int(OptionExitReason.SIGNAL)
_SLACK: Final = 1e-9


class OptionFeed(NamedTuple):
    """What came from outside, and what goes there."""

    booked: NDArray[Any]  # of kernel.Booked: shares, deliveries among them, oldest first
    given: NDArray[np.int64]  # of one: how many of them are in the account
    alive: NDArray[np.bool_]  # of one: whether there was equity at the last close
    acted: NDArray[np.bool_]  # by bar: whether it decides
    traded: NDArray[np.bool_]  # by bar: whether options are to be booked in it
    sizes: NDArray[np.float64]  # by rule of shares: what the orders of the last decision trade


@outlined
def option_bars_follow(world: World, feed: OptionFeed, start: int, stage: int) -> tuple[int, int]:
    """Go on from a stage of bar `start`; return the bar and the stage that Python is to do."""
    run = run_of(world.plan, world.tables)
    bars = world.market.close.size
    if stage >= SIZES:
        command(world, run, feed, stage)
        return start, stage
    for index in range(start, bars):
        bar = bar_at(world.market, index)
        if stage == BOOK:
            bar_begin(run)
            if feed.traded[index]:
                return index, BOOK
            stage = BOOKED
        if stage == BOOKED:
            rows_take(world, run, feed, index)
            waiting_see(run, bar)
            if world.book.desk[0].legs > 0:
                close_mark(world, run, index)
                if legs_over(world, index):
                    return index, OVER
        bar_close(world, run, feed, bar)
        stage = BOOK
    return bars, END


@inlined
def bar_close(world: World, run: Run, feed: OptionFeed, bar: Bar) -> None:
    """Mark the account and decide."""
    index = bar.number
    equity = bar_write(world, run, index)
    feed.alive[0] = equity > 0.0
    if world.plan.code.size > 0:
        code_run(run, bar, equity)
    stops_follow(run, index + 1)
    if not (feed.alive[0] and feed.acted[index]):
        return
    order_decide(run, index, bar.close, equity)
    conditions_check(world.book, world.chain.day[index])
    margin_check(world, run, bar.close, equity)
    options_fired(world, run, index)
    positions = world.book.positions
    if world.book.fired[world.book.fired.size - 1]:
        for p in range(positions.size):
            if positions[p].rule >= 0 and positions[p].closing == 0:
                positions[p].closing = SIGNAL


@inlined
def rows_take(world: World, run: Run, feed: OptionFeed, index: int) -> None:
    """Take the shares of a bar into the account, and look whether it can carry what came."""
    delivered = False
    while feed.given[0] < feed.booked.size and feed.booked[feed.given[0]].bar <= index:
        row = feed.booked[feed.given[0]]
        share_book(run, row)
        delivered = delivered or row.kind == DELIVERY
        feed.given[0] += 1
    if delivered:
        close, desk = world.market.close[index], world.book.desk[0]
        equity = equity_at(run, close)
        tied = abs(run.holding.position) * close * world.book.terms[0].carrying_rate
        if equity - desk.value - tied < -_SLACK * abs(equity):
            desk.call_shares = True


@inlined
def share_book(run: Run, row: Any) -> None:
    """Take one row of shares into the account."""
    if row.kind == DELIVERY:
        shares_deliver(run, Moment(row.bar, row.ts, row.price), row.side * row.quantity)
        run.account.balance -= row.commission
    else:
        row_book(run, row)


@inlined
def legs_over(world: World, index: int) -> bool:
    """Whether a leg is open whose last session ended with this bar."""
    for k in range(world.book.desk[0].legs):
        if world.book.legs[k].expiry < world.chain.next_day[index]:
            return True
    return False


@outlined
def command(world: World, run: Run, feed: OptionFeed, stage: int) -> None:
    """Do one thing that Python asks for, at the last bar."""
    bars = world.market.close.size
    if stage == SIZES:
        held = 0.0
        if world.book.desk[0].legs > 0:
            held = money_held(world, run, world.market.close[bars - 1])
        run.account.balance -= held
        sizes_find(run, bar_at(world.market, bars - 1), feed.sizes)
        run.account.balance += held
    else:
        while feed.given[0] < feed.booked.size:
            share_book(run, feed.booked[feed.given[0]])
            feed.given[0] += 1
        stops_follow(run, bars)
