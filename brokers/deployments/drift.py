"""Splitting the difference between what was traded and what the backtester would have traded.

The profit of a session is that of the position it began with, and of each fill up to its end:
``position (end - start) + sum side quantity (end - price) - commissions``. That holds for both
sides, so that the parts below add up to the difference exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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


def drift_split(live: Side, backtest: Side, *, start: float, end: float) -> Drift:
    """Return what the profit of a session differs by, live less backtest.

    Fills are the same where rule, reason and side are, in their order.
    """
    signal = (live.position - backtest.position) * (end - start)
    timing = slippage = 0.0
    fees = sum(one.commission for one in backtest.fills) - sum(one.commission for one in live.fills)
    ours, theirs = _grouped(live.fills), _grouped(backtest.fills)
    for key in ours.keys() | theirs.keys():
        left, right = ours[key], theirs[key]
        for mine, other in zip(left, right, strict=False):
            timing += mine.side * (mine.quantity - other.quantity) * (end - other.price)
            price = mine.side * mine.quantity * (other.price - mine.price)
            if mine.bar_ts == other.bar_ts:
                slippage += price
            else:
                timing += price
        common = min(len(left), len(right))
        signal += sum(one.side * one.quantity * (end - one.price) for one in left[common:])
        signal -= sum(one.side * one.quantity * (end - one.price) for one in right[common:])
    return Drift(signal, timing, slippage, fees)


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
