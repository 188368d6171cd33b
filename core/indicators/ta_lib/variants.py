"""Other definitions that platforms show under the name of a TA-Lib function.

Each is a further parameter, whose default is TA-Lib's own function, untouched. The documentation
(docs/indicators.md) says which platform shows which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Final

import numpy as np
import talib

from core.indicators.averages import AVERAGE_CODES, RECURSIVE_AVERAGES
from core.indicators.declare import DDOF, choice
from core.indicators.indicator import Indicator, Kernel, Series
from core.indicators.rolling import change, ratio, rolling_mean, rolling_variance
from core.indicators.spec import Parameter

_BBANDS: Any = talib.BBANDS
"""Untyped: its stub takes no number for the average, which is what TA-Lib has."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What a TA-Lib function takes beyond TA-Lib's parameters.

    Attributes
    ----------
    parameters : tuple of Parameter
        Appended to TA-Lib's own.
    kernel : Kernel
        Of the inputs and all parameters, called unless the further ones all have their defaults.
    warmup : callable, optional
        ``warmup(*values)`` of all parameters; TA-Lib's own where there is none.
    recursion : callable, optional
        ``recursion(*values)``: whether values depend on bars older than the warm-up.
    """

    parameters: tuple[Parameter, ...]
    kernel: Kernel
    warmup: Callable[..., int] | None = None
    recursion: Callable[..., bool] | None = None


def variant_apply(plain: Indicator, variant: Variant) -> Indicator:
    """Return TA-Lib's indicator with the variant's parameters."""
    count = len(variant.parameters)
    defaults = tuple(parameter.default for parameter in variant.parameters)

    def kernel(*arguments: Any) -> Any:
        if arguments[-count:] == defaults:
            return plain.kernel(*arguments[:-count])
        return variant.kernel(*arguments)

    def warmup(*values: Any) -> int:
        return plain.warmup(*values[:-count])

    names = tuple(parameter.name for parameter in variant.parameters)
    return replace(
        plain,
        spec=replace(plain.spec, parameters=(*plain.spec.parameters, *variant.parameters)),
        kernel=kernel,
        warmup=variant.warmup or warmup,
        parameter_names=(*plain.parameter_names, *names),
        recursion=variant.recursion,
    )


def _average(source: Series, period: int, kind: str) -> Series:
    """Return the simple or exponential average of a series whose first value is missing."""
    if kind == "simple":
        return rolling_mean(source, period)
    average: Series = talib.EMA(source, period) if period > 1 else source
    return average


def rsi(source: Series, period: int, average: str) -> Series:
    """Return the RSI with simple averages (Cutler's) or exponential ones, ``2 / (period + 1)``.

    0 where nothing moved, as in TA-Lib.
    """
    step = change(source)
    gain = _average(np.maximum(step, 0.0), period, average)
    loss = _average(np.maximum(-step, 0.0), period, average)
    return 100.0 * ratio(gain, gain + loss, flat=0.0)


def atr(high: Series, low: Series, close: Series, period: int, average: str) -> Series:
    """Return a simple or exponential average of the true range."""
    return _average(talib.TRANGE(high, low, close), period, average)


def natr(high: Series, low: Series, close: Series, period: int, average: str) -> Series:
    """Return a simple or exponential average of the true range in percent of the close."""
    return 100.0 * ratio(atr(high, low, close, period, average), close, flat=0.0)


def keltner(
    high: Series, low: Series, close: Series, period: int, *settings: Any
) -> tuple[Series, Series, Series]:
    """Return Keltner's channel about another centre, or of another width.

    Parameters
    ----------
    high, low, close : array, shape (n,)
    period : int
    *settings : int, float, str, str
        ``atr_period, multiplier, centre, width``. The width is the average true range, the
        simple average of the bars' ranges (C. Keltner, 1960), Wilder's average of them over
        `period` bars or the bar's true range alone (both TradingView's).
    """
    atr_period, multiplier, centre, width = settings
    average, _, price = centre.partition("_")
    source = close if price == "close" else (high + low + close) / 3.0
    middle = talib.SMA(source, period) if average == "sma" else talib.EMA(source, period)
    if width == "atr":
        reach = talib.ATR(high, low, close, atr_period)
    elif width == "range":
        reach = rolling_mean(high - low, atr_period)
    elif width == "range_wilder":
        reach = talib.RMA(high - low, period)
    else:
        reach = talib.TRANGE(high, low, close)
    middle[: max(period - 1, atr_period)] = np.nan
    return middle + multiplier * reach, middle, middle - multiplier * reach


def _keltner_recursion(_period: int, _atr: int, _multiplier: float, *kinds: str) -> bool:
    centre, width = kinds
    return centre.startswith("ema") or width in {"atr", "range_wilder"}


def bollinger(source: Series, period: int, *settings: Any) -> Any:
    """Return Bollinger bands of sample deviations (divisor ``period - 1``)."""
    up, down, average, _ = settings
    wider = sqrt(period / (period - 1.0))
    return _BBANDS(source, period, up * wider, down * wider, AVERAGE_CODES[average])


def _bollinger_recursion(_period: int, _up: float, _down: float, average: str, _ddof: int) -> bool:
    return average in RECURSIVE_AVERAGES


def standard_deviation(source: Series, period: int, factor: float, _ddof: int) -> Series:
    """Return the sample standard deviation (divisor ``period - 1``)."""
    deviation: Series = talib.STDDEV(source, period, factor * sqrt(period / (period - 1.0)))
    return deviation


def variance(source: Series, period: int, factor: float, _ddof: int) -> Series:
    """Return the sample variance (divisor ``period - 1``); 0 in a window of one bar."""
    result: Series = talib.VAR(source, period, factor)
    result *= period / max(period - 1.0, 1.0)
    return result


def correlation(left: Series, right: Series, period: int, _of: str) -> Series:
    """Return Pearson's correlation of the one-bar changes of two series."""
    result: Series = talib.CORREL(talib.ROCP(left, 1), talib.ROCP(right, 1), period)
    return result


