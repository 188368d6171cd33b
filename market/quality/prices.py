"""Prices that look like faults of the data: spikes, standing still, splits nobody told of."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.choices import Severity
from market.quality.findings import Finding, Subject, runs, shown

# A move is a spike when it is so many times the usual one and goes back at once.
SPIKE_TIMES: Final = 12.0
SPIKE_AT_LEAST: Final = 0.05
GOES_BACK: Final = 0.8
# Bars in a row with one and the same price.
STALE_BARS: Final = 5
STALE_BARS_INTRADAY: Final = 60
# Bars in a row without volume where others have some.
NO_VOLUME_BARS: Final = 3
SPLITS: Final = np.array([3 / 2, 2, 5 / 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100])
SPLIT_WITHIN: Final = 0.03
SPLIT_CHANGES: Final = 0.2
USUAL_MAD: Final = 1.4826


def spikes_check(subject: Subject) -> list[Finding]:
    """Return closes and wicks far out of line that the next bar knows nothing of."""
    close = np.log(subject.adjusted)
    if len(close) < 10:
        return []
    moves = np.diff(close)
    limit = max(SPIKE_TIMES * USUAL_MAD * float(np.median(np.abs(moves))), SPIKE_AT_LEAST)
    there, back = moves[:-1], moves[1:]
    spike = (np.abs(there) > limit) & (np.sign(there) != np.sign(back))
    spike &= np.abs(there + back) < (1 - GOES_BACK) * np.abs(there)
    found = [
        _at(subject, row + 1, "spike", Severity.WARNING,
            f"The close jumps by {np.expm1(there[row]):+.1%} and is back a bar later.")
        for row in np.flatnonzero(spike)
    ]  # fmt: skip
    bars = subject.bars
    body_top, body_bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    for name, wick in (
        ("high", np.log(bars.high / body_top)),
        ("low", np.log(body_bottom / bars.low)),
    ):
        far = max(2 * limit, SPIKE_TIMES * float(np.median(wick)), 2 * SPIKE_AT_LEAST)
        found += [
            _at(subject, row, "wick", Severity.WARNING,
                f"The {name} is {np.expm1(wick[row]):.1%} away from open and close.")
            for row in np.flatnonzero(wick > far)
        ]  # fmt: skip
    return found


def stale_check(subject: Subject) -> list[Finding]:
    """Return stretches in which the price stands still."""
    bars = subject.bars
    flat = (bars.high == bars.low) & (np.diff(bars.close, prepend=np.nan) == 0)
    at_least = STALE_BARS_INTRADAY if subject.interval.intraday else STALE_BARS
    return [
        Finding(
            "stale",
            Severity.WARNING,
            int(bars.ts[at - 1]),
            int(bars.ts[at + count - 1]),
            count + 1,
            f"The price does not move for {count + 1} bars from {shown(int(bars.ts[at - 1]))} on.",
        )
        for at, count in runs(flat)
        if count + 1 >= at_least
    ]


def splits_check(subject: Subject) -> list[Finding]:
    """Return jumps by the ratio of a split that the factors know nothing of, and the reverse."""
    bars, adjusted, split = subject.bars, subject.adjusted, subject.split
    if len(bars) < 3:
        return []
    jump = adjusted[1:] / adjusted[:-1]
    scale = adjusted / bars.close
    opening = bars.open[1:] * scale[1:] / adjusted[:-1]
    like = _like_split(jump) & (np.abs(np.log(opening / jump)) < 0.1)
    # A jump that the next bar takes back is a spike, and so is the way back.
    half = 0.5 * np.abs(np.log(jump))
    around = np.abs(np.log(adjusted[2:] / adjusted[:-2]))
    stays = np.ones(len(like), dtype=bool)
    stays[:-1] &= around > half[:-1]
    stays[1:] &= around > half[1:]
    found = [
        _at(subject, row + 1, "split_missing", Severity.ERROR,
            f"The price changes to {jump[row]:.3g} times the one before, as in a split, but no "
            "split is known.")
        for row in np.flatnonzero(like & stays)
    ]  # fmt: skip
    told = np.abs(np.log(split[1:] / split[:-1])) > SPLIT_CHANGES
    raw = np.abs(np.log(bars.close[1:] / bars.close[:-1]))
    found += [
        _at(subject, row + 1, "split_twice", Severity.ERROR,
            f"A split of {split[row + 1] / split[row]:.3g} is known, but the raw price does not "
            "change: is it in the prices already?")
        for row in np.flatnonzero(told & (raw < SPLIT_CHANGES / 2))
    ]  # fmt: skip
    return found


def volume_check(subject: Subject) -> list[Finding]:
    """Return stretches without volume where other bars have some."""
    volume, ts = subject.bars.volume, subject.bars.ts
    if not volume.any():
        first, last = int(ts[0]), int(ts[-1])
        message = "No bar has a volume: what rests on volume cannot be computed."
        return [Finding("volume_unknown", Severity.NOTE, first, last, len(ts), message)]
    if subject.interval.intraday and np.median(volume) == 0:
        return []
    at_least = NO_VOLUME_BARS * (10 if subject.interval.intraday else 1)
    return [
        Finding(
            "no_volume",
            Severity.WARNING,
            int(ts[at]),
            int(ts[at + count - 1]),
            count,
            f"{count} bars in a row from {shown(int(ts[at]))} on have no volume.",
        )
        for at, count in runs(volume == 0)
        if count >= at_least
    ]


def _like_split(jump: NDArray[np.float64]) -> NDArray[np.bool_]:
    ratio = np.maximum(jump, 1 / jump)
    at = np.clip(np.searchsorted(SPLITS, ratio), 1, len(SPLITS) - 1)
    nearest = np.minimum(np.abs(np.log(ratio / SPLITS[at])), np.abs(np.log(ratio / SPLITS[at - 1])))
    return np.asarray((ratio > 1.4) & (nearest < SPLIT_WITHIN))


def _at(subject: Subject, row: np.intp, code: str, severity: Severity, message: str) -> Finding:
    ts = int(subject.bars.ts[row])
    return Finding(code, severity, ts, ts, 1, f"{shown(ts)}: {message}")
