"""How much a strategy traded, how long it held, and how far its trades went meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.metrics.returns import DAYS_PER_YEAR
from core.metrics.scans import NS_PER_DAY, sides_count
from core.metrics.trade_scans import durations_scan, excursions_scan, value_scan
from core.metrics.value import Undefined, Value

NS_PER_SECOND: Final = 1e9

_NO_TRADE: Final = Undefined("there were no trades")


@dataclass(frozen=True, slots=True)
class Exposure:
    """Shares of bars at whose close there was a position, one bought, one sold short."""

    any: Value
    long: Value
    short: Value


def exposure(position: NDArray[np.float64]) -> Exposure:
    """Return the shares of bars with a position, fractions; `position` is signed units.

    Undefined without bars, or where a position is not a number.
    """
    count = len(position)
    if count == 0:
        return Exposure(*[Undefined("there are no bars")] * 3)
    long, short, flat = sides_count(np.ascontiguousarray(position, dtype=np.float64))
    if long + short + flat < count:
        return Exposure(*[Undefined("the position is not a number at every bar")] * 3)
    return Exposure((long + short) / count, long / count, short / count)


def turnover(traded_value: float, mean_equity: Value, span_ns: int) -> Value:
    """Return the value traded (purchases and sales) a year over the mean equity.

    2 means that the account was bought and sold once a year. Undefined for a run without
    duration, or a mean equity of zero or below.
    """
    if isinstance(mean_equity, Undefined):
        return mean_equity
    if span_ns <= 0:
        return Undefined("the run has no duration")
    if mean_equity <= 0.0:
        return Undefined("the mean equity is not above zero")
    return traded_value / mean_equity * DAYS_PER_YEAR * NS_PER_DAY / span_ns


def filled_value(fills: NDArray[Any]) -> float:
    """Return the money that changed hands: the sum of ``quantity * price`` over all fills."""
    return float(value_scan(fills["quantity"], fills["price"]))


def traded_value(trades: NDArray[Any]) -> float:
    """Return the money that changed hands in closed trades, at their entries and exits."""
    quantity = trades["quantity"]
    entered = value_scan(quantity, trades["entry_price"])
    return float(entered + value_scan(quantity, trades["exit_price"]))


@dataclass(frozen=True, slots=True)
class Holding:
    """How long trades were open, in seconds: on average, at least and at most."""

    average_s: Value
    shortest_s: Value
    longest_s: Value


def holding(trades: NDArray[Any]) -> Holding:
    """Return the durations from entry to exit, between the opens of their bars.

    Parameters
    ----------
    trades : structured array
        With ``entry_ts`` and ``exit_ts``, int64 nanoseconds; undefined without.
    """
    if len(trades) == 0:
        return Holding(*[_NO_TRADE] * 3)
    if not {"entry_ts", "exit_ts"} <= set(trades.dtype.names or ()):
        return Holding(*[Undefined("the trades do not say when they were open")] * 3)
    total, shortest, longest = durations_scan(trades["entry_ts"], trades["exit_ts"])
    average = total / len(trades)
    return Holding(average / NS_PER_SECOND, shortest / NS_PER_SECOND, longest / NS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Excursions:
    """How far prices went against and for trades while they were open, fractions of the entry.

    Attributes
    ----------
    average_adverse, worst_adverse : Value
        Mean and lowest of the maximum adverse excursions, <= 0 (Sweeney 1997).
    average_favourable, best_favourable : Value
        Mean and highest of the maximum favourable excursions, >= 0.
    edge_ratio : Value
        Mean favourable over mean adverse excursion, in size. Faith (2007) divides both by the
        average true range at the entry first; here each is a fraction of the entry price.
    """

    average_adverse: Value
    worst_adverse: Value
    average_favourable: Value
    best_favourable: Value
    edge_ratio: Value


def excursions(trades: NDArray[Any]) -> Excursions:
    """Return the summary of the excursions ``mae`` and ``mfe`` of trades; undefined without."""
    count = len(trades)
    if count == 0:
        return Excursions(*[_NO_TRADE] * 5)
    if not {"mae", "mfe"} <= set(trades.dtype.names or ()):
        return Excursions(*[Undefined("the trades carry no excursions")] * 5)
    against, worst, favour, best = excursions_scan(trades["mae"], trades["mfe"])
    if not (isfinite(against) and isfinite(favour)):
        return Excursions(*[Undefined("the excursion of a trade is not a finite number")] * 5)
    edge = favour / -against if against < 0.0 else Undefined("no trade ever stood at a loss")
    return Excursions(against / count, worst, favour / count, best, edge)
