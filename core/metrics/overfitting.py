"""How likely a Sharpe ratio is to be skill, given how it was found.

Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The Deflated Sharpe
Ratio" (2014). Sharpe ratios here are per period, not annualised.
"""

from __future__ import annotations

from math import e, sqrt
from statistics import NormalDist
from typing import Final

from core.metrics.value import Undefined, Value

EULER: Final = 0.5772156649015329
CONFIDENCE: Final = 0.95
_NORMAL: Final = NormalDist()


def probabilistic_sharpe(
    *, sharpe: float, count: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> Value:
    """Return the probability that the true Sharpe ratio exceeds `benchmark`.

    Parameters
    ----------
    sharpe, benchmark : float
        Per period.
    count : int
        Number of returns.
    skew : float
        Of the returns.
    kurtosis : float
        Raw, 3 for a normal: ``1 - skew * SR + (kurtosis - 1) / 4 * SR**2`` is the variance of
        the estimate times ``count - 1``. LEAN, vectorbt and quantstats pass the excess there,
        which makes the estimate look surer than it is.

    Returns
    -------
    Value
        In [0, 1]. Undefined for fewer than two returns, or where the estimate has no variance.
    """
    if count < 2:
        return Undefined("there are fewer than two returns")
    variance = _variance(sharpe, skew, kurtosis)
    if isinstance(variance, Undefined):
        return variance
    return _NORMAL.cdf((sharpe - benchmark) * sqrt(count - 1) / sqrt(variance))


def minimum_track_record(
    *,
    sharpe: float,
    skew: float,
    kurtosis: float,
    benchmark: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Value:
    """Return how many returns it takes to be `confidence` sure that a Sharpe ratio is real.

    ``1 + (1 - skew * SR + (kurtosis - 1) / 4 * SR**2) * (z / (SR - benchmark))**2``: with so many
    the probabilistic Sharpe ratio reaches `confidence` (above one half; parameters as there).
    Undefined for a ratio not above `benchmark`, which no record makes better than it.
    """
    if sharpe <= benchmark:
        return Undefined("the Sharpe ratio is not above what it is measured against")
    variance = _variance(sharpe, skew, kurtosis)
    if isinstance(variance, Undefined):
        return variance
    distance = _NORMAL.inv_cdf(confidence) / (sharpe - benchmark)
    return 1.0 + variance * distance * distance


def _variance(sharpe: float, skew: float, kurtosis: float) -> Value:
    """Return the variance of an estimated Sharpe ratio times its count less one."""
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if variance <= 0.0:
        return Undefined("skew and kurtosis leave the estimate no variance")
    return variance


def expected_max_sharpe(*, trials: int, deviation: float) -> Value:
    """Return the Sharpe ratio, per period, that the best of `trials` worthless ones shows.

    Parameters
    ----------
    trials : int
        Number of configurations ever tried for the strategy.
    deviation : float
        Standard deviation of their Sharpe ratios, per period.

    Returns
    -------
    Value
        0.0 for one trial.
    """
    if trials < 1:
        return Undefined("there were no trials")
    if trials == 1:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return deviation * ((1.0 - EULER) * first + EULER * second)


def deflated_sharpe(
    *,
    sharpe: float,
    count: int,
    skew: float,
    kurtosis: float,
    trials: int,
    trials_deviation: float | None = None,
) -> Value:
    """Return the probability that the best of `trials` has a true Sharpe ratio above zero.

    The probabilistic Sharpe ratio against what the best of so many worthless trials would show;
    parameters as in `probabilistic_sharpe` and `expected_max_sharpe`. Where the Sharpe ratios of
    the trials are not known, their deviation is taken for ``1 / sqrt(count - 1)``: that of
    independent worthless trials with normal returns (Lo 2002).
    """
    if count < 2:
        return Undefined("there are fewer than two returns")
    deviation = 1.0 / sqrt(count - 1) if trials_deviation is None else trials_deviation
    threshold = expected_max_sharpe(trials=trials, deviation=deviation)
    if isinstance(threshold, Undefined):
        return threshold
    return probabilistic_sharpe(
        sharpe=sharpe, count=count, skew=skew, kurtosis=kurtosis, benchmark=threshold
    )
