"""One pass over the moments of a portfolio: the rules of `core.engine.kernel`, many instruments.

The bars of all instruments lie behind each other in the same arrays, one instrument after the
other; a *row* is a bar's place there, and what the rules call the number of a bar. A *moment* is a
time at which any of them has a bar. At each moment the steps of a bar are taken by all instruments
that have one, before the next step is:

1. at the open, after splits and dividends, exits fill in the order of symbols, then entries, the
   best rank first;
2. inside the bar, or inside each of the finer bars that it has, instruments without waiting orders
   are guarded in the order of symbols, then orders that wait are looked at, the best rank first;
3. at the close all positions are marked, those without a bar at their last price, and a run
   without equity ends;
4. at the close the programs decide in the order of symbols, each for its instrument, and where
   the allocation says so, better instruments take the place of those that are held.
"""

from __future__ import annotations

import numpy as np

from core.engine.agenda import Field
from core.engine.carrying import carrying_pay, nights_between
from core.engine.code import code_run
from core.engine.decide import order_decide
from core.engine.fills import NO_RULE, guards_check, lot_quiet, lot_see, position_close
from core.engine.inside import bar_replay
from core.engine.jit import constant, inlined, outlined, spliced
from core.engine.kernel import END, RUIN, bar_at, open_step
from core.engine.ranking import heap_make, heap_take, rank_known
from core.engine.result import ExitReason
from core.engine.sharing import holding_count, holding_mark, holdings_sum, others_set
from core.engine.splitting import dividend_pay, fractions_pay, units_split
from core.engine.state import Bar, Moment, Run
from core.engine.tickets import tickets_cancel
from core.engine.waiting import orders_check

ROTATION = constant(ExitReason.ROTATION)
_NONE = constant(0)
_NO_DEBT = 0.0  # of an instrument: interest is the account's


@spliced
def moments_run(field: Field, start: int) -> int:
    """Simulate from moment `start` on and return the first that is not done.

    As `kernel.bars_run`, it stops early when fills and trades might not find room.
    """
    agenda, tables = field.agenda, field.tables
    room = 4 * (tables.lots.size + tables.tickets.size) + 6
    for moment in range(start, agenda.ts.size):
        account = tables.account[0]
        if min(tables.fills.size - account.fills, tables.trades.size - account.trades) < room:
            return moment
        if agenda.acts.rows.size > 0:
            acts_happen(field, moment)
        if opens_mark(field, moment):
            opens_fill(field, moment)
        if tables.terms[0].carries and moment > 0:
            nights_pay(field, moment)
        bars_guard(field, moment)
        equity = closes_mark(field, moment)
        if equity <= 0.0:
            all_ruin(field, moment)
            return agenda.ts.size
        decisions_make(field, moment, equity)
    all_finish(field)
    return agenda.ts.size


@spliced
def run_at(field: Field, number: int) -> Run:
    """Return the run of one instrument: its own records, and those that all share."""
    tables = field.tables
    count = tables.holding.size
    lots, tickets = tables.lots.size // count, tables.tickets.size // count
    cells = tables.memory.size // count
    return Run(
        tables.terms[0],
        field.plan,
        tables.account[0],
        tables.holding[number],
        tables.order[number],
        tables.counters[0],
        tables.lots[number * lots : (number + 1) * lots],
        tables.fills,
        tables.trades,
        tables.memory[number * cells : (number + 1) * cells],
        tables.tickets[number * tickets : (number + 1) * tickets],
    )


@outlined
def acts_happen(field: Field, moment: int) -> None:
    """Have splits and dividends happen before the open of the bars that they belong to."""
    acts = field.agenda.acts
    for place in range(acts.places[moment], acts.places[moment + 1]):
        run, split = run_at(field, acts.owners[place]), acts.splits[place]
        bar = bar_at(field.market, acts.rows[place])
        if split != 1.0:
            units_split(run, bar.number, split)
        dividend_pay(run, acts.dividends[place])
        if split != 1.0 and run.terms.lot_size > 0.0:
            fractions_pay(run, bar)


@inlined
def opens_mark(field: Field, moment: int) -> bool:
    """Mark positions at the open where anything may be sized by it; return whether orders fill."""
    agenda, tables = field.agenda, field.tables
    fills = waits = False
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number = agenda.owners[place]
        fills = fills or tables.order[number].active
        waits = waits or tables.holding[number].waiting > 0
    if fills or waits:
        for place in range(agenda.places[moment], agenda.places[moment + 1]):
            holding = tables.holding[agenda.owners[place]]
            if holding.lots > 0:
                holding_mark(holding, field.market.open[agenda.rows[place]])
        holdings_sum(tables)
    return fills


