"""The simulation: one pass over the bars by the fill contract in docs/engine.md.

Every bar goes through the same four steps:

1. at the open, after splits and dividends, what was decided at the previous close is filled (rules
   1 and 8), and the nights before it are paid for, where they cost anything;
2. inside the bar, or inside each of the finer bars that it has, exits that wait at a stop, then
   guards, then exits that wait at a limit close lots, then entries that wait open them (rules 2
   to 7);
3. at the close, the account is marked, and a run without equity ends (rule 8);
4. at the close, the program's code runs, if it has any, and the program decides (rule 1), or the
   margin does (rule 8).

A market order fills before anything else can happen in its bar, hence step 1 before step 2.
Rule numbers in this package are those of that contract. The profile "reference" reproduces
backtesting.py 0.6.6 by the same steps; where it differs, a rule asks `terms.reference`.
"""

from __future__ import annotations

import numpy as np

from core.engine.book import bar_mark, rows_short
from core.engine.carrying import carrying_pay
from core.engine.code import code_run
from core.engine.decide import LIQUIDATION, order_decide
from core.engine.entries import order_fill
from core.engine.fills import NO_RULE, guards_check, lots_quiet, position_close
from core.engine.inside import bar_replay
from core.engine.jit import constant, inlined, outlined, spliced
from core.engine.quiet import quiet, quiet_bars
from core.engine.result import ExitReason
from core.engine.splitting import dividend_pay, fractions_pay, units_split
from core.engine.state import Bar, Curves, Market, Moment, Plan, Run, Terms
from core.engine.stretch import Fine, Stretch
from core.engine.tables import Tables
from core.engine.waiting import entries_again, orders_check

END = constant(ExitReason.END)
RUIN = constant(ExitReason.RUIN)


@spliced
def bars_run(market: Market, plan: Plan, tables: Tables, curves: Curves, stretch: Stretch) -> int:
    """Simulate a stretch of bars and return the first bar that is not done.

    It stops early when fills and trades might not find room in their arrays, so that it never
    allocates: the caller makes them larger and calls again. All state is in `tables`. Stretches
    end where a split or a dividend comes, so that the loop need not look for any.
    """
    run = run_of(plan, tables)
    bars = market.close.size
    actions_happen(run, market, curves, stretch)
    index = stretch.start - 1
    while index < stretch.stop - 1:
        index += 1
        if quiet(run, index):
            index = quiet_bars(run, market, curves, index, stretch.stop)
            if index == stretch.stop:
                break
        if rows_short(run):
            return index
        bar = bar_at(market, index)
        if run.order.active:
            open_step(run, market, curves, bar)
        # Read anew at each bar: held in a variable, the compiler would make two loops of this one,
        # and each rule that is then called twice would no longer be part of either.
        if run.terms.carries and index > 0:
            carrying_pay(run, market, curves, index, curves.cash[index - 1])
        inside_step(run, market, stretch.fine, bar)
        equity = bar_mark(run, curves, index, bar.close)
        if equity <= 0.0:
            ruin(run, curves, bar)
            return bars
        if plan.code.size > 0:
            code_run(run, bar, equity)
        order_decide(run, index, bar.close, equity)
    if stretch.stop == bars:
        finish(run, market, curves)
    return stretch.stop


@spliced
def run_of(plan: Plan, tables: Tables) -> Run:
    """Return the run whose state is in `tables`."""
    return Run(
        tables.terms[0],
        plan,
        tables.account[0],
        tables.holding[0],
        tables.order[0],
        tables.counters[0],
        tables.lots,
        tables.fills,
        tables.trades,
        tables.memory,
        tables.tickets,
    )


@inlined
def bar_at(market: Market, index: int) -> Bar:
    """Return the bar at `index`."""
    row = np.uintp(index)  # not negative: spares numba the test for an index from the end
    return Bar(
        index,
        market.ts[row],
        market.open[row],
        market.high[row],
        market.low[row],
        market.close[row],
    )


@inlined
def order_moment(market: Market, terms: Terms, bar: Bar) -> Moment:
    """Rule 1: a market order fills at the open; with `trade_on_close` at the close before it."""
    if terms.trade_on_close:
        before = bar.number - 1
        return Moment(before, market.ts[before], market.close[before])
    return Moment(bar.number, bar.ts, bar.open)


