"""The passes over tables of trades and fills, compiled.

They read the columns of a structured array where they lie, without copying them.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from core.indicators.jit import looped

_INTS = types.Array(types.int64, 1, "A", readonly=True)
_FLOATS = types.Array(types.float64, 1, "A", readonly=True)


@looped(_FLOATS, _FLOATS)
def trades_scan(
    pnl: NDArray[np.float64], returns: NDArray[np.float64]
) -> tuple[float, float, float, int, float, int, int, int, float, float, float, float]:
    """Sum up trades.

    Returns
    -------
    tuple
        Sum of the profits and of their squares around the mean; sum and number of the winning
        ones, sum (>= 0) and number of the losing ones; the longest rows of wins and of losses;
        sum, highest and lowest of the returns, and the sum of ``log(1 + return)``.

    Notes
    -----
    The product of growth is what is summed, and its logarithm taken when it gets far from one:
    a logarithm a trade would cost more than all the rest.
    """
    total = won = lost = 0.0
    wins = losses = 0
    winning = losing = most_winning = most_losing = 0
    fractions = logarithms = 0.0
    best, worst = -np.inf, np.inf
    growth = 1.0
    for index in range(pnl.shape[0]):
        profit = pnl[index]
        total += profit
        winning = winning + 1 if profit > 0.0 else 0
        losing = losing + 1 if profit < 0.0 else 0
        most_winning = max(most_winning, winning)
        most_losing = max(most_losing, losing)
        won += max(profit, 0.0)
        lost -= min(profit, 0.0)
        wins += profit > 0.0
        losses += profit < 0.0
        fraction = returns[index]
        fractions += fraction
        best = max(best, fraction)
        worst = min(worst, fraction)
        growth *= 1.0 + fraction
        if not 1e-100 < growth < 1e100:
            logarithms += np.log(growth)
            growth = 1.0
    logarithms += np.log(growth)
    mean = total / pnl.shape[0]
    second = 0.0
    for index in range(pnl.shape[0]):
        centered = pnl[index] - mean
        second += centered * centered
    return (
        total,
        second,
        won,
        wins,
        lost,
        losses,
        most_winning,
        most_losing,
        fractions,
        best,
        worst,
        logarithms,
    )


@looped(_FLOATS, _FLOATS)
def excursions_scan(
    adverse: NDArray[np.float64], favourable: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Return the sum and the lowest of the first series, the sum and the highest of the second."""
    below = above = 0.0
    lowest, highest = np.inf, -np.inf
    for index in range(adverse.shape[0]):
        below += adverse[index]
        above += favourable[index]
        lowest = min(lowest, adverse[index])
        highest = max(highest, favourable[index])
    return below, lowest, above, highest


@looped(_INTS, _INTS)
def durations_scan(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return the sum, the shortest and the longest of the times from start to end."""
    total = 0.0
    shortest, longest = np.inf, -np.inf
    for index in range(starts.shape[0]):
        duration = float(ends[index] - starts[index])
        total += duration
        shortest = min(shortest, duration)
        longest = max(longest, duration)
    return total, shortest, longest


@looped(_FLOATS, _FLOATS)
def value_scan(quantity: NDArray[np.float64], price: NDArray[np.float64]) -> float:
    """Return the sum of ``abs(quantity * price)``."""
    total = 0.0
    for index in range(quantity.shape[0]):
        total += abs(quantity[index] * price[index])
    return total
