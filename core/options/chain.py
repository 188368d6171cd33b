"""The market of synthetic options: sessions, time to expiry and volatility, bar by bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.option_rules import OptionOperation
from core.engine.program import Operation, Program
from core.errors import InvalidInput
from core.options.config import OptionsConfig
from core.options.state import Chain
from core.options.volatility import measured_volatility

_NS_PER_DAY: Final = 86_400_000_000_000
_LONGEST_GAP: Final = 4.0  # days between usual sessions: bars of a week have none to count by

Days = NDArray[np.int64]
Left = tuple[NDArray[np.float64], NDArray[np.float64]]
"""How much of its session is left at the open and at the close of each bar, from 1 to 0."""


def session_days(bars: Bars, given: Days | None) -> Days:
    """Return the session of each bar: as given, else its day of UTC.

    Raises
    ------
    InvalidInput
        For bars longer than a day: an option expires on a day.
    """
    days = bars.ts // _NS_PER_DAY if given is None else np.asarray(given, np.int64)
    apart = np.diff(np.unique(days))
    if apart.size and float(np.median(apart)) > _LONGEST_GAP:
        raise InvalidInput(
            "Options are simulated on bars of a day or less: they expire on days.",
            code="interval_too_long",
        )
    return days


def chain_build(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: OptionsConfig,
    *,
    days: Days,
    left: Left | None,
    volatility: NDArray[np.float64] | None,
    dividends: Mapping[int, float] | None,
) -> Chain:
    """Return what the kernel needs to know of the options' market at each bar.

    Time passes while the market is open: at an open as much is left as at the close before, but
    for the nights of a weekend or a holiday. Inside a session it passes by the clock where `left`
    tells it; else each bar takes an equal part of its day, which knows how many will come.
    """
    left_at_open, left_at_close = _left(days) if left is None else left
    # Whether the last session is over, the clock says; of the others the next bar does.
    ends = np.append(days[1:] != days[:-1], [left is None or left_at_close[-1] <= 0.0])
    following = np.append(days[1:], days[-1] + 1)
    next_day = np.where(ends, following, days)
    known = _volatility(bars, days, ends, config, volatility)
    rules = program.option_rules
    return Chain(
        day=np.ascontiguousarray(days),
        next_day=next_day,
        left_at_open=left_at_open,
        left_at_close=left_at_close,
        vol_at_open=np.append([np.nan], known[:-1]),
        vol_at_close=known,
        dividend=_dividends(days, next_day, dividends or {}),
        signals=_signals(program, columns, len(bars)),
        guards=np.array([rule.guard for rule in rules], np.int64),
        opens=np.array([rule.operation == OptionOperation.OPEN for rule in rules], np.bool_),
        most=np.array([rule.max_positions for rule in rules], np.int64),
        closers=np.array(
            [
                number
                for number, rule in enumerate(program.rules)
                if rule.operation == Operation.CLOSE and rule.fraction == 1.0
            ],
            np.int64,
        ),
    )


def _left(days: Days) -> Left:
    """Return how much of its session is left at the open and at the close of each bar."""
    _, first, counts = np.unique(days, return_index=True, return_counts=True)
    count = np.repeat(counts, counts).astype(np.float64)
    place = np.arange(days.size) - np.repeat(first, counts)
    return (count - place) / count, (count - place - 1.0) / count


def _volatility(
    bars: Bars,
    days: Days,
    ends: NDArray[np.bool_],
    config: OptionsConfig,
    given: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return the volatility known at each close; a gap keeps the last one known."""
    if given is None:
        found = measured_volatility(bars.close, days=days, ends=ends, config=config)
    else:
        found = np.array(given, np.float64)
        if found.shape != (len(bars),):
            raise InvalidInput(
                f"The implied volatility must have one value a bar, shape ({len(bars)},), found "
                f"{found.shape}.",
                code="shape_mismatch",
            )
        found[~(found > 0.0)] = np.nan
    last = np.maximum.accumulate(np.where(np.isnan(found), -1, np.arange(found.size)))
    return np.where(last < 0, np.nan, found[np.maximum(last, 0)])


def _dividends(days: Days, next_day: Days, given: Mapping[int, float]) -> NDArray[np.float64]:
    """Return the dividends whose ex-date comes before or with the next session."""
    due = np.zeros(days.size)
    for day, amount in given.items():
        due[(days < day) & (day <= next_day)] += amount
    return due


def _signals(program: Program, columns: Sequence[NDArray[Any]], bars: int) -> NDArray[np.bool_]:
    signals = np.ones((len(program.option_rules), bars), np.bool_)
    for number, rule in enumerate(program.option_rules):
        if rule.trigger >= 0:
            signals[number] = columns[rule.trigger]
    return signals
