"""What a simulation returns: curves, trades and fills as arrays, nothing formatted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NO_FILL: Final = 0
"""What stands for a reason in the kernel's rows that are alerts."""


class ExitReason(IntEnum):
    """Why a trade ended. An opening fill carries SIGNAL."""

    SIGNAL = 1
    STOP_LOSS = 2
    TAKE_PROFIT = 3
    REVERSAL = 4
    END = 5
    LIQUIDATION = 6
    RUIN = 7
    TRAILING_STOP = 8
    TIME_STOP = 9
    ROTATION = 10
    SPLIT = 11
    """Paid in cash: a fraction of a unit that a split left."""

    @property
    def label(self) -> str:
        """The word the API and reports use, such as ``"stop_loss"``."""
        return self.name.lower()


TRADE: Final = np.dtype(
    [
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),
        ("entry_ts", np.int64),
        ("exit_ts", np.int64),
        ("side", np.int8),
        ("quantity", np.float64),
        ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("pnl", np.float64),
        ("return", np.float64),
        ("commission", np.float64),
        ("slippage", np.float64),
        ("entry_rule", np.int32),
        ("exit_reason", np.int8),
        ("mae", np.float64),
        ("mfe", np.float64),
        ("instrument", np.int32),
    ],
    align=True,
)
"""One closed round trip. Prices include spread and slippage, `pnl` also the commissions.

`instrument` is a place in the symbols of a portfolio, and 0 where there is one instrument."""

FILL: Final = np.dtype(
    [
        ("bar", np.int64),
        ("ts", np.int64),
        ("side", np.int8),
        ("quantity", np.float64),
        ("price", np.float64),
        ("reference_price", np.float64),
        ("commission", np.float64),
        ("slippage", np.float64),
        ("rule", np.int32),
        ("reason", np.int8),
        ("instrument", np.int32),
    ],
    align=True,
)
"""One executed order (rule 11). `side` is 1 for a purchase and -1 for a sale."""


ALERT: Final = np.dtype(
    [("bar", np.int64), ("ts", np.int64), ("rule", np.int32), ("instrument", np.int32)], align=True
)
"""One alert that a rule gave at the close of a bar; `ts` is the time of the bar's open."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The outcome of one run over `n` bars.

    Attributes
    ----------
    equity : ndarray of float64, shape (n,)
        Account value at the close of each bar. Before the program's warm-up it is the initial
        cash; after ruin it stays at what was left, which is a debt when negative.
    cash : ndarray of float64, shape (n,)
        Equity less the market value of the position: a purchase lowers it by its notional, a
        short sale raises it.
    position : ndarray of float64, shape (n,)
        Signed units held at the close of each bar.
    trades : structured ndarray of `TRADE`
        Closed round trips in the order of their exits. A partial exit is a row of its own.
        `mae` <= 0 <= `mfe` are the worst and the best excursion while the trade was open, as
        fractions of the entry price; of the bar of the exit only the open and the exit price
        count, since nothing is known about the order of its high and low.
    fills : structured ndarray of `FILL`
        Executed orders in the order of execution.
    counters : dict
        `ambiguous_bars`, `ambiguous_trades`, `ambiguous_pnl` (rule 6), `rejected_unaffordable`,
        `rejected_below_lot`, `rejected_size`, `rejected_stop`, `rejected_price`, `rejected_full`,
        `rejected_notional`, `rejected_volume`, `reduced_by_volume`, `expired`, `liquidations`,
        `ruined`, `closed_at_end`, `unfilled_at_end`, `waiting_at_end` (rules 8, 9, 10, 12);
        `borrow_paid` and `financing_paid`, `dividends_received` and `dividends_paid`, which are
        in the equity and in no trade; `splits` of what was held; `without_detail`, bars in which
        orders or guards were looked at and of which there were no finer bars, or none that fit.
    warnings : tuple of str
        Sentences for people about what makes the result weaker than it looks.
    engine_version : str
        `core.engine.version.ENGINE_VERSION` of the run.
    alerts : structured ndarray of `ALERT`
        In the order in which they were given.
    """

    equity: NDArray[np.float64]
    cash: NDArray[np.float64]
    position: NDArray[np.float64]
    trades: NDArray[Any]
    fills: NDArray[Any]
    counters: dict[str, int | float]
    warnings: tuple[str, ...]
    engine_version: str
    alerts: NDArray[Any] = field(default_factory=lambda: np.empty(0, ALERT))