@inlined
def open_step(run: Run, market: Market, curves: Curves, bar: Bar) -> None:
    """Step 1. A fill at the close before belongs to that bar, which is marked once more."""
    if run.order.early == bar.number:
        return
    if run.order.forced != 0:
        position_close(run, Moment(bar.number, bar.ts, bar.open), NO_RULE, run.order.forced)
        run.counters.liquidations += run.order.forced == LIQUIDATION
        run.order.forced = 0
        run.order.active = False
        return
    at = order_moment(market, run.terms, bar)
    order_fill(run, at)
    if at.bar < bar.number and not run.terms.reference:
        bar_mark(run, curves, at.bar, at.price)


@spliced
def inside_step(run: Run, market: Market, fine: Fine, bar: Bar) -> None:
    """Step 2, on the finer bars of the bar where the run has any."""
    if run.holding.waiting > 0:
        if run.terms.detailed:
            bar_replay(run, fine, bar)
        else:
            orders_check(run, bar, order_moment(market, run.terms, bar).price)
    elif not lots_quiet(run, bar):
        if run.terms.detailed:
            bar_replay(run, fine, bar)
        else:
            guards_check(run, bar)


@outlined
def actions_happen(run: Run, market: Market, curves: Curves, stretch: Stretch) -> None:
    """Have a split and a dividend happen before the open of the first bar of a stretch.

    An order that fills at the close before is in the units of that close, and has the dividend.
    """
    if stretch.split == 1.0 and stretch.dividend == 0.0:
        return
    bar = bar_at(market, stretch.start)
    if run.terms.trade_on_close and run.order.active and run.order.forced == 0:
        open_step(run, market, curves, bar)
        run.order.early = bar.number
    if stretch.split != 1.0:
        units_split(run, bar.number, stretch.split)
    dividend_pay(run, stretch.dividend)
    if stretch.split != 1.0 and run.terms.lot_size > 0.0:
        fractions_pay(run, bar)


@outlined
def ruin(run: Run, curves: Curves, bar: Bar) -> None:
    """Rule 8: with no equity left everything is closed at this close and the run is over.

    What is left, often a debt, stays to the end; the reference forgives it.
    """
    run.counters.ruined = 1
    run.holding.waiting = 0
    if run.holding.lots > 0:
        position_close(run, Moment(bar.number, bar.ts, bar.close), NO_RULE, RUIN)
    left = 0.0 if run.terms.reference else run.account.balance
    for index in range(bar.number, curves.equity.size):
        curves.equity[index] = left
        curves.cash[index] = left
        curves.position[index] = 0.0


@outlined
def finish(run: Run, market: Market, curves: Curves) -> None:
    """Rules 9 and 12: close at the last close; what was decided there never fills."""
    bar = bar_at(market, market.close.size - 1)
    run.counters.waiting_at_end = run.holding.waiting
    if run.terms.reference:
        if run.terms.liquidate_at_end:
            reference_finish(run, market, curves, bar)
        return
    run.counters.unfilled_at_end = run.order.active
    if run.terms.liquidate_at_end and run.holding.lots > 0:
        run.counters.closed_at_end = run.holding.lots
        position_close(run, Moment(bar.number, bar.ts, bar.close), NO_RULE, END)
        bar_mark(run, curves, bar.number, bar.close)


@inlined
def reference_finish(run: Run, market: Market, curves: Curves, bar: Bar) -> None:
    """Close as backtesting.py does: it runs the last bar a second time.

    Trades close at its open (or, trading on close, at the close before), and an entry that was
    decided at its close, or waits, fills in it.
    """
    at = order_moment(market, run.terms, bar)
    if run.holding.lots > 0:
        run.counters.closed_at_end = run.holding.lots
        position_close(run, at, NO_RULE, END)
    if run.order.active and run.order.entry_rule >= 0:
        order_fill(run, at)
        if run.holding.lots > 0:
            guards_check(run, bar)
    if run.holding.waiting > 0:
        entries_again(run, bar, at.price)
    if bar_mark(run, curves, bar.number, bar.close) <= 0.0:
        ruin(run, curves, bar)
