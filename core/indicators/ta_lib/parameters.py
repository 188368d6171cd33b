"""Our names, bounds and words for TA-Lib's parameters.

TA-Lib's metadata says name, type and default. What it keeps to itself (the bounds its C code
enforces) and what we say differently stands here. Keys are TA-Lib's parameter names, or
``(function, parameter)`` where one function differs.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Wording(NamedTuple):
    """Our plain name of a TA-Lib parameter, further names, and a sentence about it."""

    name: str
    description: str
    aliases: tuple[str, ...] = ()


_RANGE_BARS = Wording(
    "k_period",
    "Bars over which the highest high and lowest low are taken.",
    ("k_length", "period", "length"),
)

WORDING: Final[dict[str | tuple[str, str], Wording]] = {
    "timeperiod": Wording("period", "Number of bars in the window.", ("length", "window")),
    "fastperiod": Wording("fast", "Bars of the shorter window.", ("fast_period", "fast_length")),
    "slowperiod": Wording("slow", "Bars of the longer window.", ("slow_period", "slow_length")),
    "signalperiod": Wording(
        "signal", "Bars over which the signal line smooths.", ("signal_period", "signal_length")
    ),
    "matype": Wording("ma", "Which moving average is used.", ("ma_type",)),
    "fastmatype": Wording("fast_ma", "Moving average of the shorter window.", ("fast_ma_type",)),
    "slowmatype": Wording("slow_ma", "Moving average of the longer window.", ("slow_ma_type",)),
    "signalmatype": Wording("signal_ma", "Moving average of the signal.", ("signal_ma_type",)),
    "fastk_period": Wording(
        "k_period", "Bars over which the highest and lowest values are taken.", ("k_length",)
    ),
    "slowk_period": Wording(
        "k_smoothing", "Bars over which %K is smoothed; 1 is the fast %K.", ("smooth_k",)
    ),
    "slowk_matype": Wording("k_ma", "Moving average that smooths %K."),
    "slowd_period": Wording("d_period", "Bars over which %D smooths %K.", ("smooth_d",)),
    "slowd_matype": Wording("d_ma", "Moving average that makes %D."),
    "fastd_period": Wording("d_period", "Bars over which %D smooths %K.", ("smooth_d",)),
    "fastd_matype": Wording("d_ma", "Moving average that makes %D."),
    "nbdev": Wording("deviations", "Factor applied to the result.", ("std",)),
    "nbdevup": Wording(
        "deviations",
        "Standard deviations from the middle to the bands.",
        ("deviations_up", "std", "num_std", "stddev", "nbdev"),
    ),
    "nbdevdn": Wording("deviations_down", "Standard deviations to the lower band, if they differ."),
    "multiplier": Wording("multiplier", "Average true ranges to the line.", ("factor",)),
    "acceleration": Wording("acceleration", "Step by which the stop speeds up.", ("step", "af")),
    "maximum": Wording("maximum", "Limit of the acceleration.", ("max_acceleration", "max_af")),
    "startvalue": Wording(
        "start_value", "First stop: above 0 starts long, below 0 short, 0 finds out."
    ),
    "offsetonreverse": Wording(
        "offset_on_reverse", "Fraction by which the stop is moved away at a reversal."
    ),
    "accelerationinitlong": Wording("acceleration_start_long", "First acceleration when long."),
    "accelerationlong": Wording("acceleration_long", "Step of the acceleration when long."),
    "accelerationmaxlong": Wording("acceleration_max_long", "Its limit when long."),
    "accelerationinitshort": Wording("acceleration_start_short", "First acceleration when short."),
    "accelerationshort": Wording("acceleration_short", "Step of the acceleration when short."),
    "accelerationmaxshort": Wording("acceleration_max_short", "Its limit when short."),
    "fastlimit": Wording("fast_limit", "Largest smoothing factor."),
    "slowlimit": Wording("slow_limit", "Smallest smoothing factor."),
    "minperiod": Wording("min_period", "Periods below this are raised to it."),
    "maxperiod": Wording("max_period", "Periods above this are lowered to it."),
    "timeperiod1": Wording("fast", "Bars of the shortest window."),
    "timeperiod2": Wording("middle", "Bars of the middle window."),
    "timeperiod3": Wording("slow", "Bars of the longest window."),
    "firstperiod": Wording("slow", "Bars of the first, longer smoothing.", ("long",)),
    "secondperiod": Wording("fast", "Bars of the second, shorter smoothing.", ("short",)),
    "wmaperiod": Wording("period", "Bars of the weighted average.", ("length",)),
    "roc1period": Wording("fast", "Bars of the shorter rate of change.", ("short",)),
    "roc2period": Wording("slow", "Bars of the longer rate of change.", ("long",)),
    "rocperiod": Wording("roc_period", "Bars over which the change is measured."),
    "stddevperiod": Wording("deviation_period", "Bars of the standard deviation."),
    "atrperiod": Wording("atr_period", "Bars of the average true range.", ("atr_length",)),
    "leftbars": Wording("left", "Lower (higher) bars needed before the swing.", ("left_bars",)),
    "rightbars": Wording(
        "right", "Bars needed after the swing before it is reported.", ("right_bars",)
    ),
    "vfactor": Wording("volume_factor", "0 is a plain triple average, 1 the most responsive."),
    "percentile": Wording("percentile", "Which percentile, 0 to 100."),
    "penetration": Wording(
        "penetration", "How far, as a fraction, a body must reach into an earlier body."
    ),
    ("KC", "nbdev"): Wording(
        "multiplier", "Average true ranges from the middle to the bands.", ("deviations", "factor")
    ),
    ("MASSI", "fastperiod"): Wording("fast", "Bars of the range's average.", ("ema_period",)),
    ("MASSI", "slowperiod"): Wording("slow", "Bars of the sum.", ("period", "sum_period")),
    ("SMI", "timeperiod"): Wording("period", "Bars of the high-low range.", ("k_period",)),
    ("SMI", "fastperiod"): Wording("fast", "Bars of the second smoothing."),
    ("SMI", "slowperiod"): Wording("slow", "Bars of the first smoothing."),
    ("STOCH", "fastk_period"): _RANGE_BARS,
    ("STOCHF", "fastk_period"): _RANGE_BARS,
    ("KDJ", "fastk_period"): _RANGE_BARS,
    ("STOCHRSI", "timeperiod"): Wording("period", "Bars of the RSI.", ("rsi_period", "length")),
    ("STDDEV", "nbdev"): Wording("deviations", "Factor applied to the deviation.", ("std",)),
    ("VAR", "nbdev"): Wording("deviations", "Taken for compatibility; changes nothing."),
}

PERIOD_MAXIMUM: Final = 100_000
"""The largest period TA-Lib takes."""

PERIOD_MINIMUM: Final = 2
"""Where neither table below says 1."""

PERIODS_FROM_ONE: Final = frozenset(
    {
        "signalperiod",
        "fastk_period",
        "fastd_period",
        "slowk_period",
        "slowd_period",
        "atrperiod",
        "leftbars",
        "rightbars",
        "minperiod",
        "rocperiod",
        "roc1period",
        "roc2period",
        "wmaperiod",
        "timeperiod1",
        "timeperiod2",
        "timeperiod3",
    }
)
"""Parameters that may be 1 in every function but those of `SIGNALS_FROM_TWO`."""

SIGNALS_FROM_TWO: Final = frozenset({"AC", "SMI"})
"""Functions whose ``signalperiod`` must be at least 2."""

# fmt: off
FUNCTIONS_FROM_ONE: Final = frozenset({
    "ADR", "ATR", "BETA", "CORREL", "DEMA", "EFI", "EMA", "ERI", "HMA", "KAMA", "MA",
    "MINUS_DI", "MINUS_DM", "MOM", "NATR", "PLUS_DI", "PLUS_DM", "QSTICK", "RMA", "ROC",
    "ROCP", "ROCR", "ROCR100", "RVI", "RVOL", "SMA", "T3", "TEMA", "TRIMA", "TRIX", "VAR",
    "VORTEX", "VWMA", "WMA", "ZLEMA",
})
# fmt: on
"""Functions whose ``timeperiod`` may be 1."""

LIMITS: Final[dict[str, tuple[float, float]]] = {
    "acceleration": (0.0, 10.0),
    "maximum": (0.0, 10.0),
    "startvalue": (-1e12, 1e12),
    "offsetonreverse": (0.0, 10.0),
    "accelerationinitlong": (0.0, 10.0),
    "accelerationlong": (0.0, 10.0),
    "accelerationmaxlong": (0.0, 10.0),
    "accelerationinitshort": (0.0, 10.0),
    "accelerationshort": (0.0, 10.0),
    "accelerationmaxshort": (0.0, 10.0),
    "fastlimit": (0.01, 0.99),
    "slowlimit": (0.01, 0.99),
    "nbdev": (0.0, 1000.0),
    "nbdevup": (0.0, 1000.0),
    "nbdevdn": (0.0, 1000.0),
    "multiplier": (0.0, 1000.0),
    "penetration": (0.0, 100.0),
    "percentile": (0.0, 100.0),
    "vfactor": (0.0, 1.0),
}
"""Bounds of the real parameters: TA-Lib's where it has finite ones, else what makes sense."""

FOLLOWS: Final = {"nbdevdn": "deviations"}
"""Our name of the parameter that one takes its value from unless it is given itself."""


def wording_get(function: str, parameter: str) -> Wording:
    """Return our words for a parameter of a TA-Lib function."""
    return WORDING.get((function, parameter)) or WORDING[parameter]


def limits_get(function: str, parameter: str) -> tuple[float, float]:
    """Return the inclusive bounds of a numeric parameter of a TA-Lib function."""
    if parameter in LIMITS:
        return LIMITS[parameter]
    from_one = (
        function in FUNCTIONS_FROM_ONE
        if parameter == "timeperiod"
        else (
            parameter in PERIODS_FROM_ONE
            and not (parameter == "signalperiod" and function in SIGNALS_FROM_TWO)
        )
    )
    return (1 if from_one else PERIOD_MINIMUM), PERIOD_MAXIMUM
