"""Bodies that hold a result: built from arrays, without a serializer a point."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.backtests.api.serializers import TradeSerializer, error_of
from core.backtests.columns import OVERLAY, PANEL, columns_unpack, lines_of
from core.backtests.models import BacktestRun, EquityCurve
from core.backtests.selectors import curve_of, run_with_curve, trade_list
from core.backtests.thin import thin

NS_PER_MS: Final = 1_000_000
# Beyond these a body is for reading page by page: …/equity and …/trades have everything.
CHART_POINTS: Final = 10_000
BODY_TRADES: Final = 10_000


def finished_body(*, owner_id: UUID, run_id: UUID) -> dict[str, Any] | None:
    """Return the body of the quick backtest once the run has ended, else None."""
    run = run_with_curve(owner_id=owner_id, run_id=run_id)
    if run is None or not run.finished:
        return None
    return result_body(run)


def result_body(run: BacktestRun) -> dict[str, Any]:
    """Return metrics, charts and trades of a run; only the error where it has no result."""
    curve = curve_of(run)
    if curve is None:
        return {"id": run.id, "status": run.status, "metrics": None, "error": error_of(run)}
    series, fills = columns_unpack(curve.series), columns_unpack(curve.fills)
    if run.symbols:  # what a portfolio bought has no place in the chart of its basket
        fills = {name: values[:0] for name, values in fills.items()}
    rows = chart_rows(series, fills)
    dates = milliseconds(series["ts"])[rows]
    return {
        "id": run.id,
        "status": run.status,
        "metrics": run.metrics_ordered,
        **({"synthetic_prices": True} if run.synthetic_prices else {}),
        "price_chart": _price_chart(series, fills, rows, dates),
        "equity_chart": {"dates": dates, "equity": series["equity"][rows]},
        **({"instruments": curve.instruments} if run.symbols else {}),
        **_alerts(curve),
        "trades": list(trade_list(run=run).values(*TradeSerializer.Meta.fields)[:BODY_TRADES]),
    }


def _alerts(curve: EquityCurve) -> dict[str, Any]:
    """Return the first alerts and how many there were in all, where there were any."""
    if not curve.alert_count:
        return {}
    return {"alerts": curve.alerts, "alert_count": curve.alert_count}


def chart_rows(
    series: dict[str, NDArray[Any]], fills: dict[str, NDArray[Any]]
) -> NDArray[np.int64]:
    """Return the bars that a chart shows: all, or the extremes and every fill of a long run."""
    if len(series["ts"]) <= CHART_POINTS:
        return np.arange(len(series["ts"]))
    kept = thin([series["close"], series["equity"]], CHART_POINTS // 2)
    return np.unique(np.concatenate([kept, fills["bar"][: CHART_POINTS // 2]]))


def _price_chart(
    series: dict[str, NDArray[Any]],
    fills: dict[str, NDArray[Any]],
    rows: NDArray[np.int64],
    dates: NDArray[np.int64],
) -> dict[str, Any]:
    overlays = {label: values[rows] for label, values in lines_of(series, OVERLAY).items()}
    panels = {label: values[rows] for label, values in lines_of(series, PANEL).items()}
    averages = [values for label, values in overlays.items() if label.startswith("sma(")]
    return {
        "dates": dates,
        "close": series["close"][rows],
        "overlays": overlays,
        **({"panels": panels} if panels else {}),
        **({"sma1": averages[0], "sma2": averages[1]} if len(averages) >= 2 else {}),
        "buy_signals": _marks(fills, 1, len(series["ts"]))[rows],
        "sell_signals": _marks(fills, -1, len(series["ts"]))[rows],
    }


def _marks(fills: dict[str, NDArray[Any]], side: int, length: int) -> NDArray[np.float64]:
    """Return the price of the fills of one side at their bars, NaN (null) elsewhere."""
    marks = np.full(length, np.nan)
    of_side = fills["side"] == side
    marks[fills["bar"][of_side]] = fills["price"][of_side]
    return marks


def milliseconds(ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return UTC nanoseconds as epoch milliseconds."""
    return ts // NS_PER_MS
