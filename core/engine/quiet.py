"""Stretches of bars at which nothing can happen: most bars of most runs.

With no order under way, between two signals and inside the guards of a position, a bar does no
more than mark the account. The steps of `kernel` come to the same, bit for bit; asking at each bar
for everything that may happen takes them twice the time.
"""

from __future__ import annotations

import numpy as np

from core.engine.jit import inlined
from core.engine.state import Curves, Market, Run


@inlined
def quiet(run: Run, bar: int) -> bool:
    """Whether bars from `bar` on need no more than to be marked, until one says otherwise."""
    holding, plan = run.holding, run.plan
    if plan.signals[plan.rules.size, np.uintp(bar)] or run.order.active or holding.waiting > 0:
        return False
    if plan.code.size > 0 or run.terms.carries:
        return False
    return holding.lots == 0 or (holding.lots == 1 and not run.lots[0].watched)


@inlined
def quiet_bars(run: Run, market: Market, curves: Curves, start: int, end: int) -> int:
    """Mark bars from `start` up to `end`, and return the first at which something may happen."""
    if run.holding.lots > 0:
        return held_bars(run, market, curves, start, end)
    acts = run.plan.signals[run.plan.rules.size]
    bars, first = np.uintp(end), np.uintp(start)  # as in `kernel.bar_at`
    stop = first
    while stop < bars and not acts[stop]:
        stop += np.uintp(1)
    equity = run.account.balance
    for row in range(first, stop):
        curves.equity[row] = curves.cash[row] = equity
        curves.position[row] = 0.0
    return int(np.int64(stop))


@inlined
def held_bars(run: Run, market: Market, curves: Curves, start: int, end: int) -> int:
    """Mark bars at which the one lot stays inside its guards and the account above its margin."""
    account, holding, lot = run.account, run.holding, run.lots[0]
    acts = run.plan.signals[run.plan.rules.size]
    above, below = lot.take_profit, lot.stop_loss  # NaN is never reached
    if lot.side < 0:
        above, below = below, above
    position, basis, balance = holding.position, holding.basis, account.balance
    highest, lowest, held = lot.highest, lot.lowest, abs(position)
    row, bars = np.uintp(start), np.uintp(end)
    while row < bars and not acts[row]:
        high, low, close = market.high[row], market.low[row], market.close[row]
        equity = balance + (close * position - basis)
        if high >= above or low <= below or equity <= 0.0:
            break
        if equity < run.terms.maintenance * (held * close):
            break
        highest, lowest = max(highest, high), min(lowest, low)
        curves.equity[row] = equity
        curves.cash[row] = balance - basis
        curves.position[row] = position
        row += np.uintp(1)
    lot.highest, lot.lowest = highest, lowest
    return int(np.int64(row))
