"""What a portfolio's kernel is given: the moments, and what happens at each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.engine.state import Curves, Market, Plan
from core.engine.stretch import Fine
from core.engine.tables import Tables


class Acts(NamedTuple):
    """Splits and dividends that are not in the prices, in the order of moments."""

    places: NDArray[np.int64]  # by moment, and one more: where its acts begin
    rows: NDArray[np.int64]
    owners: NDArray[np.int64]  # the instrument
    splits: NDArray[np.float64]  # units after for one before
    dividends: NDArray[np.float64]  # cash a unit


class Agenda(NamedTuple):
    """What happens when: the rows of each moment, and what is scratch of the kernel."""

    ts: NDArray[np.int64]  # by moment
    places: NDArray[np.int64]  # by moment, and one more: where its rows begin in `rows`
    rows: NDArray[np.int64]  # by place
    owners: NDArray[np.int64]  # by place: the instrument
    acts: Acts
    starts: NDArray[np.int64]  # by instrument: its first row
    firsts: NDArray[np.int64]  # by instrument: the first row at which it decides
    ranks: NDArray[np.float64]  # by row, or empty
    standing: NDArray[np.float64]  # by instrument: its rank as last known
    queue: NDArray[np.int64]  # by instrument: scratch
    gross: NDArray[np.float64]  # by moment: value of all positions without signs
    positions: NDArray[np.int64]  # by moment: instruments held


def agenda_new() -> Agenda:
    """Return an agenda without any moment, for its types."""
    numbers, series = np.empty(0, np.int64), np.empty(0)
    return Agenda(
        ts=numbers,
        places=numbers,
        rows=numbers,
        owners=numbers,
        acts=Acts(numbers, numbers, numbers, series, series),
        starts=numbers,
        firsts=numbers,
        ranks=series,
        standing=series,
        queue=numbers,
        gross=series,
        positions=numbers,
    )


class Field(NamedTuple):
    """All that a step reads and writes; `curves.position` is by row, the others by moment."""

    market: Market
    plan: Plan
    tables: Tables
    curves: Curves
    agenda: Agenda
    fine: Fine
