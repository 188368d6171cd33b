"""What each instrument of a portfolio did: one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.times import iso_time
from core.engine.bars import Bars
from core.engine.portfolio import PortfolioResult

KEYS: Final = (
    "symbol",
    "bars",
    "first",
    "last",
    "trades",
    "winrate_pct",
    "pnl",
    "contribution_pct",
    "profit_factor",
    "commission",
    "exposure_pct",
    "buy_hold_return_pct",
)
SHOWN_KEYS: Final = (
    "symbol",
    "trades",
    "winrate_pct",
    "pnl",
    "contribution_pct",
    "exposure_pct",
    "buy_hold_return_pct",
)
"""Those of the table for people."""
PERCENT: Final = 100.0


def instrument_rows(
    result: PortfolioResult,
    bars: Sequence[Bars],
    worth: Sequence[NDArray[np.float64]],
    *,
    cash: float,
) -> list[dict[str, Any]]:
    """Return rows of `KEYS` in the order of the symbols.

    `worth` is that of one unit bought at the first close, which `buy_hold_return_pct` measures.

    `pnl` is what an instrument has added to the equity, commissions and borrowed shares included;
    `contribution_pct` is that in percent of the initial cash. What is undefined is None.
    """
    trades, count = result.trades, len(result.symbols)
    number, pnl = trades["instrument"], trades["pnl"]

    def summed(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(number, values, minlength=count).astype(np.float64)

    closed, wins = summed(np.ones(len(trades))), summed(pnl > 0.0)
    won, lost = summed(np.maximum(pnl, 0.0)), summed(np.maximum(-pnl, 0.0))
    fees = np.bincount(result.fills["instrument"], result.fills["commission"], minlength=count)
    held = np.add.reduceat(result.position != 0.0, result.starts[:-1])
    return [
        {
            "symbol": symbol,
            "bars": len(one),
            "first": iso_time(one.ts[0]),
            "last": iso_time(one.ts[-1]),
            "trades": int(closed[k]),
            "winrate_pct": _ratio(wins[k] * PERCENT, closed[k]),
            "pnl": float(result.earned[k]),
            "contribution_pct": float(result.earned[k]) / cash * PERCENT,
            "profit_factor": _ratio(won[k], lost[k]),
            "commission": float(fees[k]),
            "exposure_pct": float(held[k]) / len(one) * PERCENT,
            "buy_hold_return_pct": _ratio((worth[k][-1] - worth[k][0]) * PERCENT, worth[k][0]),
        }
        for k, (symbol, one) in enumerate(zip(result.symbols, bars, strict=True))
    ]


def _ratio(one: float, other: float) -> float | None:
    return float(one / other) if other > 0.0 else None