@outlined
def opens_fill(field: Field, moment: int) -> None:
    """Step 1: exits, which bring money and room, before the entries that want them."""
    agenda, tables = field.agenda, field.tables
    exits, entries = _NONE, agenda.queue.size  # from the front, and from the back
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number = agenda.owners[place]
        order = tables.order[number]
        if order.active:
            tables.holding[number].row = agenda.rows[place]
            if order.entry_rule >= 0 and order.forced == 0:
                entries -= 1
                agenda.queue[entries] = number
            else:
                agenda.queue[exits] = number
                exits += 1
    ranked = agenda.queue[entries:]
    heap_make(ranked, ranked.size, agenda.standing)
    # One loop for both: a rule that is called twice would no longer be part of it.
    for turn in range(exits + ranked.size):
        left = exits + ranked.size - turn
        exit_next = turn < exits
        number = agenda.queue[turn] if exit_next else heap_take(ranked, left, agenda.standing)
        order_serve(field, number)


@inlined
def order_serve(field: Field, number: int) -> None:
    """Fill the order of one instrument at the open of its bar."""
    run = run_at(field, number)
    fills = run.account.fills
    others_set(run)
    open_step(run, field.market, field.curves, bar_at(field.market, run.holding.row))
    holding_count(run, fills)


@outlined
def nights_pay(field: Field, moment: int) -> None:
    """Pay for borrowed shares, instrument by instrument, and for the money the account owes."""
    tables, agenda, market = field.tables, field.agenda, field.market
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number, row = agenda.owners[place], agenda.rows[place]
        if row > agenda.starts[number] and field.curves.position[row - 1] < 0.0:
            carrying_pay(run_at(field, number), market, field.curves, row, _NO_DEBT)
    nights = nights_between(agenda.ts[moment - 1], agenda.ts[moment])
    debt = max(-field.curves.cash[moment - 1], 0.0)
    paid = debt * tables.terms[0].financing * nights
    tables.account[0].balance -= paid
    tables.counters[0].financing_paid += paid


@outlined
def bars_guard(field: Field, moment: int) -> None:
    """Step 2: guards where nothing waits, then orders that wait."""
    agenda, tables = field.agenda, field.tables
    account, waiting = tables.account[0], 0
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number, row = agenda.owners[place], agenda.rows[place]
        holding = tables.holding[number]
        holding.row = row
        if holding.waiting > 0:
            agenda.queue[waiting] = number
            waiting += 1
        elif holding.lots > 0 and not quiet(field, number, bar_at(field.market, row)):
            run, fills = run_at(field, number), account.fills
            if run.terms.detailed:
                bar_replay(run, field.fine, bar_at(field.market, row))
            else:
                guards_check(run, bar_at(field.market, row))
            holding_count(run, fills)
    heap_make(agenda.queue, waiting, agenda.standing)
    for left in range(waiting, 0, -1):
        waiting_serve(field, heap_take(agenda.queue, left, agenda.standing))


