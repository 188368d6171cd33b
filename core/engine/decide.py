"""What the program decides at the close of a bar."""

from __future__ import annotations

import numpy as np

from core.engine.jit import inlined
from core.engine.state import Run
from core.engine.stops import guards_sound


@inlined
def order_decide(run: Run, bar: int, close: float, equity: float) -> None:
    """Rule 1: read the triggers of `bar` and leave at most one order for the next.

    The first entry in order of priority that can act does: it can when the position is not on
    its side, or holds fewer than `max_entries` lots there. A reversal or an entry from flat goes
    before an exit, an exit before adding to the position. Of several exits the one that closes
    most acts. An entry whose guards are unsound is rejected, and the exit acts, if there is one.
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
        if not plan.signals[k, bar]:
            continue
        rule = plan.rules[k]
        if rule.opens:
            if entry < 0 and (rule.side != side or account.lots < terms.max_entries):
                entry = k
        elif side != 0 and rule.side in (0, side) and rule.fraction > fraction:
            leaving = k
            fraction = rule.fraction
    if entry >= 0 and leaving >= 0 and plan.rules[entry].side == side:
        entry = -1
    if entry >= 0 and not guards_sound(plan, plan.rules[entry], terms, bar, close):
        run.counters.rejected_stop += 1
        entry = -1
    order.bar = bar
    order.close = close
    order.entry_rule = entry
    order.exit_rule = leaving
    order.fraction = fraction
    order.active = entry >= 0 or leaving >= 0
