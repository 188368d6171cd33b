"""What happens inside a bar, gone through on the finer bars that lie in it (rule 6)."""

from __future__ import annotations

from core.engine.fills import guards_check
from core.engine.jit import inlined, outlined
from core.engine.state import Bar, Run
from core.engine.stretch import Fine
from core.engine.waiting import orders_check


@outlined
def bar_replay(run: Run, fine: Fine, bar: Bar) -> None:
    """Go through the finer bars of a bar in which something may happen, one after the other.

    Each has the rules of a bar. What goes by bars does not see them: they have the bar's number, so
    that its volume, its slippage and the time that orders and positions have are the bar's.
    """
    first, stop = fine.firsts[bar.number], fine.stops[bar.number]
    missing = int(first == stop)
    run.counters.without_detail += missing
    for row in range(first, stop + missing):
        finer = bar
        if not missing:
            run.holding.finer = row - first
            finer = finer_at(fine, row, bar.number)
        if run.holding.waiting > 0:
            orders_check(run, finer, finer.open)
        elif run.holding.lots > 0:
            guards_check(run, finer)
    run.holding.finer = 0


@inlined
def finer_at(fine: Fine, row: int, number: int) -> Bar:
    """Return a finer bar in its bar of the run."""
    market = fine.market
    return Bar(
        number,
        market.ts[row],
        market.open[row],
        market.high[row],
        market.low[row],
        market.close[row],
    )
