"""The tours: a quick one as the demo account, and the whole way as a new user."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from rich.console import Console

from backtester.demo.account import DEMO_EMAIL, DEMO_PASSWORD
from backtester.demo.client import ApiFailureError, Client
from backtester.demo.show import metrics_show, trades_show
from backtester.demo.strategy import SMA_CROSS

SYMBOL, START, END = "GOOG", "2004-08-19", "2013-03-01"
CAPITAL = 10_000
FINISHED = frozenset({"completed", "failed", "errored", "canceled", "timed_out"})


def quick_tour(client: Client, console: Console) -> None:
    """Post one backtest as a front end does, wait for it, and print it."""
    client.login(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    answer = client.call(
        "POST",
        "backtest",
        {
            "ticker": SYMBOL,
            "startDate": START,
            "endDate": END,
            "strategy": "SMA",
            "capital": CAPITAL,
            "interval": "1d",
        },
        Prefer="wait=30",
    )
    _demand_completed(answer)
    metrics_show(console, f"{SYMBOL} {START} to {END}, SMA cross", answer["metrics"])


def whole_tour(client: Client, console: Console, *, folder: Path) -> None:
    """Register, draw a strategy, backtest it, watch it run, and look at the result."""
    email = f"demo-{secrets.token_hex(4)}@example.com"
    client.register(email=email, password=secrets.token_urlsafe(16), name="Demo trader")
    console.print(f"registered {email}")

    strategy = client.call(
        "POST", "strategies", {"name": "SMA cross, drawn over the API", "graph": SMA_CROSS}
    )
    client.call("POST", f"strategies/{strategy['id']}/validate")
    console.print(f"drew strategy {strategy['id']} ({len(SMA_CROSS['nodes'])} nodes), it is valid")

    run = client.call(
        "POST",
        "backtests",
        {
            "strategy_id": strategy["id"],
            "symbols": [SYMBOL],
            "start": START,
            "end": END,
            "interval": "1d",
            "capital": CAPITAL,
            "config": {"commission": {"percent": 0.001}},
        },
    )
    console.print(f"posted backtest {run['id']}")
    _watch(client, console, run["id"])

    results = client.call("GET", f"backtests/{run['id']}/results")
    trades = client.call("GET", f"backtests/{run['id']}/trades?limit=5")
    _demand_completed(results)
    metrics_show(console, f"{SYMBOL} {START} to {END}, SMA 10/20 cross", results["metrics"])
    trades_show(console, trades["results"])

    folder.mkdir(parents=True, exist_ok=True)
    chart = folder / "equity.png"
    chart.write_bytes(
        client.download(f"backtests/{run['id']}/chart?chart_type=equity", "image/png")
    )
    console.print(f"equity chart: {chart}")


def _watch(client: Client, console: Console, run_id: str) -> None:
    """Follow the run on the WebSocket until it has ended."""
    for frame in client.frames(f"backtest:{run_id}"):
        data = frame["data"]
        status, progress = data.get("status", ""), data.get("progress")
        percent = "" if progress is None else f"{100 * progress:.0f} %"
        parts = (f"  socket #{frame['seq']}", frame["type"], percent, data.get("stage", ""))
        console.print(" ".join(part for part in parts if part))
        if status in FINISHED:
            return
    raise ApiFailureError("The WebSocket closed before the run had ended.")


def _demand_completed(answer: dict[str, Any]) -> None:
    if answer.get("status") != "completed":
        why = (answer.get("error") or {}).get("message", "see the worker's log")
        raise ApiFailureError(f"The run ended as {answer.get('status')!r}: {why}")
