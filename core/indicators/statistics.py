"""Statistical indicators that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.indicator import Series, indicator_build
from core.indicators.spec import Parameter, Spec


def zscore(source: Series, period: int) -> Series:
    """Return how many standard deviations the source is from its rolling mean.

    Parameters
    ----------
    source : array, shape (n,)
    period : int
        Bars of the window, the current one included.

    Returns
    -------
    array, shape (n,)
        NaN for the first ``period - 1`` bars and wherever the window is flat (no deviation).

    Notes
    -----
    ``(x - mean) / std`` with the population deviation (divisor `period`), as TradingView's
    ``ta.stdev`` and TA-Lib have it; pandas and scipy.stats.zscore(ddof=1) divide by
    ``period - 1`` and give values smaller by ``sqrt((period - 1) / period)``.
    """
    deviation = talib.STDDEV(source, period, 1.0)
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
            parameters=(
                Parameter(
                    "period",
                    "int",
                    20,
                    minimum=2,
                    maximum=100_000,
                    description="Number of bars in the window.",
                    aliases=("timeperiod", "length", "window"),
                ),
            ),
            outputs=("value",),
            recursive=False,
            repaints=False,
            description="Distance from the mean of the window in (population) standard "
            "deviations. NaN where the window is flat.",
            aliases=("z_score", "rolling_z_score"),
        ),
        kernel=zscore,
        warmup=lambda period: int(period) - 1,
    ),
)
