"""The passes over long series behind the metrics, compiled.

Numpy would make a dozen temporary arrays of the length of the curve for the same numbers; one
pass without any is five to ten times faster on a hundred thousand bars. Sums are taken in order,
without fast-math, so that a result has the same bits on every machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.indicators.jit import INDEXES, SERIES, looped

NS_PER_DAY: Final = 86_400_000_000_000
BLOCK: Final = 64
"""Bars that are looked at in one go."""


@looped(INDEXES)
def day_ends(ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the last bar of each day of UTC.

    `ts` increases, so that one division a day is enough, and none for the day that follows; of
    short bars most are leapt over.
    """
    last = ts.shape[0] - 1
    days = ts[last] // NS_PER_DAY - ts[0] // NS_PER_DAY + 1
    ends = np.empty(min(max(days, 1), last + 1), dtype=np.int64)
    count = index = 0
    border = (ts[0] // NS_PER_DAY + 1) * NS_PER_DAY
    while ts[last] >= border:
        while index + BLOCK < last and ts[index + BLOCK] < border:
            index += BLOCK
        while ts[index] < border:
            index += 1
        ends[count] = index - 1
        count += 1
        border += NS_PER_DAY
        if ts[index] >= border:
            border = (ts[index] // NS_PER_DAY + 1) * NS_PER_DAY
    ends[count] = last
    return ends[: count + 1].copy()


@looped(INDEXES)
def session_ends(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the last bar of each run of equal ids; there is a bar."""
    count = 1
    for index in range(1, ids.shape[0]):
        count += ids[index] != ids[index - 1]
    ends = np.empty(count, dtype=np.int64)
    place = 0
    for index in range(1, ids.shape[0]):
        if ids[index] != ids[index - 1]:
            ends[place] = index - 1
            place += 1
    ends[place] = ids.shape[0] - 1
    return ends


@looped(SERIES)
def sides_count(position: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return at how many bars the position is above, below and equal to zero."""
    long = short = flat = 0
    for index in range(position.shape[0]):
        long += position[index] > 0.0
        short += position[index] < 0.0
        flat += position[index] == 0.0
    return long, short, flat


@njit(nogil=True, error_model="numpy")
def block_falls(block: NDArray[np.float64], peak: float, falls: NDArray[np.float64]) -> bool:
    """Write how far each value is below `peak`, as a fraction; false where one reaches it.

    Without a branch for each value the compiler divides several at once.
    """
    highs = 0
    for place in range(block.shape[0]):
        highs += block[place] >= peak
    if highs > 0:
        return False
    for place in range(block.shape[0]):
        falls[place] = block[place] / peak - 1.0
    return True


@looped(INDEXES, SERIES)
def curve_scan(
    ts: NDArray[np.int64], equity: NDArray[np.float64]
) -> tuple[float, float, bool, int, bool, int, float, int, float, float]:
    """Measure a curve that starts above zero.

    Returns
    -------
    tuple
        Its highest value; the deepest drawdown (<= 0) and whether it was recovered; the longest
        time below a high and whether it ended; the number of drawdowns, the sum of their depths
        and of their durations; the sum of squared drawdowns; the sum of the curve.

    Notes
    -----
    Most blocks of bars lie below the high as a whole. The sums are in the order of the bars all
    the same.
    """
    peak = equity[0]
    high = 0
    deepest = depth = depths = 0.0
    longest = durations = 0
    count = 0
    deepest_ended = longest_ended = True
    squares = 0.0
    total = 0.0
    last = equity.shape[0] - 1
    falls = np.empty(BLOCK, dtype=np.float64)
    for start in range(0, last + 1, BLOCK):
        block = equity[start : start + BLOCK]
        if block_falls(block, peak, falls):
            for place in range(block.shape[0]):
                total += block[place]
                squares += falls[place] * falls[place]
                depth = min(depth, falls[place])
            continue
        for index in range(start, start + block.shape[0]):
            value = equity[index]
            total += value
            if value >= peak:
                if index > high + 1:
                    duration = ts[index] - ts[high]
                    longest = max(longest, duration)
                    deepest = min(deepest, depth)
                    count += 1
                    depths += depth
                    durations += duration
                    depth = 0.0
                peak = value
                high = index
            else:
                below = value / peak - 1.0
                squares += below * below
                depth = min(depth, below)
    if high < last:
        duration = ts[last] - ts[high]
        longest_ended = longest >= duration
        longest = max(longest, duration)
        deepest_ended = deepest <= depth
        deepest = min(deepest, depth)
        count += 1
        depths += depth
        durations += duration
    return (
        peak,
        deepest,
        deepest_ended,
        longest,
        longest_ended,
        count,
        depths,
        durations,
        squares,
        total,
    )


@looped(SERIES)
def growth_scan(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool, bool]:
    """Return ``values[i] / values[i - 1] - 1``, and whether all values are > 0 and finite."""
    count = values.shape[0]
    returns = np.empty(max(count - 1, 0), dtype=np.float64)
    positive = finite = True
    for index in range(count):
        value = values[index]
        positive &= not value <= 0.0
        finite &= abs(value) < np.inf
        if index > 0:
            returns[index - 1] = value / values[index - 1] - 1.0
    return returns, positive, finite


@looped(SERIES)
def returns_scan(returns: NDArray[np.float64]) -> tuple[float, ...]:
    """Return sum, sums of the 2nd to 4th power around the mean, squared losses, gains, losses."""
    total = 0.0
    for value in returns:
        total += value
    mean = total / returns.shape[0]
    second = third = fourth = 0.0
    downside = gains = losses = 0.0
    for value in returns:
        centered = value - mean
        square = centered * centered
        second += square
        third += square * centered
        fourth += square * square
        if value < 0.0:
            losses -= value
            downside += value * value
        else:
            gains += value
    return total, second, third, fourth, downside, gains, losses


@looped(SERIES, SERIES)
def pair_scan(
    returns: NDArray[np.float64], market: NDArray[np.float64]
) -> tuple[float, float, float, float, float, float]:
    """Relate two series of one length.

    Returns
    -------
    tuple
        The sums of both; the sums of the squares around the mean of the returns, of the market
        and of what the returns exceed it by; the sum of the products around the means.
    """
    count = returns.shape[0]
    ours = theirs = 0.0
    for index in range(count):
        ours += returns[index]
        theirs += market[index]
    our_mean = ours / count
    their_mean = theirs / count
    our_second = their_second = excess_second = product = 0.0
    for index in range(count):
        our = returns[index] - our_mean
        their = market[index] - their_mean
        excess = our - their
        our_second += our * our
        their_second += their * their
        excess_second += excess * excess
        product += our * their
    return ours, theirs, our_second, their_second, excess_second, product
