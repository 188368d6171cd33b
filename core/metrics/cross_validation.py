"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting" (2017). The
returns of all trials are cut into blocks of time; every half of the blocks picks the trial that was
best in it, and the other half shows what the pick was worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.metrics.value import Undefined, Value

BLOCKS: Final = 16
"""As in the paper: 12,870 ways to halve them."""

MOST_BLOCKS: Final = 20
_CHUNK: Final = 1 << 20
_ROUNDING: Final = 1e-14
"""Deviation below which returns do not vary but for rounding."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What the choice of the best trial is worth out of sample.

    Attributes
    ----------
    probability : float
        Share of the splits where the trial that was best in sample did not rank above the median
        out of sample, in [0, 1].
    loss_probability : float
        Share of the splits where it had a Sharpe ratio below zero out of sample.
    degradation : Value
        Slope of its Sharpe ratio out of sample on that in sample: below zero where the better it
        looked, the worse it was. Undefined where the latter does not vary.
    logits : array of float64, shape (splits,)
        ``log(w / (1 - w))`` of its relative rank ``w = rank / (trials + 1)`` out of sample; the
        average rank among equals.
    """

    probability: float
    loss_probability: float
    degradation: Value
    logits: Matrix


def overfitting_probability(returns: Matrix, *, blocks: int = BLOCKS) -> Overfitting | Undefined:
    """Return how probable it is that the best of some trials was picked for its luck.

    Parameters
    ----------
    returns : array of float64, shape (periods, trials)
        The returns of each trial in the same periods, fractions. A trial that does not vary has a
        Sharpe ratio of zero.
    blocks : int
        Even, 2 to 20; they differ by one period at most where the periods do not divide.

    Returns
    -------
    Overfitting or Undefined
        Undefined for fewer than two trials, fewer than two periods a block, and returns that are
        not finite. Among trials that are equally good in sample the first is picked.

    Raises
    ------
    InvalidInput
        If `returns` is not a matrix, or `blocks` cannot be halved.
    """
    _input_check(returns, blocks)
    periods, trials = returns.shape
    if trials < 2:
        return Undefined("there are fewer than two trials")
    if periods < 2 * blocks:
        return Undefined(f"there are fewer than {2 * blocks} periods")
    if not np.isfinite(returns).all():
        return Undefined("a return is not a finite number")
    halves = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[row, list(chosen)] = 1.0
    found = _picks_follow(_Blocks.cut(returns, blocks), halves)
    return _result_build(*found)


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Per block, sums of the trials' returns around each trial's own mean over all periods."""

    counts: Matrix
    means: Matrix
    sums: Matrix
    squares: Matrix

    @classmethod
    def cut(cls, returns: Matrix, blocks: int) -> _Blocks:
        means = returns.mean(axis=0)
        parts = np.array_split(returns - means, blocks)
        return cls(
            counts=np.array([float(len(part)) for part in parts]),
            means=means,
            sums=np.array([part.sum(axis=0) for part in parts]),
            squares=np.array([(part * part).sum(axis=0) for part in parts]),
        )

    def sharpe(self, chosen: Matrix) -> Matrix:
        """Return the Sharpe ratio per period of each trial (columns) in each half (rows)."""
        count = _weighted(chosen, self.counts[:, None])
        mean = _weighted(chosen, self.sums) / count
        variance = (_weighted(chosen, self.squares) / count - mean * mean) * (count / (count - 1.0))
        deviation = np.sqrt(np.maximum(variance, 0.0))
        deviation[deviation <= _ROUNDING] = np.inf
        ratio: Matrix = (mean + self.means) / deviation
        return ratio


def _weighted(chosen: Matrix, values: Matrix) -> Matrix:
    """Return ``chosen @ values``, added in the order of blocks whatever the machine's library."""
    total = np.zeros((len(chosen), values.shape[1]))
    for block in range(len(values)):
        total += chosen[:, block, None] * values[block]
    return total


def _picks_follow(of: _Blocks, halves: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return the relative ranks, and the Sharpe ratios in and out of sample, of the picks."""
    trials = len(of.means)
    ranks, inside, outside = (np.empty(len(halves)) for _ in range(3))
    rows = max(_CHUNK // trials, 1)
    for start in range(0, len(halves), rows):
        part = slice(start, start + rows)
        seen, unseen = of.sharpe(halves[part]), of.sharpe(1.0 - halves[part])
        picks = seen.argmax(axis=1)[:, None]
        worth = np.take_along_axis(unseen, picks, axis=1)
        below = (unseen < worth).sum(axis=1)
        equal = (unseen == worth).sum(axis=1)
        ranks[part] = (below + (equal + 1) / 2.0) / (trials + 1)
        inside[part] = np.take_along_axis(seen, picks, axis=1)[:, 0]
        outside[part] = worth[:, 0]
    return ranks, inside, outside


def _result_build(ranks: Matrix, inside: Matrix, outside: Matrix) -> Overfitting:
    logits = np.log(ranks / (1.0 - ranks))
    centered = inside - inside.mean()
    spread = float((centered * centered).sum())
    degradation: Value = Undefined("the Sharpe ratio in sample does not vary")
    if spread > _ROUNDING * len(inside):
        degradation = float((centered * outside).sum()) / spread
    return Overfitting(
        probability=float((logits <= 0.0).mean()),
        loss_probability=float((outside < 0.0).mean()),
        degradation=degradation,
        logits=logits,
    )


def _input_check(returns: Matrix, blocks: int) -> None:
    if returns.ndim != 2:
        message = f"Returns must be a matrix of periods and trials, not of {returns.ndim} axes."
        raise InvalidInput(message, details=[Detail("returns", "shape", message, None, None)])
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        message = f"Blocks must be an even number from 2 to {MOST_BLOCKS}, not {blocks}."
        raise InvalidInput(
            message, details=[Detail("blocks", "out_of_range", message, None, blocks)]
        )
