"""Stop-loss and take-profit: where they lie, when they are touched, at what price they fill."""

from __future__ import annotations

import numpy as np

from core.engine.jit import inlined
from core.engine.program import StopKind
from core.engine.state import LoweredRule, Run, Terms, Ticket

_PERCENT = int(StopKind.PERCENT)
_MULTIPLE = int(StopKind.MULTIPLE)
_PRICE = int(StopKind.PRICE)
_TICK_SLIP = 1e-9  # relative: a price that is whole on paper must not lose a tick to rounding


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
def ticks_rounded(terms: Terms, price: float, direction: int) -> float:
    """Rule 10: round a price to whole ticks, up where `direction` is 1, down where it is -1.

    Always away from the market, so that no order is easier to fill than asked: limits of purchases
    and stops of sales down, the others up.
    """
    if terms.tick_size == 0.0 or np.isnan(price):
        return price
    ticks = price / terms.tick_size
    whole: float = np.rint(ticks)
    if abs(ticks - whole) > _TICK_SLIP * max(1.0, whole):
        whole = np.ceil(ticks) if direction > 0 else np.floor(ticks)
    return whole * terms.tick_size


@inlined
def stop_loss_price(terms: Terms, rule: LoweredRule, level: float, base: float) -> float:
    """Stop-loss of an entry, measured from `base` with the `level` its decision saw."""
    price = guard_price(rule.stop_kind, rule.stop_value, level, base, -rule.side)
    return ticks_rounded(terms, price, -rule.side)


@inlined
def take_profit_price(terms: Terms, rule: LoweredRule, level: float, base: float) -> float:
    """Take-profit of an entry, measured from `base` with the `level` its decision saw."""
    price = guard_price(rule.take_kind, rule.take_value, level, base, rule.side)
    return ticks_rounded(terms, price, rule.side)


@inlined
def trailing_stop_price(terms: Terms, rule: LoweredRule, level: float, base: float) -> float:
    """Trailing stop of an entry where it begins, measured from `base`."""
    price = guard_price(rule.trail_kind, rule.trail_value, level, base, -rule.side)
    return ticks_rounded(terms, price, -rule.side)


@inlined
def guards_sound(terms: Terms, rule: LoweredRule, ticket: Ticket, paid: float, base: float) -> bool:
    """Whether each guard would have a price above zero, on its own side of what the entry pays.

    Judged at the decision, as if the entry filled at once, measured from `base`. An entry that
    cannot be guarded as its rule says is rejected, never sent unguarded.
    """
    side = rule.side
    if rule.stop_kind != 0:
        stop = stop_loss_price(terms, rule, ticket.stop_level, base)
        if not (0.0 < stop < np.inf and (paid - stop) * side > 0.0):
            return False
    if rule.trail_kind != 0:
        stop = trailing_stop_price(terms, rule, ticket.trail_level, base)
        if not (0.0 < stop < np.inf and (paid - stop) * side > 0.0):
            return False
    if rule.take_kind != 0:
        take = take_profit_price(terms, rule, ticket.take_level, base)
        if not (0.0 < take < np.inf and (take - paid) * side > 0.0):
            return False
    return True


@inlined
def nearer_stop(side: int, one: float, other: float) -> float:
    """Return the stop of a position that the price meets first; NaN is no stop."""
    if np.isnan(one) or (other - one) * side > 0.0:
        return other
    return one


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
