"""The instruments of a portfolio, as they lie one after the other in the kernel's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.actions import Actions
from core.engine.agenda import Acts
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.detail import Detail, Finer, finer_fit
from core.engine.lowering import ByBar, by_bar_of
from core.engine.program import Program
from core.engine.state import Market
from core.engine.stretch import Fine
from core.errors import InvalidInput

_MARKET: Final = ("ts", "open", "high", "low", "close")
_NOTHING_FINER: Final = Finer()


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One instrument of a portfolio, and what the program's columns are for it.

    Attributes
    ----------
    symbol : str
    bars : Bars
        At least one bar.
    columns : sequence of ndarray, each of shape (len(bars),)
        As `simulate` takes them.
    warmup : int
        The first bar at which the program decides.
    sessions : ndarray of int64, shape (len(bars),), optional
        As `simulate` takes them.
    actions : Actions, optional
        Splits and dividends that are not in the prices.
    detail : Detail, optional
        Finer bars. All instruments of a portfolio have them, or none has.
    """

    symbol: str
    bars: Bars
    columns: Sequence[NDArray[Any]]
    warmup: int
    sessions: NDArray[np.int64] | None = None
    actions: Actions | None = None
    detail: Detail | None = None


def market_joined(bars: Sequence[Bars]) -> Market:
    """Return the bars of all instruments; to numba they are constants."""
    return Market(*(_joined([getattr(one, name) for one in bars]) for name in _MARKET))


def fine_joined(listed: Sequence[Listed]) -> tuple[Fine, tuple[str, ...]]:
    """Return the finer bars of all instruments, and what there is to say of them.

    Raises
    ------
    InvalidInput
        When the finer bars of an instrument do not fit its own; the message names it.
    """
    found = [_finer_of(one) for one in listed]
    counts = [len(one.bars) for one in found]
    before = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    fine = Fine(
        market_joined([one.bars for one in found]),
        np.concatenate([one.firsts + first for one, first in zip(found, before, strict=False)]),
        np.concatenate([one.stops + first for one, first in zip(found, before, strict=False)]),
    )
    told = [
        f"{one.symbol}: {text}"
        for one, finer in zip(listed, found, strict=True)
        for text in finer.warnings
    ]
    return fine, tuple(told)


def _finer_of(one: Listed) -> Finer:
    if one.detail is None:
        return _NOTHING_FINER
    try:
        return finer_fit(one.bars, one.detail)
    except InvalidInput as error:
        raise InvalidInput(
            f"{one.symbol}: {error.message}", code=error.code, details=error.details
        ) from error


def acts_of(
    listed: Sequence[Listed], starts: NDArray[np.int64], moments: NDArray[np.int64]
) -> Acts:
    """Return the splits and dividends of all instruments in the order of moments."""
    found = sorted(
        (
            int(np.searchsorted(moments, one.bars.ts[row])),
            number,
            int(starts[number]) + row,
            float(one.actions.splits[row]),
            float(one.actions.dividends[row]),
        )
        for number, one in enumerate(listed)
        if one.actions is not None
        for row in one.actions.rows
    )
    moment = np.array([one[0] for one in found], np.int64)
    return Acts(
        places=np.searchsorted(moment, np.arange(len(moments) + 1)).astype(np.int64),
        rows=np.array([one[2] for one in found], np.int64),
        owners=np.array([one[1] for one in found], np.int64),
        splits=np.array([one[3] for one in found], np.float64),
        dividends=np.array([one[4] for one in found], np.float64),
    )


def by_bar_joined(program: Program, config: RunConfig, listed: Sequence[Listed]) -> ByBar:
    """Return what the orders of a program need to know of all bars."""
    found = [
        by_bar_of(
            program,
            config,
            one.bars,
            one.sessions,
            None if one.actions is None else one.actions.splits_of(one.bars),
        )
        for one in listed
    ]
    joined = {}
    for name in ("sessions", "volume", "volatility"):
        columns = [getattr(one, name) for one in found]
        joined[name] = None if columns[0] is None else np.concatenate(columns)
    return ByBar(**joined)


def _joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the columns of all instruments one after the other; to numba they are constants."""
    joined = np.concatenate(columns)
    joined.flags.writeable = False
    return joined
