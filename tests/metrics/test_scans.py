"""The compiled passes give, bit for bit, what a plain loop over the bars gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics.activity import exposure
from core.metrics.drawdown import curve_measure
from core.metrics.periods import period_ends
from core.metrics.value import Undefined

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
seeds = st.integers(0, 9_999)
few = settings(max_examples=60, deadline=None)


def last_of_each(keys):
    """Return the places whose key differs from the next one's."""
    return [
        place for place, key in enumerate(keys) if place + 1 == len(keys) or keys[place + 1] != key
    ]


def measured_by_hand(ts, equity):
    """Return mean, depth, longest time, number, average depth and ulcer of a curve's drawdowns."""
    peak, high, falls, times = equity[0], 0, [], []
    total = squares = depth = 0.0
    for bar, value in enumerate(equity):
        total += value
        if value < peak:
            fall = value / peak - 1.0
            squares += fall * fall
            depth = min(depth, fall)
            continue
        if bar > high + 1:
            falls.append(depth)
            times.append(ts[bar] - ts[high])
        peak, high, depth = value, bar, 0.0
    if high < len(equity) - 1:
        falls.append(depth)
        times.append(ts[-1] - ts[high])
    average: float | None = None
    if falls:
        average = 0.0
        for fall in falls:
            average += fall
        average /= len(falls)
    root = np.sqrt(squares / len(equity))
    longest = max(times, default=0) / 1e9
    return total / len(equity), min(falls, default=0.0), longest, len(falls), average, root


@few
@given(seed=seeds, count=st.integers(1, 400), drift=st.sampled_from([-1, 0, 1]))
def test_a_curve_measures_as_bar_by_bar_whatever_its_length(seed, count, drift):
    rng = np.random.default_rng(seed)
    # Whole steps, so that a high is often reached again to the cent and not passed.
    equity = np.maximum(1_000.0 + np.cumsum(rng.integers(-2, 3, count) + drift), 1.0)
    ts = np.cumsum(rng.integers(1, 4, count)) * HOUR
    found = curve_measure(ts, equity)
    average = None if isinstance(found.average_depth, Undefined) else found.average_depth
    assert measured_by_hand(ts.tolist(), equity.tolist()) == (
        found.mean,
        found.depth,
        found.longest_s,
        found.count,
        average,
        found.ulcer,
    )


@pytest.mark.parametrize("back", [1, 62, 63, 64, 65, 127, 128, 129])
def test_a_high_that_is_only_reached_again_ends_a_drawdown_on_any_bar(back):
    equity = np.full(200, 90.0)
    equity[0] = equity[back] = 100.0
    found = curve_measure(np.arange(200) * DAY, equity)
    assert found.count == (1 if back == 1 else 2)
    assert found.longest_s == max(back if back > 1 else 0, 199 - back) * 86_400.0
    assert found.peak == 100.0


@few
@given(
    seed=seeds,
    count=st.integers(1, 500),
    minutes=st.sampled_from([1, 5, 60, 240, 1440, 10_080]),
    start=st.integers(-5 * DAY, 5 * DAY),
)
def test_days_end_with_their_last_bar_at_any_interval(seed, count, minutes, start):
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random(count) < 0.02, rng.integers(1, 200, count), 1)
    ts = start + np.cumsum(steps) * minutes * 60_000_000_000
    assert period_ends(ts).tolist() == last_of_each((ts // DAY).tolist())


@pytest.mark.parametrize("per_day", [1, 63, 64, 65, 66, 128, 129])
def test_days_of_the_length_of_a_leap_are_not_leapt_over(per_day):
    ts = np.concatenate([day * DAY + np.arange(per_day) * 1_000 for day in range(4)])
    assert period_ends(ts).tolist() == [per_day * (day + 1) - 1 for day in range(4)]


@few
@given(ids=st.lists(st.integers(0, 2), min_size=1, max_size=50))
def test_sessions_end_where_their_number_changes_even_if_it_comes_again(ids):
    numbers = np.array(ids, np.int64)
    assert period_ends(np.arange(len(ids)), numbers).tolist() == last_of_each(ids)
    assert period_ends(np.arange(len(ids)), numbers.astype(np.int32)).tolist() == last_of_each(ids)


def test_exposure_counts_each_side_and_refuses_what_is_no_number():
    held = exposure(np.array([1.5, -2.0, 0.0, -0.0, 3.0, -1.0, 2.0, 0.0]))
    assert (held.any, held.long, held.short) == (5 / 8, 3 / 8, 2 / 8)
    assert isinstance(exposure(np.array([1.0, np.nan])).any, Undefined)
