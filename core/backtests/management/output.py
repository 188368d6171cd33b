"""What `manage.py backtest` prints of a result: the keys are a contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from core.backtests.alerts import alert_rows
from core.backtests.files import BarFile
from core.backtests.legs import order_of
from core.backtests.management.filedata import FileData
from core.backtests.portfolio import PortfolioSimulation
from core.backtests.settings import RunSettings
from core.backtests.simulation import Simulation, warnings_of
from core.backtests.times import iso_time
from core.engine.result import ExitReason, Result
from core.options.result import OptionExitReason, OptionsResult

NS_PER_MS: Final = 1_000_000
TRADE_KEYS: Final = (
    "entry_bar",
    "exit_bar",
    "entry_ts",
    "exit_ts",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "return",
    "commission",
    "exit_reason",
)
OPTION_KEYS: Final = ("contract", "right", "strike", "expiry", "multiplier")
SHOWN_KEYS: Final = (
    "entry_ts",
    "exit_ts",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "return",
    "exit_reason",
)


def keys_of(trades: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the columns of printed trades: those of options and portfolios only where they are."""
    symbol = ("symbol",) if _has(trades, "symbol") else ()
    return (*symbol, *TRADE_KEYS, *(OPTION_KEYS if _has(trades, "contract") else ()))


def shown_keys(trades: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the columns of the table for people."""
    named = tuple(name for name in ("symbol", "contract") if _has(trades, name))
    return (*named, *SHOWN_KEYS)


def _has(trades: Sequence[dict[str, Any]], name: str) -> bool:
    return any(name in trade for trade in trades)


def output_of(
    simulation: Simulation, *, data: FileData, identity: str, settings: RunSettings
) -> dict[str, Any]:
    """Return what is printed: metrics, trades, equity (one number a bar), warnings, provenance."""
    result, summary = simulation.result, simulation.summary
    return {
        "metrics": summary.values,
        "trades": trades_shown(result),
        "equity": result.equity,
        **alerts_shown(alert_rows(simulation.plan, result.alerts), len(result.alerts)),
        "warnings": warnings_of(simulation),
        "provenance": {
            "graph_hash": identity,
            "parameters": dict(simulation.plan.parameters),
            "config": settings.as_dict(with_options=isinstance(result, OptionsResult)),
            "bars": file_row(data.file),
            "others": {symbol: file_row(file) for symbol, file in data.others.items()},
            "engine_version": result.engine_version,
            "metrics_version": summary.metrics_version,
            "counters": result.counters,
            "metric_reasons": summary.reasons,
        },
    }


def portfolio_output(
    simulation: PortfolioSimulation,
    *,
    data: Sequence[FileData],
    identity: str,
    settings: RunSettings,
) -> dict[str, Any]:
    """Return what is printed of a portfolio: the same, and a row for each instrument."""
    result, summary, symbols = simulation.result, simulation.summary, simulation.result.symbols
    return {
        "metrics": summary.values,
        "instruments": simulation.rows,
        "trades": [
            {"symbol": symbols[int(trade["instrument"])]} | trade_row(trade, ExitReason)
            for trade in result.trades
        ],
        "dates": result.ts // NS_PER_MS,
        "equity": result.equity,
        **alerts_shown(alert_rows(simulation.plan, result.alerts, symbols), len(result.alerts)),
        "warnings": simulation.warnings,
        "provenance": {
            "graph_hash": identity,
            "parameters": dict(simulation.plan.parameters),
            "config": settings.as_dict(),
            "bars": {one.context.symbol: file_row(one.file) for one in data},
            "others": {name: file_row(file) for name, file in data[0].others.items()},
            "engine_version": result.engine_version,
            "metrics_version": summary.metrics_version,
            "counters": result.counters,
            "metric_reasons": summary.reasons,
        },
    }


def alerts_shown(alerts: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Return the alerts and how many there were in all, where there are any."""
    return {"alerts": alerts, "alert_count": count} if count else {}


def file_row(file: BarFile) -> dict[str, Any]:
    """Return what was read of a file."""
    return {
        "file": file.path,
        "sha256": file.snapshot,
        "count": len(file.bars),
        "first": iso_time(file.bars.ts[0]),
        "last": iso_time(file.bars.ts[-1]),
    }


def trade_row(trade: Any, reasons: type[ExitReason | OptionExitReason]) -> dict[str, Any]:
    """Return one trade under the keys of the contract."""
    return {
        "entry_bar": int(trade["entry_bar"]),
        "exit_bar": int(trade["exit_bar"]),
        "entry_ts": iso_time(trade["entry_ts"]),
        "exit_ts": iso_time(trade["exit_ts"]),
        "side": "long" if trade["side"] > 0 else "short",
        "quantity": float(trade["quantity"]),
        "entry_price": float(trade["entry_price"]),
        "exit_price": float(trade["exit_price"]),
        "pnl": float(trade["pnl"]),
        "return": float(trade["return"]),
        "commission": float(trade["commission"]),
        "exit_reason": reasons(int(trade["exit_reason"])).label,
    }


def trades_shown(result: Result) -> list[dict[str, Any]]:
    """Return all trades in the order of their exits; those in options say which contract."""
    shares = [trade_row(trade, ExitReason) for trade in result.trades]
    if not isinstance(result, OptionsResult):
        return shares
    legs = [trade_row(leg, OptionExitReason) | contract_row(leg) for leg in result.option_trades]
    both = [*shares, *legs]
    return [both[place] for place in order_of(result.trades, result.option_trades).tolist()]


def contract_row(leg: Any) -> dict[str, Any]:
    """Return what is known of the contract of a leg."""
    return {
        "contract": str(leg["symbol"]),
        "right": "call" if leg["right"] > 0 else "put",
        "strike": float(leg["strike"]),
        "expiry": str(np.datetime64(int(leg["expiry"]), "D")),
        "multiplier": float(leg["multiplier"]),
    }
