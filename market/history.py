"""Bars with what it takes to adjust them: the form in which providers give and the store keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.engine.bars import Bars
from core.errors import Conflict, Detail, InvalidInput

# Part of the hash: a change of what is hashed must change every hash.
FORMAT: Final = b"bars/1"
# Restated prices differ by a split at least; the same price in two downloads, by rounding.
RESTATED_BEYOND: Final = 0.01
RESTATED: Final = "prices_restated"

COLUMNS: Final = ("ts", "open", "high", "low", "close", "volume")

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Raw bars and their adjustment. Build it with `from_bars`, which validates.

    Attributes
    ----------
    bars : Bars
        Prices and volume as the provider gives them.
    factor : ndarray of float64, shape (n,)
        Times a raw price gives the adjusted one; takes in splits and dividends that came later.
    split : ndarray of float64, shape (n,)
        The part of `factor` that is due to splits; a raw volume divided by it is the adjusted one.
        1 where splits are not known apart from dividends.
    """

    bars: Bars
    factor: NDArray[np.float64]
    split: NDArray[np.float64]

    @classmethod
    def from_bars(
        cls, bars: Bars, *, factor: ArrayLike | None = None, split: ArrayLike | None = None
    ) -> History:
        """Validate and freeze.

        Raises
        ------
        InvalidInput
            A factor is not a finite number above zero, or there are not as many as bars.
        """
        return cls(bars, _ratios("factor", factor, len(bars)), _ratios("split", split, len(bars)))

    def __len__(self) -> int:
        return len(self.bars)

    @property
    def adjusts(self) -> bool:
        """Whether adjusted prices differ from raw ones."""
        return bool((self.factor != 1.0).any())

    def adjusted(self) -> Bars:
        """Return the bars as if the later splits and dividends had happened before them."""
        if not self.adjusts:
            return self.bars
        return bars_scale(self.bars, price=self.factor, units=self.split)

    def content_hash(self) -> str:
        """Return the SHA-256 of all columns: the same bars have the same hash on any machine."""
        bars = self.bars
        digest = hashlib.sha256(FORMAT)
        digest.update(bars.ts.astype("<i8", copy=False).tobytes())
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, self.factor, self.split)
        for column in columns:
            digest.update(column.astype("<f8", copy=False).tobytes())
        return digest.hexdigest()

    def slice(self, start: int, stop: int) -> History:
        """Return the rows from `start` up to, not including, `stop`, sharing their memory."""
        part = slice(start, stop)
        return History(self.bars.slice(start, stop), self.factor[part], self.split[part])

    def take(self, keep: NDArray[np.bool_]) -> History:
        """Return the rows where `keep` is true."""
        bars = self.bars
        part = Bars(
            _frozen(bars.ts[keep]),
            open=_frozen(bars.open[keep]),
            high=_frozen(bars.high[keep]),
            low=_frozen(bars.low[keep]),
            close=_frozen(bars.close[keep]),
            volume=_frozen(bars.volume[keep]),
        )
        return History(part, _frozen(self.factor[keep]), _frozen(self.split[keep]))


def bars_scale(bars: Bars, *, price: NDArray[np.float64], units: NDArray[np.float64]) -> Bars:
    """Return bars with prices times a factor, and volumes divided by the units' share of it.

    Multiplying by a positive number keeps the order of prices, so the bars stay valid.
    """
    return Bars(
        bars.ts,
        open=_frozen(bars.open * price),
        high=_frozen(bars.high * price),
        low=_frozen(bars.low * price),
        close=_frozen(bars.close * price),
        volume=_frozen(bars.volume / units),
    )


