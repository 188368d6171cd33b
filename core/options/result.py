"""What a run with options returns beyond the engine's own result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.result import FILL, TRADE, ExitReason, Result


class OptionExitReason(IntEnum):
    """Why an option trade ended. An opening fill carries SIGNAL."""

    SIGNAL = 1
    PROFIT = 2
    LOSS = 3
    DAYS = 4
    EXPIRED = 5
    """Out of the money, worth nothing."""
    ASSIGNED = 6
    EXERCISED = 7
    SETTLED = 8
    """In the money at expiry, paid in cash."""
    LIQUIDATION = 9
    END = 10
    RUIN = 11

    @property
    def label(self) -> str:
        """The word the API and reports use, such as ``"assigned"``."""
        return self.name.lower()


_OF_SHARES: Final = {
    OptionExitReason.PROFIT: ExitReason.TAKE_PROFIT,
    OptionExitReason.LOSS: ExitReason.STOP_LOSS,
    OptionExitReason.LIQUIDATION: ExitReason.LIQUIDATION,
    OptionExitReason.END: ExitReason.END,
    OptionExitReason.RUIN: ExitReason.RUIN,
}

_CONTRACT: Final = [
    ("symbol", "U32"),
    ("right", np.int8),
    ("strike", np.float64),
    ("expiry", np.int64),
    ("multiplier", np.float64),
]

_OF_A_SHARE: Final = {"instrument"}

OPTION_TRADE: Final = np.dtype(
    [
        *_CONTRACT,
        ("position", np.int64),
        *((name, TRADE[name]) for name in TRADE.names or () if name not in _OF_A_SHARE),
    ],
    align=True,
)
"""One closed leg. Prices are for one share, `quantity` is contracts, `expiry` days from 1970-01-01;
legs of one position share its number. An assigned or exercised leg ends at a price of zero: its
premium is its profit or loss, and the shares are traded at the strike (`Result.fills`)."""

OPTION_FILL: Final = np.dtype(
    [
        *_CONTRACT,
        ("position", np.int64),
        *((name, FILL[name]) for name in FILL.names or () if name not in _OF_A_SHARE),
        ("underlying", np.float64),
        ("volatility", np.float64),
    ],
    align=True,
)
"""One executed order in one contract, or the end of one at its expiry. `side` is 1 for a purchase
and -1 for a sale; `reference_price` is the model's mid price, at `volatility` with the underlying
at `underlying`."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptionsResult(Result):
    """The outcome of a run with options.

    `equity` counts shares at the close and options at the model's mid price; `cash` is what is
    left without either. `trades` and `fills` are those in shares, deliveries at the strike among
    them (rule -1, no costs).

    Attributes
    ----------
    option_trades : structured ndarray of `OPTION_TRADE`
        Closed legs in the order of their exits.
    option_fills : structured ndarray of `OPTION_FILL`
    option_value : ndarray of float64, shape (n,)
        What all open options are worth at the close of each bar, short ones below zero.
    option_contracts : ndarray of float64, shape (n,)
        How many contracts are open at the close of each bar, long and short ones added up.
    """

    option_trades: NDArray[Any]
    option_fills: NDArray[Any]
    option_value: NDArray[np.float64]
    option_contracts: NDArray[np.float64]


def reason_of_shares(reason: int) -> int:
    """Return the reason of the engine that comes nearest to one of an option trade."""
    return int(_OF_SHARES.get(OptionExitReason(reason), ExitReason.SIGNAL))
