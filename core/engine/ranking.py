"""Who is served first: a heap of instruments, the best by rank on top.

Of two with the same rank the first in the order of symbols is the better. A rank that is not known
is the lowest of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.engine.jit import inlined, outlined


@inlined
def rank_known(rank: float) -> float:
    """Return a rank that can be compared."""
    return -np.inf if np.isnan(rank) else rank


@inlined
def better(ranks: NDArray[np.float64], one: int, other: int) -> bool:
    """Whether instrument `one` is served before `other`."""
    first, second = ranks[np.uintp(one)], ranks[np.uintp(other)]  # as in `kernel.bar_at`
    return first > second or (first == second and one < other)


@outlined
def heap_make(heap: NDArray[np.int64], size: int, ranks: NDArray[np.float64]) -> None:
    """Order the first `size` instruments of `heap`."""
    for place in range(size // 2 - 1, -1, -1):
        _sink(heap, place, size, ranks)


@outlined
def heap_take(heap: NDArray[np.int64], size: int, ranks: NDArray[np.float64]) -> int:
    """Return the best of `size` instruments, and leave a heap of the others."""
    best = heap[0]
    heap[0] = heap[size - 1]
    _sink(heap, 0, size - 1, ranks)
    return int(best)


@inlined
def _sink(heap: NDArray[np.int64], place: int, size: int, ranks: NDArray[np.float64]) -> None:
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and better(ranks, heap[child + 1], heap[child]):
            child += 1
        if better(ranks, heap[place], heap[child]):
            return
        heap[place], heap[child] = heap[child], heap[place]
        place = child
