"""Statistical indicators that TA-Lib lacks."""

from __future__ import annotations

from math import sqrt

import numpy as np
import talib

from core.indicators.declare import DDOF, window
from core.indicators.indicator import Series, indicator_build
from core.indicators.spec import Spec


def zscore(source: Series, period: int, ddof: int) -> Series:
    """Return how many standard deviations the source is from its rolling mean.

    Parameters
    ----------
    source : array, shape (n,)
    period : int
        Bars of the window, the current one included.
    ddof : int
        0 or 1: the deviation's divisor is ``period - ddof``.

    Returns
    -------
    array, shape (n,)
        NaN for the first ``period - 1`` bars and wherever the window is flat (no deviation).

    Notes
    -----
    ``(x - mean) / std``. The default is the population deviation, as TradingView's ``ta.stdev``
    and TA-Lib have it; pandas and scipy.stats.zscore(ddof=1) have the sample's.
    """
    deviation = talib.STDDEV(source, period, sqrt(period / (period - ddof)))
    result: Series = source - talib.SMA(source, period)
    # A flat window has no deviation: NaN rather than 0 / 0 and its warning.
    return np.divide(result, deviation, out=np.full_like(result, np.nan), where=deviation > 0.0)


INDICATORS = (
    indicator_build(
        Spec(
            name="zscore",
            title="Rolling Z-Score",
            group="statistics",
            inputs=("source",),
            parameters=(window(20), DDOF),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Distance from the mean of the window in standard "
            "deviations. NaN where the window is flat.",
            aliases=("z_score", "rolling_z_score"),
        ),
        kernel=zscore,
        warmup=lambda period, _ddof: int(period) - 1,
    ),
)
