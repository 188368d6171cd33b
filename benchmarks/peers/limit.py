"""The limit: the case written out as one compiled loop that can do nothing else.

Averages, crossings, fills at the next open in whole units for all the money there is, equity at
each close and trades; no costs, orders, stops, statistics or checks, and no graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.engine.bars import Bars

FAST: Final = 10
SLOW: Final = 20
TRADE: Final = np.dtype(
    [
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),
        ("quantity", np.float64),
        ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("pnl", np.float64),
    ]
)


@njit(nogil=True)
def _close(trade: Any, exit_bar: int, price: float) -> float:
    trade.exit_bar, trade.exit_price = exit_bar, price
    trade.pnl = trade.quantity * (price - trade.entry_price)
    gain: float = trade.pnl
    return gain


@njit(nogil=True, error_model="numpy")
def _run(
    opens: NDArray[np.float64],
    closes: NDArray[np.float64],
    cash: float,
    equity: NDArray[np.float64],
    trades: NDArray[np.void],
) -> int:
    count = decided = before = 0
    fast_sum = slow_sum = units = entry = 0.0
    for bar in range(closes.shape[0]):
        price = opens[bar]
        if decided > 0 and units == 0.0:
            units, entry = cash // price, price
            trade = trades[count]
            trade.entry_bar, trade.quantity, trade.entry_price = bar, units, entry
        elif decided < 0 and units > 0.0:
            cash += _close(trades[count], bar, price)
            count += 1
            units = 0.0
        close = closes[bar]
        equity[bar] = cash + units * (close - entry)
        fast_sum += close
        slow_sum += close
        decided = 0
        if bar >= SLOW - 1:
            fast, slow = fast_sum / FAST, slow_sum / SLOW
            side = 1 if fast > slow else -1 if fast < slow else before
            if side != before:
                decided = side if before != 0 else 0
                before = side
            slow_sum -= closes[bar - (SLOW - 1)]
        if bar >= FAST - 1:
            fast_sum -= closes[bar - (FAST - 1)]
    if units > 0.0:
        last = closes.shape[0] - 1
        _close(trades[count], last, closes[last])
        count += 1
    return count


def run_limit(bars: Bars, cash: float) -> tuple[NDArray[np.float64], NDArray[np.void]]:
    """Return the equity and the trades."""
    equity = np.empty(len(bars))
    trades = np.empty(len(bars) // 8 + 8, TRADE)
    count = _run(bars.open, bars.close, cash, equity, trades)
    return equity, trades[:count]
