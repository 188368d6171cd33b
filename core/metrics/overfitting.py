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
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if variance <= 0.0:
        return Undefined("skew and kurtosis leave the estimate no variance")
    return _NORMAL.cdf((sharpe - benchmark) * sqrt(count - 1) / sqrt(variance))


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
    trials_deviation: float,
) -> Value:
    """Return the probability that the best of `trials` has a true Sharpe ratio above zero.

    The probabilistic Sharpe ratio against what the best of so many worthless trials would show;
    parameters as in `probabilistic_sharpe` and `expected_max_sharpe`.
    """
    threshold = expected_max_sharpe(trials=trials, deviation=trials_deviation)
    if isinstance(threshold, Undefined):
        return threshold
    return probabilistic_sharpe(
        sharpe=sharpe, count=count, skew=skew, kurtosis=kurtosis, benchmark=threshold
    )
