"""How many bars a year has, guessed from bars of a file; stored ones have a calendar for that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NS_PER_DAY = 86_400_000_000_000
SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365
SATURDAY = 5


def bars_per_year(ts: NDArray[np.int64], *, sessions_per_year: float) -> float:
    """Return the bars of a year, from the sessions of a year and the spacing of the bars.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        Bar-open times, UTC nanoseconds, increasing.
    sessions_per_year : float
        252 for shares, 365 for a market that never closes.

    Returns
    -------
    float
        Daily bars: the sessions. Shorter ones: the sessions times the bars that one usually has
        (the median, so that a short or a holed one does not count). Longer ones: a year divided by
        their usual spacing. Fewer than two bars: the sessions.
    """
    if len(ts) < 2:
        return float(sessions_per_year)
    spacing = float(np.median(np.diff(ts)))
    if spacing > 4 * NS_PER_DAY:
        return 365.25 * NS_PER_DAY / spacing
    _, counts = np.unique(ts // NS_PER_DAY, return_counts=True)
    return float(np.median(counts)) * sessions_per_year


def sessions_per_year_guess(ts: NDArray[np.int64]) -> int:
    """Return 365 where there are bars on Saturdays, else 252: for bars that come without a name."""
    weekday = (ts // NS_PER_DAY + 3) % 7
    return DAYS_PER_YEAR if bool((weekday == SATURDAY).any()) else SESSIONS_PER_YEAR
