"""Splits and dividends that are not in the prices, and so happen to whoever holds a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.stretch import Fine, Stretch
from core.errors import InvalidInput

_NO_SPLIT: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """What happens to a unit before the open of each bar.

    Attributes
    ----------
    splits : ndarray of float64, shape (n,)
        Units after for one before: 2 where each became two, 0.1 where ten became one, 1 without a
        split.
    dividends : ndarray of float64, shape (n,)
        Cash for each unit, after a split of the same bar, for who held it at the close before; 0
        without a dividend.
    """

    splits: NDArray[np.float64]
    dividends: NDArray[np.float64]

    def splits_of(self, bars: Bars) -> NDArray[np.float64]:
        """Return the splits, after a look at whether all of this fits bars.

        Raises
        ------
        InvalidInput
            There is not one number a bar, or a number cannot be.
        """
        for name, values in (("splits", self.splits), ("dividends", self.dividends)):
            if values.shape != bars.ts.shape:
                raise InvalidInput(
                    f"{name} must have one number a bar, shape {bars.ts.shape}, found "
                    f"{values.shape}.",
                    code="shape_mismatch",
                )
        _refuse("splits", self.splits, ~((self.splits > 0) & (self.splits < np.inf)), "above 0")
        bad = ~((self.dividends >= 0) & (self.dividends < np.inf))
        _refuse("dividends", self.dividends, bad, "0 or more")
        return self.splits

    def held(self, close: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what one unit bought at the first close is worth at each, its cash kept."""
        units, cash = self.splits.copy(), self.dividends.copy()
        units[:1], cash[:1] = _NO_SPLIT, 0.0
        units[:] = np.cumprod(units)
        worth: NDArray[np.float64] = close * units + np.cumsum(cash * units)
        return worth

    @property
    def rows(self) -> list[int]:
        """The bars before which anything happens."""
        found: list[int] = np.flatnonzero(
            (self.splits != _NO_SPLIT) | (self.dividends > 0)
        ).tolist()
        return found


def stretches_of(actions: Actions | None, start: int, stop: int, fine: Fine) -> list[Stretch]:
    """Return the bars from `start` up to `stop`, cut where anything happens to units.

    At the first of them nobody holds any.
    """
    if start >= stop:
        return []
    if actions is None:
        return [Stretch(start, stop, _NO_SPLIT, 0.0, fine)]
    cuts = [row for row in actions.rows if row > start]
    first = Stretch(start, cuts[0] if cuts else stop, _NO_SPLIT, 0.0, fine)
    ends = [*cuts[1:], stop]
    return [
        first,
        *(
            Stretch(row, end, float(actions.splits[row]), float(actions.dividends[row]), fine)
            for row, end in zip(cuts, ends, strict=False)
        ),
    ]


def _refuse(name: str, values: NDArray[np.float64], bad: NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise InvalidInput(
            f"{name}[{row}] is {float(values[row])!r}, not a finite number {expected}.",
            code="out_of_range",
        )
