"""Price bars: the only form in which the engine takes market data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import Detail, InvalidInput

PRICE_FIELDS: Final = ("open", "high", "low", "close")
_SHOWN_FAULTS: Final = 20

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one instrument, oldest first. Build them with `from_arrays`, which validates.

    Attributes
    ----------
    ts : ndarray of int64, shape (n,)
        Time of each bar's open in nanoseconds since 1970-01-01 UTC, strictly increasing.
    open, high, low, close : ndarray of float64, shape (n,)
        Prices, finite and above zero, with ``low <= open, close <= high``.
    volume : ndarray of float64, shape (n,)
        Traded volume, finite, not negative; zero where it is not known.

    Notes
    -----
    All arrays are C-contiguous and read-only, so that bars can be shared and cached.
    """

    ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    @classmethod
    def from_arrays(
        cls,
        *,
        ts: ArrayLike,
        open: ArrayLike,  # noqa: A002 - the name of the field
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
    ) -> Bars:
        """Validate and freeze columns.

        Parameters
        ----------
        ts : array_like
            int64 nanoseconds UTC, or datetime64 of any unit, which is converted.
        open, high, low, close, volume : array_like of float

        Raises
        ------
        InvalidInput
            A column has the wrong shape or type, or rows break the rules above: one detail for
            each bad row, the first 20 of them, with the number of the rest in the message.
        """
        given = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
        columns = {name: _column(name, values) for name, values in given.items()}
        bars = cls(_timestamps(ts), **columns)
        bars._check_lengths()
        bars._check_rows()
        for column in (bars.ts, *columns.values()):
            column.flags.writeable = False
        return bars

    def __len__(self) -> int:
        return self.ts.size

    def slice(self, start: int, stop: int) -> Bars:
        """Return the bars from `start` up to, not including, `stop`, sharing their memory."""
        part = slice(start, stop)
        return Bars(
            self.ts[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )

    def _check_lengths(self) -> None:
        lengths = {name: getattr(self, name).size for name in ("ts", *PRICE_FIELDS, "volume")}
        if len(set(lengths.values())) > 1:
            raise InvalidInput(
                f"All columns of bars must have the same length, found {lengths}.",
                code="length_mismatch",
            )

    def _check_rows(self) -> None:
        good = (self.low > 0) & (self.high < np.inf)
        for price in (self.open, self.close):
            good &= (self.low <= price) & (price <= self.high)
        good &= (self.volume >= 0) & (self.volume < np.inf)
        good[1:] &= self.ts[1:] > self.ts[:-1]
        if good.all():
            return
        bad = np.flatnonzero(~good)
        shown = [self._fault(int(row)) for row in bad[:_SHOWN_FAULTS]]
        rest = bad.size - len(shown)
        more = f" {rest} more bad bars are not listed." if rest else ""
        raise InvalidInput(
            f"{bad.size} of {len(self)} bars are invalid: {shown[0].message}{more}",
            code="invalid_bars",
            details=shown,
        )

    def _fault(self, row: int) -> Detail:
        """Say what is wrong with a bad row, the most basic fault first."""
        values = {name: float(getattr(self, name)[row]) for name in (*PRICE_FIELDS, "volume")}
        for name, value in values.items():
            if not np.isfinite(value):
                return _detail(row, name, "not_finite", repr(value), "a finite number")
        for name in PRICE_FIELDS:
            if values[name] <= 0:
                return _detail(row, name, "not_positive", values[name], "a price above 0")
        if row > 0 and self.ts[row] <= self.ts[row - 1]:
            before, found = (_written(int(ts)) for ts in self.ts[row - 1 : row + 1])
            detail = _detail(row, "ts", "out_of_order", found, f"a time after {before}")
            return replace(detail, received=int(self.ts[row]))
        if values["volume"] < 0:
            return _detail(row, "volume", "negative", values["volume"], "0 or more")
        top = max(PRICE_FIELDS, key=values.__getitem__)
        if values["high"] < values[top]:
            expected = f"at least the {top}, {values[top]}"
            return _detail(row, "high", "high_too_low", values["high"], expected)
        bottom = min(PRICE_FIELDS, key=values.__getitem__)
        expected = f"at most the {bottom}, {values[bottom]}"
        return _detail(row, "low", "low_too_high", values["low"], expected)


def _detail(row: int, field: str, code: str, received: Any, expected: str) -> Detail:
    return Detail(
        path=f"bars[{row}].{field}",
        code=code,
        message=f"bar {row}: {field} {received} is not {expected}.",
        expected=expected,
        received=received,
    )


def _written(ts: int) -> str:
    """Return nanoseconds as people write a time."""
    return f"{np.datetime64(ts, 'ns')}".removesuffix(".000000000") + "Z"


def _column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        column = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Column {name} of bars must hold numbers: {error}.") from error
    return _one_dimensional(name, column)


def _timestamps(values: ArrayLike) -> NDArray[np.int64]:
    stamps = np.asarray(values)
    if stamps.dtype.kind == "M":
        stamps = stamps.astype("datetime64[ns]")  # pandas 3 gives microseconds
    elif stamps.dtype.kind not in "iu" and stamps.size:
        raise InvalidInput(
            "Column ts of bars must hold int64 nanoseconds UTC or datetime64, "
            f"found {stamps.dtype}."
        )
    return _one_dimensional("ts", np.array(stamps, order="C").astype(np.int64))


def _one_dimensional(name: str, column: NDArray[Number]) -> NDArray[Number]:
    if column.ndim != 1:
        raise InvalidInput(
            f"Column {name} of bars must have one dimension, found shape {column.shape}.",
            code="shape_mismatch",
        )
    return column
