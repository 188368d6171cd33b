"""Splits and dividends of a run: what the prices of its bars leave to be booked."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.times import iso_time
from core.engine.actions import Actions
from market.store import StoredBars

_LARGEST_DENOMINATOR: Final = 20
_SAID: Final = 5


def actions_of(stored: StoredBars) -> Actions | None:
    """Return what is not in the prices of bars; None where that is nothing."""
    if not stored.actions.rows.size:
        return None
    return Actions(stored.splits, stored.dividends)


def split_warnings(
    symbol: str, ts: NDArray[np.int64], actions: Actions | None
) -> list[dict[str, Any]]:
    """Return a warning where prices jump by a split, and so do indicators on them."""
    if actions is None:
        return []
    rows = [row for row in np.flatnonzero(actions.splits != 1.0).tolist() if row > 0]
    if not rows:
        return []
    said = [f"{ratio_text(float(actions.splits[row]))} on {iso_time(ts[row])[:10]}"
            for row in rows[:_SAID]]  # fmt: skip
    more = f" and {len(rows) - _SAID} more times" if len(rows) > _SAID else ""
    message = (
        f"{symbol} was split {', '.join(said)}{more}. Prices as traded jump there, and indicators "
        'that look back over it with them: choose the adjustment "splits" unless that is meant.'
    )
    return [{"code": "split_in_prices", "message": message, "node_id": None}]


def ratio_text(ratio: float) -> str:
    """Return a split in words: ``"3 for 2"``, ``"1 for 10"``."""
    exact = Fraction(max(ratio, 1.0 / ratio)).limit_denominator(_LARGEST_DENOMINATOR)
    after, before = exact.numerator, exact.denominator
    return f"{after} for {before}" if ratio >= 1.0 else f"{before} for {after}"
