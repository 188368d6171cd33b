"""Trend indicators that TA-Lib lacks."""

from __future__ import annotations

import numpy as np
import talib

from core.indicators.indicator import Series, indicator_build
from core.indicators.spec import Parameter, Spec


def ichimoku(high: Series, low: Series, *bars: int) -> tuple[Series, Series, Series, Series]:
    """Return the lines of the Ichimoku cloud as they are known at each bar.

    Parameters
    ----------
    high, low : array, shape (n,)
    *bars : int
        ``fast, slow, span, displacement``: the windows of the conversion line (tenkan-sen), the
        base line (kijun-sen) and the second leading span (senkou span B), and by how many bars
        the cloud is drawn ahead of the prices it is made of.

    Returns
    -------
    tuple of four arrays, shape (n,)
        ``conversion``, ``base``, ``span_a``, ``span_b``. At bar i the spans are the cloud that
        stands above or below bar i on the chart, made of prices up to bar
        ``i - displacement + 1``; all four start together once the last of them is known.

    Notes
    -----
    Source: G. Hosoda, as in TradingView's built-in script: each line is the middle of the
    highest high and lowest low of its window, and the current bar counts as the first of the
    displacement. The lagging span (chikou) is the close drawn `displacement` bars back: it
    shows nothing new at the bar where it is known, and at the bar where it is drawn it is the
    future, so it is left out. Compare the close with the close some bars ago instead.
    """
    fast, slow, span, displacement = bars
    conversion = _middle(high, low, fast)
    base = _middle(high, low, slow)
    ahead_a = (conversion + base) / 2.0
    ahead_b = _middle(high, low, span)
    shift = displacement - 1
    span_a = np.full_like(base, np.nan)
    span_b = np.full_like(base, np.nan)
    span_a[shift:] = ahead_a[: max(0, base.shape[0] - shift)]
    span_b[shift:] = ahead_b[: max(0, base.shape[0] - shift)]
    start = ichimoku_warmup(fast, slow, span, displacement)
    for line in (conversion, base, span_a, span_b):
        line[:start] = np.nan
    return conversion, base, span_a, span_b


def ichimoku_warmup(fast: int, slow: int, span: int, displacement: int) -> int:
    """Return the number of bars before the first one with a whole cloud."""
    return max(fast, slow, span) - 1 + displacement - 1


def _middle(high: Series, low: Series, period: int) -> Series:
    """Return the middle of the highest high and the lowest low of the window."""
    if period == 1:  # TA-Lib starts at 2
        return (high + low) / 2.0
    middle: Series = talib.MIDPRICE(high, low, period)
    return middle


def _bars(name: str, default: int, description: str, *aliases: str) -> Parameter:
    return Parameter(
        name, "int", default, minimum=1, maximum=100_000, description=description, aliases=aliases
    )


INDICATORS = (
    indicator_build(
        Spec(
            name="ichimoku",
            title="Ichimoku Cloud",
            group="overlap",
            inputs=("high", "low"),
            parameters=(
                _bars("fast", 9, "Bars of the conversion line.", "tenkan", "conversion"),
                _bars("slow", 26, "Bars of the base line.", "kijun", "base"),
                _bars("span", 52, "Bars of the second leading span.", "senkou"),
                _bars("displacement", 26, "Bars by which the cloud is drawn ahead.", "offset"),
            ),
            outputs=("conversion", "base", "span_a", "span_b"),
            recursive=False,
            repaints=False,
            description="Conversion and base line, and the cloud between the two spans as it "
            "stands at the bar: nothing is read from the future. There is no lagging span.",
            aliases=("ichimoku_cloud", "ichimoku_kinko_hyo"),
            overlay=True,
        ),
        kernel=ichimoku,
        warmup=ichimoku_warmup,
    ),
)
