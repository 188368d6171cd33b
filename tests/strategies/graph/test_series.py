"""The vectorised series functions against their definitions, one bar at a time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strategies.graph.rolling import rolling_max, rolling_min
from strategies.graph.series import crossed, rising

# Few values, so that ties are common; now and then none at all.
VALUES = st.sampled_from([0.0, 1.0, 2.0, math.nan])
COLUMNS = st.integers(0, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=VALUES), arrays(np.float64, n, elements=VALUES)
    )
)


def crossed_slowly(left, right, *, strict: bool) -> list[bool]:
    found = []
    for bar in range(len(left)):
        before = bar - 1
        while not strict and before >= 0 and left[before] == right[before]:
            before -= 1
        found.append(before >= 0 and left[before] < right[before] and left[bar] > right[bar])
    return found


@given(COLUMNS, st.booleans())
def test_crossings_follow_their_definition(pair, strict):
    left, right = pair
    found = crossed(left, right, len(left), strict=strict)
    assert found.tolist() == crossed_slowly(left, right, strict=strict)


@given(COLUMNS)
def test_a_crossing_never_depends_on_a_later_bar(pair):
    left, right = pair
    whole = crossed(left, right, len(left), strict=False)
    for stop in range(len(left)):
        part = crossed(left[:stop], right[:stop], stop, strict=False)
        assert part.tolist() == whole[:stop].tolist()


@given(COLUMNS, st.integers(1, 50))
def test_rolling_extremes_follow_their_definition(pair, bars):
    series, _ = pair
    for function, extreme in ((rolling_max, np.max), (rolling_min, np.min)):
        expected = [
            extreme(series[bar - bars + 1 : bar + 1]) if bar >= bars - 1 else math.nan
            for bar in range(len(series))
        ]
        np.testing.assert_array_equal(function(series, bars), expected)


@given(COLUMNS, st.integers(1, 5))
def test_rising_follows_its_definition(pair, bars):
    series, _ = pair
    expected = [
        bar >= bars and all(series[bar - k] > series[bar - k - 1] for k in range(bars))
        for bar in range(len(series))
    ]
    assert rising(series, bars).tolist() == expected
