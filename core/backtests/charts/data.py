"""What the charts are drawn from: plain arrays of one completed run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backtests.columns import OVERLAY, columns_unpack, lines_of
from core.backtests.models import BacktestRun
from core.backtests.selectors import trade_list


@dataclass(frozen=True, slots=True, eq=False)
class ChartData:
    """Arrays of a run; `times` are datetime64[ms] in UTC."""

    title: str
    subtitle: str
    capital: float
    times: NDArray[Any]
    close: NDArray[np.float64]
    held: NDArray[np.float64]  # what a unit bought at the first close is worth
    equity: NDArray[np.float64]
    overlays: dict[str, NDArray[np.float64]]
    fills: dict[str, NDArray[Any]]
    trade_times: NDArray[Any]
    trade_returns: NDArray[np.float64]
    trade_sides: NDArray[Any]
    metrics: dict[str, Any]


def chart_data(run: BacktestRun) -> ChartData:
    """Return the arrays of a run that was read with its curve."""
    series = columns_unpack(run.curve.series)
    trades = list(trade_list(run=run).values_list("exit_time", "return_pct", "side"))
    exits = [time.replace(tzinfo=None) for time, _, _ in trades]
    fills = columns_unpack(run.curve.fills)
    if run.symbols:  # what a portfolio bought has no place in the chart of its basket
        fills = {name: values[:0] for name, values in fills.items()}
    return ChartData(
        title=f"{run.title} · {run.strategy.name}",
        subtitle=_subtitle(run),
        capital=run.capital,
        times=(series["ts"] // 1_000_000).astype("datetime64[ms]"),
        close=series["close"],
        held=series.get("held", series["close"]),
        equity=series["equity"],
        overlays=lines_of(series, OVERLAY),
        fills=fills,
        trade_times=np.array(exits, dtype="datetime64[ms]"),
        trade_returns=np.array([value for _, value, _ in trades], dtype=np.float64),
        trade_sides=np.array([side for _, _, side in trades], dtype=str),
        metrics=run.metrics,
    )


def _subtitle(run: BacktestRun) -> str:
    parts = [
        f"{run.start:%d %b %Y} to {run.end:%d %b %Y}",
        run.interval,
        _number("return {:+,.1f} %", run.total_return_pct),
        _number("Sharpe {:.2f}", run.sharpe),
        _number("max. drawdown {:.1f} %", run.max_drawdown_pct),
        _number("{:,} trades", run.trade_count),
    ]
    return "   ·   ".join(part for part in parts if part)


def _number(text: str, value: float | None) -> str:
    return "" if value is None else text.format(value)
