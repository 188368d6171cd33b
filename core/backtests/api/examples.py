"""Examples for the API's documentation: real requests, and answers cut short."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

RUN_ID: Final = "019a8f3e-6a43-7c1f-9d0e-2f6f8f0c2a11"
STRATEGY_ID: Final = "019a8f3e-1b2c-7d3e-8f40-5a6b7c8d9e0f"

METRICS: Final[dict[str, Any]] = {
    "total_return_pct": 312.4,
    "cagr_pct": 18.1,
    "annual_volatility_pct": 22.7,
    "sharpe": 0.85,
    "max_drawdown_pct": -31.2,
    "trades": 61,
    "winrate_pct": 45.9,
    "profit_factor": 2.1,
    "final_equity": 41240.0,
}
TRADE: Final[dict[str, Any]] = {
    "number": 1,
    "symbol": "GOOG",
    "side": "long",
    "size": 49.0,
    "entry_time": "2010-03-12T00:00:00Z",
    "exit_time": "2010-04-19T00:00:00Z",
    "entry_price": 201.5,
    "exit_price": 215.25,
    "pnl": 673.75,
    "return_pct": 6.82,
    "duration_seconds": 3283200.0,
    "commission": 0.0,
    "slippage": 0.0,
    "mae": -0.021,
    "mfe": 0.094,
    "exit_reason": "reversal",
    "entry_bar": 48,
    "exit_bar": 73,
    "contract": None,
    "right": None,
    "strike": None,
    "expiry": None,
    "multiplier": None,
}
_RUN: Final[dict[str, Any]] = {
    "id": RUN_ID,
    "name": "",
    "tags": [],
    "status": "queued",
    "stage": "",
    "progress": 0.0,
    "eta_s": None,
    "strategy_id": STRATEGY_ID,
    "strategy": "SMA cross",
    "version": 1,
    "ticker": "GOOG",
    "symbols": ["GOOG"],
    "universe": "",
    "interval": "1d",
    "start": "2010-01-04",
    "end": "2012-12-31",
    "capital": 10000.0,
    "error": None,
}

QUICK: Final = OpenApiExample(
    "The form of a front end",
    request_only=True,
    value={
        "ticker": "GOOG",
        "startDate": "2005-01-03",
        "endDate": "2012-12-31",
        "strategy": "sma_cross",
        "capital": 10000,
        "commission": 0.001,
        "parameters": {"fast": 10, "slow": 20},
    },
)
FULL: Final = OpenApiExample(
    "A strategy of your own",
    request_only=True,
    value={
        "strategy_id": STRATEGY_ID,
        "symbols": ["GOOG"],
        "start": "2005-01-03",
        "end": "2012-12-31",
        "interval": "1d",
        "capital": 10000,
        "config": {"commission": {"percent": 0.001}, "slippage": {"bps": 2}},
        "name": "First try",
        "tags": ["ideas"],
    },
)
PORTFOLIO: Final = OpenApiExample(
    "A portfolio: the three strongest of a list, in equal parts",
    request_only=True,
    value={
        "strategy_id": "momentum_rotation",
        "symbols": ["AAPL", "GOOG", "IBM", "MSFT"],
        "start": "2005-01-03",
        "end": "2012-12-31",
        "capital": 100000,
        "config": {"allocation": {"max_positions": 3, "rotate": True}},
    },
)
QUICK_RESULT: Final = OpenApiExample(
    "A result, cut short",
    response_only=True,
    status_codes=["200"],
    value={
        "id": RUN_ID,
        "status": "completed",
        "metrics": METRICS,
        "price_chart": {
            "dates": [1262563200000, 1262649600000],
            "close": [313.06, 311.68],
            "overlays": {"sma(10)": [None, None], "sma(20)": [None, None]},
            "sma1": [None, None],
            "sma2": [None, None],
            "buy_signals": [None, 311.9],
            "sell_signals": [None, None],
        },
        "equity_chart": {"dates": [1262563200000, 1262649600000], "equity": [10000.0, 9993.0]},
        "trades": [TRADE],
        "alerts": [
            {
                "time": "2010-03-11T00:00:00Z",
                "bar": 47,
                "node_id": "tell",
                "message": "The averages have crossed.",
            }
        ],
        "alert_count": 1,
    },
)
COMPLETED: Final[dict[str, Any]] = _RUN | {
    "status": "completed",
    "progress": 1.0,
    "total_return_pct": METRICS["total_return_pct"],
    "sharpe": METRICS["sharpe"],
    "max_drawdown_pct": METRICS["max_drawdown_pct"],
}


def answer(name: str, value: Any, *, status: int = 200) -> OpenApiExample:
    """Return an example of an answer."""
    return OpenApiExample(name, response_only=True, status_codes=[str(status)], value=value)


QUEUED: Final = answer("Queued", _RUN, status=202)
RUN: Final = answer(
    "A completed run, cut short", COMPLETED | {"metrics": METRICS, "bar_count": 755}
)
# A list's example is one of its rows.
LISTED: Final = answer("A completed run", COMPLETED)
CANCELED: Final = answer("Canceled", _RUN | {"status": "canceled"})
TRADES: Final = answer("A trade", TRADE)
INSTRUMENTS: Final = answer(
    "One instrument",
    {
        "symbol": "GOOG",
        "bars": 755,
        "first": "2010-01-04T00:00:00Z",
        "last": "2012-12-31T00:00:00Z",
        "trades": 12,
        "winrate_pct": 58.3,
        "pnl": 4210.5,
        "contribution_pct": 4.21,
        "profit_factor": 2.4,
        "commission": 31.0,
        "exposure_pct": 41.7,
        "buy_hold_return_pct": 14.1,
    },
)
EQUITY: Final = answer(
    "Two bars",
    {
        "total": 2,
        "dates": [1262563200000, 1262649600000],
        "equity": [10000.0, 9993.0],
        "drawdown_pct": [0.0, -0.07],
        "next": None,
        "previous": None,
    },
)
CHART: Final = OpenApiExample(
    "Base64, cut short",
    response_only=True,
    media_type="application/json",
    value={"chart_type": "equity", "content_type": "image/png", "image": "iVBORw0KGgo="},
)
COMPARISON: Final = answer(
    "One run beside itself, cut short",
    {
        "runs": [COMPLETED],
        "metrics": {"total_return_pct": [312.4], "sharpe": [0.85]},
        "equity": [{"dates": [1262563200000, 1262649600000], "equity": [100.0, 99.93]}],
    },
)