@inlined
def quiet(field: Field, number: int, bar: Bar) -> bool:
    """Have the lots of a position see a bar, and tell whether that is all, as in most bars."""
    lots, held = field.tables.lots, field.tables.holding[number].lots
    first = number * (lots.size // field.tables.holding.size)
    for k in range(first, first + held):
        if not lot_quiet(lots[np.uintp(k)], bar):
            return False
    for k in range(first, first + held):
        lot_see(lots[np.uintp(k)], bar)
    return True


@inlined
def waiting_serve(field: Field, number: int) -> None:
    """Look at the orders of one instrument that wait, and at its guards."""
    run = run_at(field, number)
    bar, fills = bar_at(field.market, run.holding.row), run.account.fills
    others_set(run)
    if run.terms.detailed:
        bar_replay(run, field.fine, bar)
    else:
        orders_check(run, bar, bar.open)
    holding_count(run, fills)


@outlined
def closes_mark(field: Field, moment: int) -> float:
    """Step 3: mark all positions, write the account, and return its equity."""
    agenda, tables = field.agenda, field.tables
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number, row = agenda.owners[place], agenda.rows[place]
        holding = tables.holding[number]
        if holding.lots > 0:
            holding_mark(holding, field.market.close[row])
            field.curves.position[row] = holding.position
    holdings_sum(tables)
    return moment_write(field, moment)


@inlined
def moment_write(field: Field, moment: int) -> float:
    """Write the account as it stands, and return its equity."""
    account, agenda = field.tables.account[0], field.agenda
    equity: float = account.balance + account.profit
    field.curves.equity[moment] = equity
    field.curves.cash[moment] = account.balance - account.basis
    agenda.gross[moment] = account.gross
    agenda.positions[moment] = account.positions
    return equity


@outlined
def decisions_make(field: Field, moment: int, equity: float) -> None:
    """Step 4: each program decides for its instrument; it knows the account as all left it."""
    agenda, tables = field.agenda, field.tables
    for place in range(agenda.places[moment], agenda.places[moment + 1]):
        number, row = agenda.owners[place], agenda.rows[place]
        if agenda.ranks.size > 0:
            agenda.standing[number] = rank_known(agenda.ranks[row])
        if row < agenda.firsts[number] or not decides(field, number, row):
            continue
        run = run_at(field, number)
        others_set(run)
        if field.plan.code.size > 0:
            code_run(run, bar_at(field.market, row), equity)
        order_decide(run, row, field.market.close[row], equity)
    if tables.terms[0].rotates:
        positions_rotate(field)


@inlined
def decides(field: Field, number: int, row: int) -> bool:
    """Whether anything can come of a close: in most there is neither a trigger nor code to run."""
    plan, tables = field.plan, field.tables
    watched = tables.terms[0].maintenance > 0.0 and tables.holding[number].lots > 0
    fired: bool = plan.signals[plan.rules.size, np.uintp(row)]  # as in `kernel.bar_at`
    return fired or watched or plan.code.size > 0


@outlined
def positions_rotate(field: Field) -> None:
    """Give up positions, at the next open, that are not among the best there is room for."""
    queue, standing, tables = field.agenda.queue, field.agenda.standing, field.tables
    wanted = 0
    for number in range(tables.holding.size):
        order = tables.order[number]
        enters = order.active and order.forced == 0 and order.entry_rule >= 0
        leaves = order.active and not enters and order.fraction >= 1.0
        leaves = leaves or order.forced != 0
        if enters or (tables.holding[number].lots > 0 and not leaves):
            queue[wanted] = number
            wanted += 1
    heap_make(queue, wanted, standing)
    for left in range(wanted, max(wanted - tables.terms[0].positions, 0), -1):
        heap_take(queue, left, standing)
    for place in range(wanted - tables.terms[0].positions):
        run = run_at(field, queue[place])
        if run.holding.lots > 0:
            run.order.active = True
            run.order.forced = ROTATION
            run.order.entry_rule = run.order.exit_rule = -1
            run.order.rest = 0.0
            tickets_cancel(run, run.holding.row + 1)


@outlined
def all_close(field: Field, moment: int, reason: int) -> None:
    """Close every position at the price it was last marked at.

    At the close of a bar before this moment it was held, so there it stays in the series.
    """
    tables, now = field.tables, field.agenda.ts[moment]
    for number in range(tables.holding.size):
        run = run_at(field, number)
        holding = run.holding
        if holding.lots > 0:
            at = Moment(holding.row, now, holding.price)
            position_close(run, at, NO_RULE, reason)
            if field.market.ts[holding.row] == now:
                field.curves.position[holding.row] = 0.0
    holdings_sum(tables)


@outlined
def all_ruin(field: Field, moment: int) -> None:
    """Rule 8: with no equity left everything is closed, and the run is over."""
    agenda, tables, curves = field.agenda, field.tables, field.curves
    all_close(field, moment, RUIN)
    tables.counters[0].ruined = 1
    left = tables.account[0].balance
    for later in range(moment, agenda.ts.size):
        curves.equity[later] = curves.cash[later] = left
        agenda.gross[later] = 0.0
        agenda.positions[later] = 0


@outlined
def all_finish(field: Field) -> None:
    """Rules 9 and 12: close at the last closes; what was decided there never fills."""
    tables, counters = field.tables, field.tables.counters[0]
    last = field.agenda.ts.size - 1
    for number in range(tables.holding.size):
        counters.waiting_at_end += tables.holding[number].waiting
        counters.unfilled_at_end += tables.order[number].active
    if not tables.terms[0].liquidate_at_end:
        return
    for number in range(tables.holding.size):
        counters.closed_at_end += tables.holding[number].lots
    all_close(field, last, END)
    moment_write(field, last)
