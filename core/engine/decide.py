"""What the program decides at the close of a bar."""

from __future__ import annotations

import numpy as np

from core.engine.code_memory import truth
from core.engine.jit import inlined
from core.engine.state import LoweredRule, Run
from core.engine.stops import guards_sound, level_read


@inlined
def order_decide(run: Run, bar: int, close: float, equity: float) -> None:
    """Rule 1: read the triggers of `bar` and leave at most one order for the next.

    The first entry in order of priority that can act does: it can when the position is not on
    its side, or holds fewer lots there than its `max_entries`. A reversal or an entry from flat
    goes before an exit, an exit before adding to the position. Of several exits the one that
    closes most acts. An entry whose guards are unsound is rejected, and the exit acts, if there
    is one.
    An account below its maintenance margin is liquidated, whatever the program says (rule 8).
    """
    terms, plan, account, order = run.terms, run.plan, run.account, run.order
    held = abs(account.position) * close
    if account.lots > 0 and equity < terms.maintenance * held:
        order.active = order.liquidate = True
        return
    if not plan.eventful[np.uintp(bar)]:  # as in `kernel.bar_at`
        return  # no trigger is true: at most bars that is all there is to decide
    side = 0
    if account.lots > 0:
        side = 1 if account.position > 0.0 else -1
    entry = -1
    leaving = -1
    fraction = 0.0
    for k in range(plan.rules.size):
        if not rule_true(run, k, bar):
            continue
        rule = plan.rules[k]
        if rule.opens:
            if entry < 0 and (rule.side != side or account.lots < rule.max_entries):
                entry = k
        elif side != 0 and rule.side in (0, side) and rule.fraction > fraction:
            leaving = k
            fraction = rule.fraction
    if entry >= 0 and leaving >= 0 and plan.rules[entry].side == side:
        entry = -1
    if entry >= 0 and not entry_guarded(run, plan.rules[entry], bar, close):
        entry = -1
    order.bar = bar
    order.close = close
    order.entry_rule = entry
    order.exit_rule = leaving
    order.fraction = fraction
    order.active = entry >= 0 or leaving >= 0


@inlined
def rule_true(run: Run, k: int, bar: int) -> bool:
    """Whether rule `k` is to act: its trigger is true, and its guard, where it has one."""
    guard = run.plan.rules[k].guard
    return run.plan.signals[k, bar] and (guard < 0 or truth(run.memory[guard]))


@inlined
def entry_guarded(run: Run, rule: LoweredRule, bar: int, close: float) -> bool:
    """Note what the guards of an entry refer to, and count it as rejected if they are unsound."""
    order = run.order
    order.stop_level = level_read(run, rule.stop_row, rule.stop_register, bar)
    order.take_level = level_read(run, rule.take_row, rule.take_register, bar)
    sound = guards_sound(run, rule, close)
    if not sound:
        run.counters.rejected_stop += 1
    return sound
