"""Splitting the difference between what was traded and what the backtester would have traded.

The profit of a session is that of the position it began with, and of each fill up to its end:
``position (end - start) + sum side quantity (end - price) - commissions``. That holds for both
sides, so that the parts below add up to the difference exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest

from core.engine.result import ExitReason


@dataclass(frozen=True, slots=True)
class TradedFill:
    """One fill of either side."""

    bar_ts: int
    rule: int
    reason: int
    side: int
    quantity: float
    price: float
    commission: float


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a session: the position it began with, and its fills."""

    position: float
    fills: tuple[TradedFill, ...]

    def profit(self, start: float, end: float) -> float:
        """Return the profit between two prices."""
        held = self.position * (end - start)
        return held + sum(
            one.side * one.quantity * (end - one.price) - one.commission for one in self.fills
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """What a difference is due to.

    Attributes
    ----------
    signal : float
        Fills that only one side has, and positions that differed when the session began.
    timing : float
        The same decision, filled in another bar, or in another size because it was sized at
        another price.
    slippage : float
        The same decision in the same bar at another price.
    fees : float
        Commissions.
    """

    signal: float = 0.0
    timing: float = 0.0
    slippage: float = 0.0
    fees: float = 0.0

    @property
    def total(self) -> float:
        """Return the whole difference."""
        return self.signal + self.timing + self.slippage + self.fees


@dataclass(frozen=True, slots=True)
class FillDrift:
    """What one fill differs by; where a side has none, the other one is signal."""

    live: TradedFill | None
    backtest: TradedFill | None
    parts: Drift


def fills_join(rows: Iterable[tuple[Hashable, TradedFill]]) -> list[TradedFill]:
    """Return fills as a backtest has them, one an order: what it was filled in part by is one.

    Each comes with what it belongs to. Its price is the average, its bar that of the first.
    """
    found: dict[Hashable, TradedFill] = {}
    for key, fill in rows:
        first = found.get(key)
        if first is None:
            found[key] = fill
            continue
        quantity = first.quantity + fill.quantity
        paid = first.quantity * first.price + fill.quantity * fill.price
        found[key] = replace(
            first,
            bar_ts=min(first.bar_ts, fill.bar_ts),
            quantity=quantity,
            price=paid / quantity,
            commission=first.commission + fill.commission,
        )
    return list(found.values())


def drift_split(live: Side, backtest: Side, *, start: float, end: float) -> Drift:
    """Return what the profit of a session differs by, live less backtest.

    Fills are the same where rule, reason and side are, in their order.
    """
    rows = [one.parts for one in fills_split(live.fills, backtest.fills, end=end)]
    held = (live.position - backtest.position) * (end - start)
    return Drift(
        signal=sum((one.signal for one in rows), held),
        timing=sum(one.timing for one in rows),
        slippage=sum(one.slippage for one in rows),
        fees=sum(one.fees for one in rows),
    )


def fills_split(
    live: Iterable[TradedFill], backtest: Iterable[TradedFill], *, end: float
) -> list[FillDrift]:
    """Return what each fill of either side adds to the difference, in the order of their bars."""
    ours, theirs = _grouped(live), _grouped(backtest)
    rows = [
        _fill_split(mine, other, end=end)
        for key in ours.keys() | theirs.keys()
        for mine, other in zip_longest(ours[key], theirs[key])
    ]
    return sorted(rows, key=lambda one: min(x.bar_ts for x in (one.live, one.backtest) if x))


def _fill_split(mine: TradedFill | None, other: TradedFill | None, *, end: float) -> FillDrift:
    fees = (other.commission if other else 0.0) - (mine.commission if mine else 0.0)
    if mine is None or other is None:
        signal = (_worth(mine, end) if mine else 0.0) - (_worth(other, end) if other else 0.0)
        return FillDrift(mine, other, Drift(signal=signal, fees=fees))
    timing = mine.side * (mine.quantity - other.quantity) * (end - other.price)
    price = mine.side * mine.quantity * (other.price - mine.price)
    if mine.bar_ts == other.bar_ts:
        return FillDrift(mine, other, Drift(timing=timing, slippage=price, fees=fees))
    return FillDrift(mine, other, Drift(timing=timing + price, fees=fees))


def _worth(fill: TradedFill, end: float) -> float:
    return fill.side * fill.quantity * (end - fill.price)


def _grouped(fills: Iterable[TradedFill]) -> defaultdict[tuple[int, int, int], list[TradedFill]]:
    found: defaultdict[tuple[int, int, int], list[TradedFill]] = defaultdict(list)
    for one in fills:
        reason = one.reason
        if reason == ExitReason.TRAILING_STOP:  # at a venue it is a stop that was moved
            reason = ExitReason.STOP_LOSS
        elif reason == ExitReason.TIME_STOP:  # and this an order at the market
            reason = ExitReason.SIGNAL
        found[one.rule, int(reason), one.side].append(one)
    return found