def history_merge(old: History, new: History) -> History:
    """Return both, `new` replacing `old` in the whole range that it covers.

    A dividend since the old download scales all factors before it; where the two overlap the scale
    is known, and the old factors outside the range are scaled with it.

    Raises
    ------
    Conflict
        When the raw prices where they overlap differ by more than rounding: the provider restated
        them, after a split most likely, and the two do not fit together.
    """
    if not len(old) or not len(new):
        return new if len(new) else old
    begin = int(np.searchsorted(old.bars.ts, new.bars.ts[0]))
    end = int(np.searchsorted(old.bars.ts, new.bars.ts[-1], side="right"))
    _, in_old, in_new = np.intersect1d(
        old.bars.ts[begin:end], new.bars.ts, assume_unique=True, return_indices=True
    )
    in_old += begin
    scale = split_scale = 1.0
    if in_old.size:
        _check_not_restated(old, new, in_old, in_new)
        scale = float(new.factor[in_new[0]] / old.factor[in_old[0]])
        split_scale = float(new.split[in_new[0]] / old.split[in_old[0]])
    before, after = old.slice(0, begin), old.slice(end, len(old))
    if not len(before) and not len(after):
        return new
    parts = (before, new, after)
    # Valid before, and in order: nothing of it is checked again.
    bars = Bars(*(_joined([getattr(part.bars, name) for part in parts]) for name in COLUMNS))
    return History(
        bars,
        _joined([before.factor * scale, new.factor, after.factor * scale]),
        _joined([before.split * split_scale, new.split, after.split * split_scale]),
    )


def histories_merge(pieces: Sequence[History]) -> History:
    """Return many pieces as one, as `history_merge` does two; later ones replace earlier ones.

    Neighbours are merged first, so that a thousand pieces cost ten copies and not a thousand.
    """
    merged = list(pieces)
    while len(merged) > 1:
        pairs = zip(merged[::2], merged[1::2], strict=False)
        odd = merged[-1:] if len(merged) % 2 else []
        merged = [*(history_merge(first, second) for first, second in pairs), *odd]
    return merged[0]


def _check_not_restated(
    old: History, new: History, in_old: NDArray[np.intp], in_new: NDArray[np.intp]
) -> None:
    ratio = float(np.median(new.bars.close[in_new] / old.bars.close[in_old]))
    if abs(ratio - 1.0) <= RESTATED_BEYOND:
        return
    raise Conflict(
        f"The provider now gives prices that are {ratio:.6g} times the stored ones for the same "
        "bars (a split?): the new bars do not fit the stored ones, which stay as they are. A "
        "series that is watched is downloaded anew by itself; else staff fetch its whole range "
        "with replace, or choose 'Download anew' in the admin. Old runs keep their bars.",
        code=RESTATED,
        details=[
            Detail(
                path="close",
                code=RESTATED,
                message="New over stored close, median of the bars that both have.",
                expected=1.0,
                received=ratio,
            )
        ],
    )


def _ratios(name: str, values: ArrayLike | None, length: int) -> NDArray[np.float64]:
    if values is None:
        return _frozen(np.ones(length))
    ratios = np.array(values, dtype=np.float64, order="C")
    if ratios.shape != (length,):
        raise InvalidInput(
            f"Column {name} has shape {ratios.shape}, but there are {length} bars.",
            code="length_mismatch",
        )
    bad = np.flatnonzero(~((ratios > 0) & np.isfinite(ratios)))
    if bad.size:
        row, value = int(bad[0]), float(ratios[bad[0]])
        message = f"bar {row}: adjustment {name} {value!r} is not a finite number above 0."
        raise InvalidInput(
            f"{bad.size} of {length} bars are invalid: {message}",
            code="invalid_bars",
            details=[
                Detail(
                    path=f"bars[{row}].{name}",
                    code="not_positive",
                    message=message,
                    expected="a finite number above 0",
                    received=repr(value),
                )
            ],
        )
    return _frozen(ratios)


def _joined(columns: Sequence[NDArray[Number]]) -> NDArray[Number]:
    return _frozen(np.concatenate(columns))


def _frozen(column: NDArray[Number]) -> NDArray[Number]:
    column.flags.writeable = False
    return column
