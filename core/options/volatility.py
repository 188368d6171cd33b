"""The volatility of synthetic options, from what the underlying has done so far."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.options.config import OptionsConfig

_SATURDAY: Final = 5
_MONDAY_BASED: Final = 3


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


def measured_volatility(
    close: NDArray[np.float64],
    *,
    days: NDArray[np.int64],
    ends: NDArray[np.bool_],
    config: OptionsConfig,
) -> NDArray[np.float64]:
    """Return the volatility a year that options are priced by where none is given.

    The realised one times `config.volatility_premium`, of 252 sessions a year, or of 365 as soon as
    a bar is of a weekend: then the market is known to be open on weekends.

    Parameters
    ----------
    close, ends
        As `realised_volatility` takes them.
    days : ndarray of int64, shape (n,)
        Days from 1970-01-01 to the session of each bar.
    config : OptionsConfig

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN before there are enough returns.
    """
    weekends = np.logical_or.accumulate((days + _MONDAY_BASED) % 7 >= _SATURDAY)
    a_session = realised_volatility(
        close, ends=ends, window=config.volatility_window, sessions_per_year=1.0
    )
    yearly = a_session * np.sqrt(np.where(weekends, 365.0, 252.0))
    found: NDArray[np.float64] = config.volatility_premium * yearly
    return found
