"""Names, groups and traits of TA-Lib's functions, where they are ours and not its own."""

from __future__ import annotations

from typing import Final

GROUPS: Final = {
    "Cycle Indicators": "cycle",
    "Math Operators": "math",
    "Math Transform": "math",
    "Momentum Indicators": "momentum",
    "Overlap Studies": "overlap",
    "Pattern Recognition": "pattern",
    "Price Transform": "price",
    "Statistic Functions": "statistics",
    "Volatility Indicators": "volatility",
    "Volume Indicators": "volume",
}

GROUP_OVERRIDES: Final = {"AVGDEV": "statistics"}

TITLES: Final = {
    "ADD": "Addition",
    "CEIL": "Ceiling",
    "COS": "Cosine",
    "COSH": "Hyperbolic Cosine",
    "SIN": "Sine",
    "SINH": "Hyperbolic Sine",
    "TAN": "Tangent",
    "TANH": "Hyperbolic Tangent",
    "ACOS": "Arc Cosine",
    "ASIN": "Arc Sine",
    "ATAN": "Arc Tangent",
    "EXP": "Exponential",
    "FLOOR": "Floor",
    "LN": "Natural Logarithm",
    "LOG10": "Logarithm to Base 10",
    "SQRT": "Square Root",
    "DIV": "Division",
    "MULT": "Multiplication",
    "SUB": "Subtraction",
    "ROC": "Rate of Change (percent)",
    "ROCP": "Rate of Change (fraction)",
    "ROCR": "Rate of Change (ratio)",
    "ROCR100": "Rate of Change (ratio x 100)",
    "TRIX": "TRIX",
    "ERI": "Elder Ray Index",
    "MA": "Moving Average",
    "MAVP": "Moving Average with Variable Period",
    "MIDPOINT": "Midpoint over Period",
    "MIDPRICE": "Midpoint Price over Period",
    "MACDEXT": "MACD with Moving Averages of Choice",
    "MACDFIX": "MACD Fixed at 12/26",
    "MAX": "Highest Value",
    "MAXINDEX": "Bar of the Highest Value",
    "MIN": "Lowest Value",
    "MININDEX": "Bar of the Lowest Value",
    "MINMAX": "Lowest and Highest Value",
    "MINMAXINDEX": "Bars of the Lowest and Highest Value",
    "SUM": "Sum",
    "CMOU": "Chande Momentum Oscillator (unsmoothed)",
    "CORREL": "Correlation (Pearson)",
    "T3": "Tillson T3",
    "AD": "Accumulation/Distribution Line",
    "ADOSC": "Chaikin Oscillator",
    "STOCHRSI": "Stochastic RSI",
    "CDLKICKINGBYLENGTH": "Kicking by Length",
    "CDLTAKURI": "Takuri",
    "CDLGAPSIDESIDEWHITE": "Gap Side-by-Side White Lines",
}
"""Titles that read better than TA-Lib's own."""

ALIASES: Final = {
    "AD": ("adl", "accumulation_distribution", "chaikin_a_d_line"),
    "ADOSC": ("chaikin_a_d_oscillator",),
    "AO": ("awesome",),
    "BETA": ("rolling_beta",),
    "BBANDS": ("bollinger", "bb"),
    "CMF": ("chaikin",),
    "CORREL": ("correlation", "rolling_correlation"),
    "DONCHIAN": ("donchian_channel",),
    "EFI": ("force_index", "elder_force_index"),
    "ER": ("efficiency_ratio",),
    "ERI": ("elder_ray", "bull_bear_power"),
    "FRACTAL": ("williams_fractals", "fractals"),
    "HA": ("heikin_ashi", "heikinashi"),
    "HMA": ("hull",),
    "KC": ("keltner", "keltner_channel"),
    "LN": ("log",),
    "MASSI": ("mass",),
    "MAX": ("highest", "rolling_max"),
    "MIN": ("lowest", "rolling_min"),
    "RMA": ("smma", "wilder", "wilders"),
    "ROC": ("rate_of_change",),
    "SAR": ("psar", "parabolic"),
    "STDDEV": ("stdev", "std"),
    "STOCH": ("stochastics", "slow_stochastic"),
    "STOCHF": ("fast_stochastic",),
    "STOCHRSI": ("stoch_rsi",),
    "SUPERTREND": ("super_trend",),
    "T3": ("tillson",),
    "TRANGE": ("tr",),
    "WILLR": ("williams_r", "williams_percent_r"),
    "ZLEMA": ("zero_lag_ema",),
}
"""Names people expect, beside the snake-cased title that each function answers to anyway."""

INPUTS: Final = {
    "price": "source",
    "price0": "left",
    "price1": "right",
    "periods": "periods",
}
"""Our names of TA-Lib's inputs that are no price fields."""

INPUT_OVERRIDES: Final = {("OBV", "price"): "close"}
"""On-balance volume is defined on the close: nobody should have to connect it."""

OUTPUTS: Final = {
    "real": "value",
    "integer": "value",
    "macdsignal": "signal",
    "macdhist": "histogram",
    "upperband": "upper",
    "middleband": "middle",
    "lowerband": "lower",
    "slowk": "k",
    "slowd": "d",
    "fastk": "k",
    "fastd": "d",
    "aroondown": "down",
    "aroonup": "up",
    "smisignal": "signal",
    "bullpower": "bull",
    "bearpower": "bear",
    "plusvi": "plus",
    "minusvi": "minus",
    "swinghigh": "swing_high",
    "swinglow": "swing_low",
    "minidx": "min_index",
    "maxidx": "max_index",
    "leadsine": "lead_sine",
    "haopen": "open",
    "hahigh": "high",
    "halow": "low",
    "haclose": "close",
}
"""Our names of TA-Lib's outputs; those not listed keep their own."""

ROW_BY_ROW_GROUP: Final = "Math Transform"
ROW_BY_ROW: Final = frozenset(
    {"ADD", "SUB", "MULT", "DIV", "AVGPRICE", "MEDPRICE", "TYPPRICE", "WCLPRICE"}
)
"""Functions whose value depends on its own row only, beside those of the group above."""

BAR_NUMBERS: Final = frozenset({"MAXINDEX", "MININDEX", "MINMAXINDEX"})
"""Functions whose outputs are bar numbers since the start of the series."""

# fmt: off
RECURSIVE: Final = frozenset({
    "ADXR", "APO", "CVI", "DEMA", "EFI", "ERI", "KC", "KDJ", "MACD", "MACDFIX", "MASSI",
    "PPO", "PVO", "SMI", "STOCHRSI", "TEMA", "TRIX", "TSI", "ZLEMA",
})
# fmt: on
"""Functions built on recursive averages, which TA-Lib does not flag itself."""

RECURSIVE_FLAGS: Final = frozenset({"Function has an unstable period", "Output is path-dependent"})
"""TA-Lib's flags of the functions that are recursive themselves."""

SAME_SCALE_FLAG: Final = "Output scale same as input"

OTHER_SCALE: Final = frozenset({"AVGDEV"})
"""Functions that TA-Lib flags as being on the input's scale but that measure a width."""
