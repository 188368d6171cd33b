"""What the program decides at the close of a bar."""

from __future__ import annotations

import numpy as np

from core.engine.book import gross_at
from core.engine.code_memory import truth
from core.engine.jit import constant, inlined, outlined
from core.engine.program import OrderKind
from core.engine.result import NO_FILL, ExitReason
from core.engine.state import Moment, Run
from core.engine.tickets import ticket_wait, ticket_write, tickets_cancel

LIQUIDATION = constant(ExitReason.LIQUIDATION)
_MARKET = int(OrderKind.MARKET)


@inlined
def order_decide(run: Run, bar: int, close: float, equity: float) -> None:
    """Rule 1: read the rules at the close of `bar`; what they decide acts from the next.

    An account below its maintenance margin is liquidated, whatever the program says (rule 8).
    """
    holding, order = run.holding, run.order
    if holding.lots > 0 and equity < run.terms.maintenance * gross_at(run, close):
        order.active = True
        order.forced = LIQUIDATION
        order.rest = 0.0
        if holding.waiting > 0:
            tickets_cancel(run, bar + 1)
        alerts_give(run, bar)
        return
    if run.plan.signals[run.plan.rules.size, np.uintp(bar)]:  # as in `kernel.bar_at`
        rules_read(run, bar, close)


@inlined
def rules_read(run: Run, bar: int, close: float) -> None:
    """Leave at most one order at the market for the next bar, and what waits.

    The first entry in order of priority that can act does: it can when the position is not on
    its side, or holds fewer lots there than its `max_entries`. A reversal or an entry from flat
    goes before an exit, an exit before adding to the position. Of several exits the one that
    closes most acts. An entry that cannot be sent as its rule says is rejected, and the exit
    acts, if there is one. Of orders that wait every rule may have one.
    """
    plan, holding, order = run.plan, run.holding, run.order
    side = 0
    if holding.lots > 0:
        side = 1 if holding.position > 0.0 else -1
    unfinished = order.exit_rule
    order.entry_rule = order.exit_rule = -1
    order.fraction = 0.0
    for k in range(plan.rules.size):
        if rule_true(run, k, bar):
            rule_apply(run, k, Moment(bar, 0, close), side)
    entry = order.entry_rule
    if entry >= 0 and order.exit_rule >= 0 and plan.rules[entry].side == side:
        entry = -1
    if entry >= 0 and not ticket_write(run, entry, Moment(bar, 0, close), plan.rules[entry].side):
        entry = -1
    order.entry_rule = entry
    if entry >= 0 and run.terms.reference:
        reference_exclude(run, entry, bar, side)
    order.active = order.entry_rule >= 0 or order.exit_rule >= 0
    if order.active:
        order.rest = 0.0
    elif order.rest > 0.0:
        order.exit_rule = unfinished
        order.active = True


@inlined
def rule_apply(run: Run, k: int, at: Moment, side: int) -> None:
    """Do what rule `k` says while the position is on `side`, or leave it for the next bar."""
    rule, order = run.plan.rules[k], run.order
    if rule.opens:
        if rule.side != side or run.holding.lots < rule.max_entries:
            if rule.order_kind != _MARKET and not run.terms.reference:
                order_place(run, k, at, rule.side)
            elif order.entry_rule < 0:
                order.entry_rule = k
    elif not rule.closes:
        other_do(run, k, at.bar)
    elif side != 0 and rule.side in (0, side):
        if rule.order_kind != _MARKET:
            order_place(run, k, at, -side)
        elif rule.fraction > order.fraction:
            order.exit_rule = k
            order.fraction = rule.fraction


@inlined
def reference_exclude(run: Run, entry: int, bar: int, side: int) -> None:
    """Cancel what waits before an entry, as exclusive orders of backtesting.py do.

    An entry that is to wait closes the position at once.
    """
    order = run.order
    tickets_cancel(run, bar)
    if run.plan.rules[entry].order_kind != _MARKET:
        ticket_wait(run, entry)
        order.entry_rule = -1
        order.exit_rule = entry if side != 0 else -1
        order.fraction = 1.0


@inlined
def rule_true(run: Run, k: int, bar: int) -> bool:
    """Whether rule `k` is to act: its trigger is true, and its guard, where it has one."""
    guard = run.plan.rules[k].guard
    return run.plan.signals[k, bar] and (guard < 0 or truth(run.memory[guard]))


@outlined
def order_place(run: Run, k: int, at: Moment, buys: int) -> None:
    """Have the order of rule `k` wait, in place of one that it has."""
    if ticket_write(run, k, at, buys):
        ticket_wait(run, k)


@outlined
def other_do(run: Run, k: int, bar: int) -> None:
    """Cancel what waits, or give an alert."""
    if run.plan.rules[k].cancels:
        tickets_cancel(run, bar)
    else:
        alert_give(run, k, bar)


@inlined
def alert_give(run: Run, k: int, bar: int) -> None:
    """Write an alert of rule `k` among the fills, from where the result takes it out."""
    row = run.fills[run.account.fills]
    row.bar = bar
    row.rule = k
    row.reason = NO_FILL
    row.instrument = run.holding.number
    run.account.fills += 1


@outlined
def alerts_give(run: Run, bar: int) -> None:
    """Give the alerts of a bar at which nothing else is decided."""
    for k in range(run.plan.rules.size):
        if run.plan.rules[k].alerts and rule_true(run, k, bar):
            alert_give(run, k, bar)
