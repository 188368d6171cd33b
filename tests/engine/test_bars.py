"""Bars: good ones are frozen, bad ones refused with row, field and value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput


def columns(count: int = 3, **changed: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "ts": np.arange(count) * 60,
        "open": np.full(count, 10.0),
        "high": np.full(count, 12.0),
        "low": np.full(count, 9.0),
        "close": np.full(count, 11.0),
        "volume": np.zeros(count),
    }
    return values | changed


def test_columns_are_copied_frozen_and_contiguous() -> None:
    given = np.arange(1.0, 13.0).reshape(3, 4)
    bars = Bars.from_arrays(
        ts=[0, 1, 2],
        open=given[:, 1],
        high=given[:, 3],
        low=given[:, 0],
        close=given[:, 2],
        volume=[1, 2, 3],
    )
    given[:] = 0
    assert bars.open.tolist() == [2, 6, 10]
    for column in (bars.ts, bars.open, bars.volume):
        assert column.flags.c_contiguous
        assert not column.flags.writeable
    assert bars.volume.dtype == np.float64
    assert len(bars) == 3


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_become_nanoseconds(unit: str) -> None:
    stamps = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype=f"datetime64[{unit}]")
    bars = Bars.from_arrays(**columns(ts=stamps))
    assert bars.ts[0] == 1_704_153_600_000_000_000


@pytest.mark.parametrize(
    ("changed", "path", "code", "received"),
    [
        ({"high": [12, 10.5, 12]}, "bars[1].high", "high_too_low", 10.5),
        ({"low": [9, 9, 10.5]}, "bars[2].low", "low_too_high", 10.5),
        ({"close": [11, np.nan, 11]}, "bars[1].close", "not_finite", "nan"),
        ({"high": [12, np.inf, 12]}, "bars[1].high", "not_finite", "inf"),
        ({"low": [9, 0, 9]}, "bars[1].low", "not_positive", 0.0),
        ({"volume": [1, -1, 1]}, "bars[1].volume", "negative", -1.0),
        ({"volume": [1, 1, np.nan]}, "bars[2].volume", "not_finite", "nan"),
        ({"ts": [0, 5, 5]}, "bars[2].ts", "out_of_order", 5),
    ],
)
def test_a_bad_row_is_refused_with_its_row_field_and_value(
    changed: dict[str, Any], path: str, code: str, received: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Bars.from_arrays(**columns(**changed))
    (detail,) = caught.value.details
    assert (detail.path, detail.code, detail.received) == (path, code, received)


def test_at_most_twenty_bad_rows_are_listed_and_the_rest_counted() -> None:
    with pytest.raises(
        InvalidInput, match=r"50 of 50 bars are invalid.*30 more bad bars"
    ) as caught:
        Bars.from_arrays(**columns(50, volume=np.full(50, -1.0)))
    assert len(caught.value.details) == 20


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"open": [10.0, 10.0]}, "same length"),
        ({"open": [[10.0, 10.0, 10.0]]}, "one dimension"),
        ({"open": ["a", "b", "c"]}, "must hold numbers"),
        ({"ts": [0.5, 1.5, 2.5]}, "int64 nanoseconds"),
    ],
)
def test_columns_of_the_wrong_shape_or_type_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Bars.from_arrays(**columns(**changed))


def test_a_slice_shares_memory() -> None:
    bars = Bars.from_arrays(**columns())
    part = bars.slice(1, 3)
    assert len(part) == 2
    assert np.shares_memory(part.close, bars.close)
