"""Stop-loss and take-profit: where they lie, when they are touched, at what price they fill."""

from __future__ import annotations

import numpy as np

from core.engine.costs import entry_price
from core.engine.jit import inlined
from core.engine.program import StopKind
from core.engine.state import LoweredRule, Run

_PERCENT = int(StopKind.PERCENT)
_MULTIPLE = int(StopKind.MULTIPLE)
_PRICE = int(StopKind.PRICE)


@inlined
def guard_price(kind: int, value: float, level: float, base: float, direction: int) -> float:
    """Price of a guard measured from `base`; `direction` 1 is above it, -1 below. NaN: no guard."""
    if kind == _PERCENT:
        return base * (1.0 + direction * value)
    if kind == _MULTIPLE:
        return base + direction * value * level
    if kind == _PRICE:
        return level
    return np.nan


@inlined
def level_read(run: Run, row: int, register: int, bar: int) -> float:
    """Return what a guard refers to at `bar`: a series, a register of the code, or nothing."""
    if register >= 0:
        kept: float = run.memory[register]
        return kept
    if row >= 0:
        found: float = run.plan.series[row, bar]
        return found
    return 0.0


@inlined
def stop_loss_price(rule: LoweredRule, level: float, base: float) -> float:
    """Stop-loss of an entry, measured from `base` with the `level` its decision saw."""
    return guard_price(rule.stop_kind, rule.stop_value, level, base, -rule.side)


@inlined
def take_profit_price(rule: LoweredRule, level: float, base: float) -> float:
    """Take-profit of an entry, measured from `base` with the `level` its decision saw."""
    return guard_price(rule.take_kind, rule.take_value, level, base, rule.side)


@inlined
def guards_sound(run: Run, rule: LoweredRule, close: float) -> bool:
    """Whether each guard would have a price above zero, on its own side of what the entry pays.

    Judged at the close, as if the entry filled there. An entry that cannot be guarded as its rule
    says is rejected, never sent unguarded.
    """
    terms, order = run.terms, run.order
    paid = entry_price(terms, rule.side, close)
    base = close if terms.reference else paid
    if rule.stop_kind != 0:
        stop = stop_loss_price(rule, order.stop_level, base)
        if not (0.0 < stop < np.inf and (paid - stop) * rule.side > 0.0):
            return False
    if rule.take_kind != 0:
        take = take_profit_price(rule, order.take_level, base)
        if not (0.0 < take < np.inf and (take - paid) * rule.side > 0.0):
            return False
    return True


@inlined
def stop_touched(side: int, stop: float, high: float, low: float) -> bool:
    """Rule 2: a sell stop triggers on ``low <= stop``; a buy stop mirrors. NaN never does."""
    return low <= stop if side > 0 else high >= stop


@inlined
def take_touched(side: int, take: float, high: float, low: float) -> bool:
    """Rule 3: a sell limit needs ``high >= limit``; a buy limit mirrors. NaN never fills."""
    return high >= take if side > 0 else low <= take


@inlined
def stop_fill_price(side: int, stop: float, open_price: float) -> float:
    """Rule 2: at the stop, or at the open where the bar gapped past it, which is worse."""
    return min(open_price, stop) if side > 0 else max(open_price, stop)


@inlined
def take_fill_price(side: int, take: float, open_price: float) -> float:
    """Rule 3: at the limit, or at the open where the bar gapped past it, which is better."""
    return max(open_price, take) if side > 0 else min(open_price, take)
