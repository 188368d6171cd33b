"""Tables for people."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

# What a trader looks at first, and how it is written.
METRICS: tuple[tuple[str, str, str], ...] = (
    ("total_return_pct", "Total return", "{:,.2f} %"),
    ("buy_hold_return_pct", "Buy and hold", "{:,.2f} %"),
    ("cagr_pct", "Growth a year (CAGR)", "{:,.2f} %"),
    ("annual_volatility_pct", "Volatility a year", "{:,.2f} %"),
    ("sharpe", "Sharpe ratio", "{:,.2f}"),
    ("sortino", "Sortino ratio", "{:,.2f}"),
    ("max_drawdown_pct", "Max. drawdown", "{:,.2f} %"),
    ("exposure_pct", "Time in the market", "{:,.1f} %"),
    ("trades", "Trades", "{:,.0f}"),
    ("winrate_pct", "Win rate", "{:,.1f} %"),
    ("profit_factor", "Profit factor", "{:,.2f}"),
    ("commission_paid", "Commission paid", "{:,.2f}"),
    ("final_equity", "Final equity", "{:,.2f}"),
)


def metrics_show(console: Console, title: str, metrics: dict[str, Any]) -> None:
    """Print the metrics; an undefined one is a dash."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column("metric")
    table.add_column("value", justify="right")
    for key, label, pattern in METRICS:
        value = metrics.get(key)
        table.add_row(label, "-" if value is None else pattern.format(value))
    console.print(table)


def trades_show(console: Console, trades: list[dict[str, Any]]) -> None:
    """Print the first trades."""
    table = Table(title="First trades", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("entry", "exit", "side"):
        table.add_column(column, no_wrap=True)
    for column in ("size", "entry", "exit", "P&L", "return"):
        table.add_column(column, justify="right", no_wrap=True)
    for trade in trades:
        table.add_row(
            trade["entry_time"][:10],
            trade["exit_time"][:10],
            str(trade["side"]),
            f"{float(trade['size']):,.0f}",
            f"{float(trade['entry_price']):,.2f}",
            f"{float(trade['exit_price']):,.2f}",
            f"{float(trade['pnl']):,.2f}",
            f"{float(trade['return_pct']):,.2f} %",
        )
    console.print(table)


def places_show(console: Console, base_url: str) -> None:
    """Print where to go on."""
    table = Table.grid(padding=(0, 2))
    table.add_row("API", f"{base_url}/api/v1/")
    table.add_row("API docs", f"{base_url}/api/v1/docs/")
    table.add_row("Admin", f"{base_url}/admin/")
    console.print(table)
