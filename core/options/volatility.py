"""The volatility of synthetic options, from what the underlying has done so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def realised_volatility(
    close: NDArray[np.float64], *, ends: NDArray[np.bool_], window: int, sessions_per_year: float
) -> NDArray[np.float64]:
    """Return the volatility a year known at the close of each bar.

    The deviation of the last `window` logarithmic returns from session close to session close,
    around their mean and over ``window - 1``, times the root of the sessions a year. Inside a
    session it is that of the session before.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
    ends : ndarray of bool, shape (n,)
        Whether a bar is the last one of its session.
    window : int
        Number of returns, 2 or more.
    sessions_per_year : float

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN before there are `window` returns; zero for a price that does not move.
    """
    found = np.full(close.size, np.nan)
    last = np.flatnonzero(ends)
    returns = np.diff(np.log(close[last]))
    if returns.size < window:
        return found
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    yearly = windows.std(axis=1, ddof=1) * np.sqrt(sessions_per_year)
    # The value that a session's close makes known holds until the next one.
    known = last[window:]
    held = np.diff(np.append(known, close.size))
    found[known[0] :] = np.repeat(yearly, held)
    return found
