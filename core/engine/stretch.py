"""The bars that the kernel goes through in one go, and what lies inside of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.engine.state import Market


class Fine(NamedTuple):
    """Finer bars, and which of them lie in each bar of a run; all of it empty where none do."""

    market: Market
    firsts: NDArray[np.int64]  # by bar of the run
    stops: NDArray[np.int64]  # the row after its last one; its first where it has none


class Stretch(NamedTuple):
    """Bars to go through, and what happens to units just before the open of the first of them."""

    start: int
    stop: int
    split: float  # units after for one before
    dividend: float  # cash for each unit after the split
    fine: Fine

    def rest(self, start: int) -> Stretch:
        """Return the bars from `start` on, before which nothing happens any more."""
        return Stretch(start, self.stop, 1.0, 0.0, self.fine)
