"""Operations of the code that remember: each has its own cells, which are NaN before first use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.engine.jit import inlined

_BELOW = -1.0
_ABOVE = 1.0
_UNKNOWN = 0.0


@inlined
def truth(value: float) -> bool:
    """Return whether a number of the code is true; NaN is not."""
    return abs(value) > 0.0


@inlined
def cross_above(
    cells: NDArray[np.float64],
    first: int,
    left: float,
    right: float,
    strict: bool,  # noqa: FBT001 - numba passes by place
) -> float:
    """Cell: on which side of `right` `left` was when they last differed; a NaN forgets it.

    Strictly, being equal forgets it as well.
    """
    before = cells[first]
    if left > right:
        cells[first] = _ABOVE
        return 1.0 if before == _BELOW else 0.0
    if left < right:
        cells[first] = _BELOW
    elif strict or left != right:  # equal, or without an order: one is NaN
        cells[first] = _UNKNOWN
    return 0.0


@inlined
def bars_since(cells: NDArray[np.float64], first: int, value: float) -> float:
    """Cell: bars since the value was last true."""
    since: float = 0.0 if truth(value) else cells[first] + 1.0
    cells[first] = since
    return since


@inlined
def run_length(cells: NDArray[np.float64], first: int, value: float) -> float:
    """Cell: bars running at which the value has been true."""
    before: float = cells[first] if truth(cells[first]) else 0.0
    length = before + 1.0 if truth(value) else 0.0
    cells[first] = length
    return length


@inlined
def shift(cells: NDArray[np.float64], first: int, value: float, bars: int) -> float:
    """Cells: where the oldest value is, and a ring of as many values as `bars`."""
    if bars == 0:
        return value
    oldest = int(cells[first]) if truth(cells[first]) else 0
    place = np.uintp(first + 1 + oldest)
    found: float = cells[place]
    cells[place] = value
    cells[first] = float(oldest + 1) if oldest + 1 < bars else 0.0
    return found


@inlined
def loop(
    cells: NDArray[np.float64],
    first: int,
    operands: int,
    closings: float,
    flat: bool,  # noqa: FBT001 - numba passes by place
) -> float:
    """Cells: whether it is under way, bars since it ran, runs, and closings seen."""
    when, going_on = cells[operands], cells[operands + 1]
    every, most = cells[operands + 2], cells[operands + 3]
    if cells[first + 3] != closings:  # so is the NaN of the first bar
        cells[first + 3] = closings
        cells[first + 2] = 0.0
        if flat:
            cells[first] = 0.0
    cells[first + 1] += 1.0
    if truth(when):
        cells[first] = 1.0
    if not truth(going_on):
        cells[first] = 0.0
    too_soon = cells[first + 1] < every  # false with NaN: it never ran
    if not truth(cells[first]) or too_soon or not cells[first + 2] < most:
        return 0.0
    cells[first + 1] = 0.0
    cells[first + 2] += 1.0
    return 1.0


@inlined
def wait(cells: NDArray[np.float64], first: int, operands: int) -> float:
    """Cells: whether it is under way, and bars since it began."""
    trigger, until = cells[operands], cells[operands + 1]
    bars, timeout = cells[operands + 2], cells[operands + 3]
    ended = 0.0
    if truth(cells[first]):
        cells[first + 1] += 1.0
        elapsed = cells[first + 1]
        if elapsed >= bars and elapsed <= timeout and truth(until):
            ended = 1.0
        if truth(ended) or elapsed >= timeout:
            cells[first] = 0.0
    if truth(trigger) and not truth(cells[first]):
        cells[first] = 1.0
        cells[first + 1] = 0.0
    return ended
