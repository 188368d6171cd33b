"""Which bar a moment belongs to."""

from __future__ import annotations

import numpy as np

from market.bar_times import bar_after
from market.store import StoredBars


def bar_of(stored: StoredBars, closed: int, ts: int, *, after: int) -> int:
    """Return the bar that a moment lies in, later than `after`; the next one where none is over."""
    seen = stored.bars.ts[:closed]
    number = int(np.searchsorted(seen, ts, side="right")) - 1
    number = max(number, int(np.searchsorted(seen, after, side="right")))
    last = int(seen[-1])
    following = bar_after(last, instrument=stored.instrument, interval=stored.interval)
    # What happens after the last bar that is over belongs to the one that is under way.
    if number < closed and (ts < following or number < closed - 1):
        return int(seen[number])
    return following