def beta(left: Series, right: Series, period: int, _of: str) -> Series:
    """Return the slope of `right` on `left` in the window: the hedge ratio of a pair.

    0 where `left` stood still.
    """
    if period == 1:
        return np.zeros(left.shape[0])
    # cov(x, y) = (var(x + y) - var(x - y)) / 4
    apart = rolling_variance(left + right, period) - rolling_variance(left - right, period)
    return ratio(apart / 4.0, rolling_variance(left, period), flat=0.0)


def _one_more_for_changes(period: int, of: str) -> int:
    return int(period) - (of == "values")


_WILDER: Final = choice(
    "average",
    "wilder",
    "How the changes are averaged.",
    "simple",
    "exponential",
)
_MEASURE: Final = "Whether the values are compared or their one-bar changes (fractions)."


def _not_simple(*values: Any) -> bool:
    return bool(values[-1] != "simple")


VARIANTS: Final[dict[str, Variant]] = {
    "RSI": Variant((_WILDER,), rsi, recursion=_not_simple),
    "ATR": Variant((_WILDER,), atr, recursion=_not_simple),
    "NATR": Variant((_WILDER,), natr, recursion=_not_simple),
    "KC": Variant(
        (
            choice(
                "centre",
                "ema_typical",
                "Average and price in the middle of the channel.",
                "ema_close",
                "sma_typical",
                "sma_close",
            ),
            choice(
                "width",
                "atr",
                "What the bands are a multiple of.",
                "range",
                "range_wilder",
                "true_range",
            ),
        ),
        keltner,
        recursion=_keltner_recursion,
    ),
    "BBANDS": Variant((DDOF,), bollinger, recursion=_bollinger_recursion),
    "STDDEV": Variant((DDOF,), standard_deviation),
    "VAR": Variant((DDOF,), variance),
    "CORREL": Variant(
        (choice("of", "values", _MEASURE, "changes"),),
        correlation,
        warmup=_one_more_for_changes,
    ),
    "BETA": Variant(
        (choice("of", "changes", _MEASURE, "values"),),
        beta,
        warmup=_one_more_for_changes,
    ),
}
"""The functions that have variants."""
