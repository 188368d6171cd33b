"""The engine's trades as rows of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.choices import ExitReason, Right, Side
from core.backtests.legs import order_of
from core.backtests.times import iso_times
from core.engine import result as engine

COLUMNS: Final = (
    "number",
    "symbol",
    "side",
    "size",
    "entry_time",
    "exit_time",
    "entry_price",
    "exit_price",
    "pnl",
    "return_pct",
    "duration_seconds",
    "commission",
    "slippage",
    "mae",
    "mfe",
    "exit_reason",
    "entry_bar",
    "exit_bar",
)
OPTION_COLUMNS: Final = ("contract", "right", "strike", "expiry", "multiplier")
# By the engine's number; what it calls otherwise than the database fails here, not in a run.
REASONS: Final = ("", *(ExitReason(reason.label) for reason in engine.ExitReason))
# Numbered as core.options.result.OptionExitReason.
OPTION_REASONS: Final = (
    "",
    ExitReason.SIGNAL,
    ExitReason.TAKE_PROFIT,
    ExitReason.STOP_LOSS,
    ExitReason.DAYS,
    ExitReason.EXPIRED,
    ExitReason.ASSIGNED,
    ExitReason.EXERCISED,
    ExitReason.SETTLED,
    ExitReason.LIQUIDATION,
    ExitReason.END,
    ExitReason.RUIN,
)


def trade_rows(
    trades: NDArray[Any],
    option_trades: NDArray[Any] | None = None,
    *,
    symbols: Sequence[str] = ("",),
) -> Iterator[tuple[Any, ...]]:
    """Yield trades as rows of `COLUMNS` and `OPTION_COLUMNS`, numbered by their exits.

    Parameters
    ----------
    trades, option_trades : structured ndarray
        As `core.engine.result.TRADE` and `core.options.result.OPTION_TRADE`.
    symbols : sequence of str
        By the number of the instrument.
    """
    traded = [symbols[one] for one in trades["instrument"].tolist()]
    shares = list(_rows(trades, REASONS, traded))
    none = (None,) * len(OPTION_COLUMNS)
    if option_trades is None or not len(option_trades):
        for number, row in enumerate(shares, 1):
            yield (number, *row, *none)
        return
    rows = [(*row, *none) for row in shares]
    legs = zip(
        _rows(option_trades, OPTION_REASONS, [symbols[0]] * len(option_trades)),
        _contracts(option_trades),
        strict=True,
    )
    rows.extend((*row, *contract) for row, contract in legs)
    for number, place in enumerate(order_of(trades, option_trades).tolist(), 1):
        yield (number, *rows[place])


def _rows(
    trades: NDArray[Any], reasons: tuple[str, ...], symbols: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `COLUMNS` after the number."""
    seconds = (trades["exit_ts"] - trades["entry_ts"]) / 1e9
    return zip(
        symbols,
        [Side.LONG.value if side > 0 else Side.SHORT.value for side in trades["side"].tolist()],
        trades["quantity"].tolist(),
        iso_times(trades["entry_ts"]),
        iso_times(trades["exit_ts"]),
        trades["entry_price"].tolist(),
        trades["exit_price"].tolist(),
        trades["pnl"].tolist(),
        (trades["return"] * 100).tolist(),
        seconds.tolist(),
        trades["commission"].tolist(),
        trades["slippage"].tolist(),
        trades["mae"].tolist(),
        trades["mfe"].tolist(),
        [str(reasons[reason]) for reason in trades["exit_reason"].tolist()],
        trades["entry_bar"].tolist(),
        trades["exit_bar"].tolist(),
        strict=True,
    )


def _contracts(legs: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield what is known of the contract of each leg: `OPTION_COLUMNS`."""
    return zip(
        legs["symbol"].tolist(),
        [Right.CALL.value if one > 0 else Right.PUT.value for one in legs["right"].tolist()],
        legs["strike"].tolist(),
        legs["expiry"].astype("datetime64[D]").astype(str).tolist(),
        legs["multiplier"].tolist(),
        strict=True,
    )


def columns_of(rows: Iterator[tuple[Any, ...]] | list[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    """Return rows column by column: numbers as float64, everything else as objects."""
    names = (*COLUMNS, *OPTION_COLUMNS)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return {
        name: np.array(column, np.float64 if _is_number(column) else object)
        for name, column in zip(names, columns, strict=True)
    }


def _is_number(column: tuple[Any, ...]) -> bool:
    return bool(column) and all(isinstance(value, int | float) for value in column)
