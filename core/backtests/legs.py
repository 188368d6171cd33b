"""Trades in shares and in options as one table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.result import TRADE, Result
from core.options.result import OptionsResult, reason_of_shares

SHARED: Final = tuple(
    name for name in TRADE.names or () if name not in {"quantity", "exit_reason", "instrument"}
)

COSTS: Final = np.dtype(
    [(name, np.float64) for name in ("quantity", "price", "commission", "slippage")]
)


def trades_of(result: Result) -> NDArray[Any]:
    """Return all closed trades of a result in the order of their exits, as `TRADE`.

    A leg of options counts the shares that it is for, so that quantity times price is money, and
    ends for the reason of the engine that comes nearest. Trades in shares come first in a bar.
    """
    if not isinstance(result, OptionsResult) or not len(result.option_trades):
        return result.trades
    legs = result.option_trades
    table = np.zeros(len(result.trades) + len(legs), TRADE)
    shares, options = table[: len(result.trades)], table[len(result.trades) :]
    shares[:] = result.trades
    for name in SHARED:
        options[name] = legs[name]
    options["quantity"] = legs["quantity"] * legs["multiplier"]
    options["exit_reason"] = [reason_of_shares(one) for one in legs["exit_reason"].tolist()]
    ordered: NDArray[Any] = table[order_of(result.trades, legs)]
    return ordered


def order_of(trades: NDArray[Any], legs: NDArray[Any]) -> NDArray[np.intp]:
    """Return the order of exits of both tables, one after the other; shares first in a bar."""
    return np.argsort(np.concatenate([trades["exit_bar"], legs["exit_bar"]]), kind="stable")


def exposure_of(result: Result) -> NDArray[np.float64]:
    """Return at each bar the position in shares; where there is none, the contracts held."""
    if not isinstance(result, OptionsResult):
        return result.position
    return np.where(result.position != 0, result.position, result.option_contracts)


def fills_of(result: Result) -> NDArray[Any]:
    """Return what every execution traded and cost: `quantity`, `price`, `commission`, `slippage`.

    A contract counts the shares that it is for.
    """
    if not isinstance(result, OptionsResult):
        return result.fills
    both = (result.fills, result.option_fills)
    table = np.zeros(sum(len(fills) for fills in both), COSTS)
    for name in COSTS.names or ():
        table[name] = np.concatenate([fills[name] for fills in both])
    table["quantity"][len(result.fills) :] *= result.option_fills["multiplier"]
    return table
