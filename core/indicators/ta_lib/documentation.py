"""What each TA-Lib function measures, in one or two sentences.

A function that is not here is a candle pattern: `PATTERN` speaks for all of them.
"""

from __future__ import annotations

from typing import Final

PATTERN: Final = (
    "Candle pattern: positive (100) where it is bullish, negative (-100) where it is bearish, 0 "
    "where there is none; 200 (-200) marks a confirmed and 80 (-80) a weaker form where the "
    "pattern has one. The value stands at the bar that completes the pattern."
)

DESCRIPTIONS: Final = {
    # Overlap: averages, bands and lines on the scale of the price
    "ACCBANDS": "Bands widened by the bar's range over its price; price beyond them accelerates.",
    "BBANDS": "A moving average with bands a number of (population) standard deviations away.",
    "DEMA": "Twice an exponential average less the average of that average: less lag.",
    "DONCHIAN": "Highest high and lowest low of the last bars, this bar included: for a "
    "breakout compare the close with the previous bar's band.",
    "EMA": "Average that weights the newest bar by 2 / (period + 1); seeded by the first "
    "simple average.",
    "HMA": "Weighted average of twice a half-period weighted average less a whole-period one.",
    "HT_TRENDLINE": "Ehlers' trendline: the price with its dominant cycle averaged out.",
    "KAMA": "Kaufman's average: fast where the price moves straight, slow where it wavers.",
    "KC": "An exponential average of the typical price with bands a number of average true "
    "ranges away.",
    "MA": "A moving average of the kind that `ma` names.",
    "MAMA": "Ehlers' average that adapts to the rate at which the phase of the cycle changes, "
    "and the slower one that follows it (fama).",
    "MAVP": "A moving average whose period is itself a series.",
    "MIDPOINT": "Middle between the highest and the lowest value of the window.",
    "MIDPRICE": "Middle between the highest high and the lowest low of the window.",
    "RMA": "Wilder's average: weights the newest bar by 1 / period.",
    "SAR": "Wilder's parabolic stop: trails the extreme of the trend and flips when touched.",
    "SAREXT": "Parabolic stop with separate settings for each side; negative while short.",
    "SMA": "Arithmetic mean of the last bars.",
    "SUPERTREND": "A stop a number of average true ranges from the middle of the bar that only "
    "moves with the trend; `trend` is 1 while up and -1 while down.",
    "T3": "Tillson's sixfold smoothed exponential average with little lag.",
    "TEMA": "Threefold exponential average with most of its lag removed.",
    "TRIMA": "Simple average of a simple average: the middle of the window weighs most.",
    "VWMA": "Mean of the source weighted by volume. NaN where the window has no volume.",
    "WMA": "Mean with weights that fall linearly from the newest bar.",
    "ZLEMA": "Exponential average of the price with its lagged part added back.",
    # Momentum
    "AC": "Awesome oscillator less its own average.",
    "ADX": "Strength of a trend, whatever its direction, 0 to 100 (Wilder).",
    "ADXR": "Mean of the ADX and the ADX some bars ago.",
    "AO": "Fast less slow simple average of the middle of the bars.",
    "APO": "Fast less slow moving average, in price.",
    "AROON": "How recently the lowest low (down) and highest high (up) were, 0 to 100.",
    "AROONOSC": "Aroon up less Aroon down.",
    "BOP": "Close less open over the bar's range; 0 for a bar without range.",
    "CCI": "Distance of the typical price from its mean in mean deviations of 0.015.",
    "CMO": "Ups less downs over their sum, -100 to 100, smoothed by Wilder's average.",
    "CMOU": "Ups less downs over their sum in the window, -100 to 100, as Chande wrote it.",
    "COPPOCK": "Weighted average of the sum of two rates of change; turns up after lows.",
    "DPO": "Price half a period and one bar ago less today's average: cycles without trend. "
    "Not shifted back, so it looks at no later bar.",
    "DX": "Distance between the directional indicators over their sum, 0 to 100.",
    "ER": "Kaufman's efficiency: net move over the sum of moves, 0 to 1.",
    "ERI": "High (bull) and low (bear) less the exponential average of the close.",
    "FOSC": "Distance of the price from its linear forecast in percent of the price.",
    "FRACTAL": "100 at the bar that confirms a swing high (low), `right` bars after it, else 0. "
    "It is not drawn back to the swing.",
    "IMI": "Sum of gains from open to close over the sum of gains and losses, 0 to 100.",
    "KDJ": "Stochastic smoothed by Wilder's average, and j = 3 k - 2 d.",
    "MACD": "Fast less slow exponential average, its exponential average, and their difference.",
    "MACDEXT": "MACD with moving averages of any kind.",
    "MACDFIX": "MACD of 12 and 26 bars with the smoothing factors 0.15 and 0.075.",
    "MFI": "RSI of typical price times volume, 0 to 100.",
    "MINUS_DI": "Wilder's share of downward movement in the true range, 0 to 100.",
    "MINUS_DM": "Wilder's sum of downward movement, in price.",
    "MOM": "Price less the price some bars ago.",
    "PLUS_DI": "Wilder's share of upward movement in the true range, 0 to 100.",
    "PLUS_DM": "Wilder's sum of upward movement, in price.",
    "PPO": "Fast less slow moving average in percent of the slow one.",
    "QSTICK": "Simple average of close less open.",
    "ROC": "Change against some bars ago in percent.",
    "ROCP": "Change against some bars ago as a fraction.",
    "ROCR": "Price over the price some bars ago.",
    "ROCR100": "Price over the price some bars ago, times 100.",
    "RSI": "Average gain over average gain and loss, 0 to 100, by Wilder's average.",
    "SMI": "Place of the close in the middle of the range, twice smoothed, -100 to 100.",
    "STOCH": "Place of the close in the range of the window, 0 to 100, smoothed (k), and its "
    "average (d).",
    "STOCHF": "Place of the close in the range of the window, 0 to 100 (k), and its average (d).",
    "STOCHRSI": "Fast stochastic of the RSI. 0 where the RSI does not move.",
    "TRIX": "One-bar change in percent of a threefold exponential average.",
    "TSI": "Twice smoothed momentum over twice smoothed absolute momentum, -100 to 100.",
    "ULTOSC": "Buying pressure over three windows, weighted 4, 2 and 1; 0 to 100.",
    "VHF": "Range of the window over the sum of moves: high in a trend, low in a range.",
    "VORTEX": "Upward (plus) and downward (minus) movement over the true range.",
    "WAD": "Running sum of accumulation above and distribution below the true low and high.",
    "WILLR": "Place of the close below the highest high, -100 to 0.",
    # Volatility
    "ADR": "Simple average of high less low.",
    "ATR": "Wilder's average of the true range.",
    "CVI": "Change in percent of the exponential average of high less low.",
    "MASSI": "Sum of the range's average over the average of that average: bulges at reversals.",
    "NATR": "Average true range in percent of the close.",
    "RVI": "RSI of the standard deviation instead of the price, 0 to 100 (Dorsey's relative "
    "volatility, not relative vigor).",
    "TRANGE": "High less low, extended to the previous close.",
    # Volume
    "AD": "Running sum of volume times the place of the close in the bar, -1 to 1.",
    "ADOSC": "Fast less slow exponential average of the accumulation line.",
    "CMF": "Volume times the place of the close in the bar, over volume, in the window. 0 "
    "where there is no volume.",
    "EFI": "Exponential average of one-bar change times volume.",
    "MARKETFI": "High less low over volume. 0 where there is no volume.",
    "NVI": "Running product of changes on bars of falling volume; starts at 1000.",
    "OBV": "Running sum of volume, signed by the change of the close; starts at the first volume.",
    "PVI": "Running product of changes on bars of rising volume; starts at 1000.",
    "PVO": "Fast less slow moving average of volume in percent of the slow one.",
    "PVT": "Running sum of volume times the fractional change of the close.",
    "RVOL": "Volume over the mean of the bars before. NaN or infinite where they had none.",
    "VWAP": "Typical price weighted by volume since the first bar; session_vwap begins anew with "
    "each session, rolling_vwap is that of a window.",
    # Cycle
    "HT_DCPERIOD": "Period, in bars, of the dominant cycle (Ehlers).",
    "HT_DCPHASE": "Phase of the dominant cycle in degrees.",
    "HT_PHASOR": "In-phase and quadrature components of the dominant cycle.",
    "HT_SINE": "Sine of the dominant cycle's phase, and the same 45 degrees ahead.",
    "HT_TRENDMODE": "1 in a trend, 0 in a cycle.",
    # Price transforms
    "AVGPRICE": "(open + high + low + close) / 4.",
    "HA": "Heikin-Ashi candles: smoothed open, high, low and close. Nobody could trade at them.",
    "MEDPRICE": "(high + low) / 2.",
    "TYPPRICE": "(high + low + close) / 3.",
    "WCLPRICE": "(high + low + 2 close) / 4.",
    # Statistics
    "AVGDEV": "Mean absolute deviation from the mean of the window.",
    "BETA": "Slope of the one-bar changes of `right` on those of `left`, as TA-Lib orders them: "
    "connect the market to left.",
    "CORREL": "Pearson's correlation of two series in the window, -1 to 1.",
    "LINEARREG": "End of the least-squares line through the window.",
    "LINEARREG_ANGLE": "Slope of that line as an angle in degrees; depends on the price scale.",
    "LINEARREG_INTERCEPT": "Start of the least-squares line through the window.",
    "LINEARREG_SLOPE": "Slope of the least-squares line, in price a bar.",
    "PERCENTILE": "Value below which a percentage of the window lies (nearest rank).",
    "PERCENTRANK": "Percentage of the window's values below the newest one.",
    "STDDEV": "Population standard deviation of the window.",
    "TSF": "The least-squares line one bar ahead.",
    "VAR": "Population variance of the window.",
    # Math
    "ADD": "left + right.",
    "CUMSUM": "Running sum since the first bar.",
    "DIV": "left / right; infinite or NaN where right is 0.",
    "MAX": "Highest value of the window.",
    "MAXINDEX": "Bar number (0-based) of the highest value of the window.",
    "MIN": "Lowest value of the window.",
    "MININDEX": "Bar number (0-based) of the lowest value of the window.",
    "MINMAX": "Lowest and highest value of the window.",
    "MINMAXINDEX": "Bar numbers (0-based) of the lowest and highest value of the window.",
    "MULT": "left * right.",
    "SUB": "left - right.",
    "SUM": "Sum of the window.",
    "ACOS": "Arc cosine in radians; NaN outside -1 to 1.",
    "ASIN": "Arc sine in radians; NaN outside -1 to 1.",
    "ATAN": "Arc tangent in radians.",
    "CEIL": "Smallest whole number not below.",
    "COS": "Cosine of radians.",
    "COSH": "Hyperbolic cosine; infinite beyond about 710.",
    "EXP": "e to the power; infinite beyond about 709.",
    "FLOOR": "Largest whole number not above.",
    "LN": "Natural logarithm; NaN below 0, minus infinity at 0.",
    "LOG10": "Logarithm to base 10; NaN below 0, minus infinity at 0.",
    "SIN": "Sine of radians.",
    "SINH": "Hyperbolic sine; infinite beyond about 710.",
    "SQRT": "Square root; NaN below 0.",
    "TAN": "Tangent of radians.",
    "TANH": "Hyperbolic tangent.",
}
