"""The series that go into a kernel: converted, checked, and cut where values are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.indicators.indicator import Series
from core.indicators.jit import SERIES, compiled

_FLOAT64 = np.dtype(np.float64)
_CONTIGUOUS = (8,)
"""Strides of a one-dimensional float64 array without gaps."""

_EXPONENT = np.int64(0x7FF0000000000000)


def series_prepare(names: Sequence[str], given: Mapping[str, NDArray[np.float64]]) -> list[Series]:
    """Return the inputs `names` as float64 arrays, without a copy where they already are.

    Integers, bools and float32 are converted. Raises `InvalidInput` with one detail for each
    input that is missing, has no numbers, is not one-dimensional, or differs in length.
    """
    prepared = [given.get(name) for name in names]
    shape = None
    for array in prepared:
        if (
            type(array) is not np.ndarray
            or array.dtype is not _FLOAT64
            or array.strides != _CONTIGUOUS
            or (shape is not None and array.shape != shape)
        ):
            return _series_convert(names, given)
        shape = array.shape
    return cast("list[Series]", prepared)


def _all_finite(array: Series) -> bool:
    """Return whether a contiguous `array` holds neither NaN nor infinity.

    Both have all exponent bits set. A loop without an early end is vectorised: 0.06 ns a bar, a
    third of the time of numpy's reductions, and a call costs 0.3 us. (A product with itself would
    be as fast, but BLAS spreads it over threads, which stalls where all cores are busy.)
    """
    bits = array.view(np.int64)
    found = False
    for index in range(bits.shape[0]):
        found |= (bits[index] & _EXPONENT) == _EXPONENT
    return not found


all_finite = compiled(_all_finite, SERIES)
"""Compiled at import: every call of the registry may need it."""


def runs_finite(arrays: Sequence[Series]) -> Iterator[tuple[int, int]]:
    """Yield ``(start, stop)`` of each stretch of rows in which every array is finite."""
    mask = np.zeros(arrays[0].shape[0] + 2, dtype=np.bool_)
    inner = mask[1:-1]
    np.isfinite(arrays[0], out=inner)
    for array in arrays[1:]:
        inner &= np.isfinite(array)
    edges = np.flatnonzero(mask[1:] != mask[:-1]).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def _series_convert(names: Sequence[str], given: Mapping[str, NDArray[np.float64]]) -> list[Series]:
    """Convert what is not float64 yet, and name everything that cannot be."""
    faults: list[Detail] = []
    prepared: list[Series] = []
    for name in names:
        if name not in given:
            faults.append(
                Detail(
                    f"inputs.{name}",
                    "required",
                    f"The input '{name}' is missing; given are {sorted(given) or 'none'}.",
                    expected=list(names),
                    received=sorted(given),
                )
            )
            continue
        array = np.asarray(given[name])
        if array.dtype.kind not in "fiub" or array.ndim != 1:
            faults.append(
                Detail(
                    f"inputs.{name}",
                    "type",
                    f"The input '{name}' must be a one-dimensional array of numbers, "
                    f"not {array.ndim}-dimensional {array.dtype}.",
                    expected="float64, one dimension",
                    received=f"{array.dtype}, {array.ndim} dimensions",
                )
            )
            continue
        prepared.append(np.ascontiguousarray(array, dtype=np.float64))
    if len({array.shape[0] for array in prepared}) > 1:
        lengths = {name: len(given[name]) for name in names if name in given}
        faults.append(
            Detail(
                "inputs",
                "length",
                f"The inputs must have one length, but have {lengths}.",
                received=lengths,
            )
        )
    if faults:
        raise InvalidInput("; ".join(fault.message for fault in faults), details=faults)
    return prepared
