"""Splits and dividends, told from the factors that they leave on the prices before them.

Providers give factors, most of them worked out from closes that were rounded to cents. So a factor
wobbles from bar to bar, and only a step that no rounding explains is an event: bars are taken
together for as long as one factor fits all of them, with the smallest rounding under which no
dividend is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.history import History

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# A smaller change of the split factor is rounding. Spin-offs told as splits are 1.01 and more.
SPLIT_BEYOND: Final = 0.005
# A dividend is not a third of the price; a factor that steps by more holds a split.
SPLIT_FROM: Final = 1.5 * (1 - 1e-3)
REVERSE_UP_TO: Final = 0.7
SPLIT_RATIOS: Final = np.array([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 28, 30, 50, 100])
# What a dividend on the day of a split adds to the step at the most.
BESIDE_SPLIT: Final = 1.1
# What rounding leaves of a ratio.
FIGURES: Final = 1e-4
LARGEST_DENOMINATOR: Final = 20
# Rounding that is tried, finest first: relative of the factor, then in money of the adjusted close
# and of the raw one.
ROUNDINGS: Final = (
    (1e-9, 0.0, 0.0),
    (3e-7, 0.0, 0.0),
    *((1e-9, 0.5 * 10.0**-places, 0.0) for places in (6, 5, 4, 3, 2)),
    (1e-9, 0.005, 0.005),
)


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """What happened to a unit between bars, oldest first; nothing where there is no row.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Places of the bars that open after it: on the ex-date, or later where that has no bar.
    splits : ndarray of float64, shape (k,)
        Units after for one before.
    dividends : ndarray of float64, shape (k,)
        Cash for each unit after the split, in money of the raw price of that bar.
    """

    rows: Rows
    splits: Floats
    dividends: Floats

    def split_factor(self, count: int) -> Floats:
        """Return for each of `count` bars what splits after it make of its price; 1 at last."""
        factor = np.ones(count)
        end = count
        later = 1.0
        for row, split in zip(self.rows[::-1].tolist(), self.splits[::-1].tolist(), strict=True):
            factor[row:end] = later
            end, later = row, later / split
        factor[:end] = later
        return factor


NOTHING: Final = Actions(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))


def actions_find(history: History) -> Actions:
    """Return the splits and dividends that the factors of a series tell."""
    if not history.adjusts:
        return NOTHING
    return actions_of(history.bars.close, factor=history.factor, split=history.split)


def actions_of(close: Floats, *, factor: Floats, split: Floats) -> Actions:
    """Return the splits and dividends that factors tell.

    The step of a factor over an ex-dividend date is ``1 - dividend / close before``, as in the
    adjusted closes of CRSP, Yahoo and LEAN. Where a source gives one factor for both (`split` is 1
    throughout), a step as large as a split's is taken apart into the next usual ratio and a
    dividend for the rest. What happened before the first bar is not known, and a factor that falls
    by less than a reverse split is no dividend.

    Parameters
    ----------
    close, factor, split : ndarray of float64, shape (n,)
        The raw close, and as in `History`.
    """
    if close.size < 2:
        return NOTHING
    split_rows, splits = _split_steps(split)
    known = Actions(split_rows, splits, np.zeros(split_rows.size))
    firsts, values = factor_steps(
        factor / known.split_factor(close.size), adjusted=factor * close, close=close
    )
    found = dict(zip(split_rows.tolist(), splits.tolist(), strict=True))
    kept: dict[int, tuple[float, float]] = {row: (ratio, 1.0) for row, ratio in found.items()}
    for row, step in zip(firsts[1:].tolist(), (values[1:] / values[:-1]).tolist(), strict=True):
        ratio, rest = (found.get(row, 1.0), step) if found else _taken_apart(step)
        if ratio != 1.0 or rest > 1.0:
            kept[row] = ratio, max(rest, 1.0)
    places = np.array(sorted(kept), dtype=np.int64)
    ratios = np.array([kept[row] for row in places.tolist()], dtype=np.float64).reshape(-1, 2)
    before = close[places - 1] / ratios[:, 0]
    return Actions(places, ratios[:, 0].copy(), before * (1.0 - 1.0 / ratios[:, 1]))


def factors_clean(close: Floats, *, factor: Floats, split: Floats) -> tuple[Floats, Floats]:
    """Return factors and splits without the rounding of the closes that they were worked out from.

    Constant between the splits and dividends that `actions_of` finds; for factors that will be
    multiplied with other prices than those closes, such as a day's with its minutes.
    """
    actions = actions_of(close, factor=factor, split=split)
    units = actions.split_factor(close.size)
    # A dividend takes its share of all prices before it.
    shares = np.ones(close.size)
    before = close[actions.rows - 1] / actions.splits
    shares[actions.rows - 1] = 1.0 - actions.dividends / before
    kept = np.cumprod(shares[::-1], dtype=np.float64)[::-1]
    _, rest = factor_steps(factor / (units * kept), adjusted=factor * close, close=close)
    return units * kept * float(rest[-1]), units * _snapped(float(split[-1]))


def factor_steps(factor: Floats, *, adjusted: Floats, close: Floats) -> tuple[Rows, Floats]:
    """Return where the smallest number of constant factors changes, and the constants.

    Parameters
    ----------
    factor : ndarray of float64, shape (n,)
    adjusted, close : ndarray of float64, shape (n,)
        The closes that it was worked out from: their rounding is in it.

    Returns
    -------
    ndarray of int64, shape (k,)
        The first row of each stretch, 0 first.
    ndarray of float64, shape (k,)
        Its factor, in the middle of what fits all of its rows.
    """
    firsts, values = np.empty(0, dtype=np.int64), np.empty(0)
    for relative, of_adjusted, of_raw in ROUNDINGS:
        margin = relative + of_adjusted / adjusted + of_raw / close
        firsts, values = _stretches(factor * (1 - margin), factor * (1 + margin))
        steps = values[1:] / values[:-1]
        if not ((steps < 1.0) & (steps > REVERSE_UP_TO)).any():
            break
    return firsts, values


def _stretches(low: Floats, high: Floats) -> tuple[Rows, Floats]:
    """Return stretches of rows whose ranges have a value in common, each as long as can be."""
    same = (low[1:] == low[:-1]) & (high[1:] == high[:-1])
    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    firsts, values = [0], []
    least, most = float(low[0]), float(high[0])
    for row, lowest, highest in zip(
        begins.tolist(), low[begins].tolist(), high[begins].tolist(), strict=True
    ):
        if lowest > most or highest < least:
            values.append(0.5 * (least + most))
            firsts.append(row)
            least, most = lowest, highest
        else:
            least, most = max(least, lowest), min(most, highest)
    values.append(0.5 * (least + most))
    return np.array(firsts, dtype=np.int64), np.array(values)


def _split_steps(split: Floats) -> tuple[Rows, Floats]:
    """Return where the split factor changes by more than rounding, and the ratios of the splits."""
    rows = np.flatnonzero(np.abs(split[1:] / split[:-1] - 1.0) > SPLIT_BEYOND) + 1
    usual = [float(np.median(stretch)) for stretch in np.split(split, rows)]
    ratios = [_snapped(after / before) for before, after in pairwise(usual)]
    return rows, np.array(ratios)


def _snapped(ratio: float) -> float:
    """Return the ratio of small numbers that a rounded one stands for, else the one given."""
    whole = ratio if ratio >= 1.0 else 1.0 / ratio
    simple = float(Fraction(whole).limit_denominator(LARGEST_DENOMINATOR))
    if abs(simple / whole - 1.0) > FIGURES:
        return ratio
    return simple if ratio >= 1.0 else 1.0 / simple


def _taken_apart(step: float) -> tuple[float, float]:
    """Return the split in a step of a factor and what is left of it for a dividend."""
    if step >= SPLIT_FROM:
        ratios = SPLIT_RATIOS
    elif step <= REVERSE_UP_TO:
        ratios = 1.0 / SPLIT_RATIOS[::-1]
    else:
        return 1.0, step
    at = int(np.searchsorted(ratios, step * (1 + 1e-3), side="right")) - 1
    if at < 0 or step / ratios[at] > BESIDE_SPLIT:
        return 1.0, step
    rest = step / float(ratios[at])
    return float(ratios[at]), rest if rest > 1.0 + 1e-3 else 1.0
