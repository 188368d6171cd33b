"""The metrics of a run by what they are computed from, under the keys of a summary."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.metrics import activity, ratios, returns, trade_statistics
from core.metrics import benchmark as against
from core.metrics import distribution as spread
from core.metrics import overfitting as doubt
from core.metrics.drawdown import Curve
from core.metrics.keys import BENCHMARK_KEYS, RETURN_KEYS, STATISTIC_KEYS
from core.metrics.value import Undefined, Value, scaled

PERCENT: Final = 100.0

Returns = NDArray[np.float64] | Undefined
Measured = dict[str, Value]


def measure_equity(curve: Curve, *, initial_cash: float, final: float, span_ns: int) -> Measured:
    """Return the metrics of the curve itself, bar by bar."""
    growth: Value = Undefined("equity is not a finite number at every bar")
    total = growth
    if not isinstance(curve.mean, Undefined):
        growth = returns.cagr(initial_cash, final, span_ns)
        total = returns.total_return(initial_cash, final)
    return {
        "total_return_pct": scaled(total, PERCENT),
        "cagr_pct": scaled(growth, PERCENT),
        "calmar": ratios.calmar(growth, curve.depth),
        "max_drawdown_pct": scaled(curve.depth, PERCENT),
        "max_drawdown_recovered": curve.recovered,
        "max_drawdown_duration_s": curve.longest_s,
        "longest_drawdown_recovered": curve.longest_recovered,
        "drawdowns": curve.count,
        "avg_drawdown_pct": scaled(curve.average_depth, PERCENT),
        "avg_drawdown_duration_s": curve.average_s,
        "ulcer_index_pct": scaled(curve.ulcer, PERCENT),
        "final_equity": final,
        "peak_equity": curve.peak,
    }


def measure_returns(
    earned: Returns, periods: float, *, trials: int, trials_deviation: float | None
) -> Measured:
    """Return the metrics of the distribution of returns."""
    if isinstance(earned, Undefined):
        return dict.fromkeys(RETURN_KEYS, earned)
    of = spread.moments(earned)
    tails = spread.tails(earned)
    skew, kurtosis = spread.skew(of), spread.kurtosis(of)
    return {
        "annual_volatility_pct": scaled(spread.annual_volatility(of, periods), PERCENT),
        "sharpe": ratios.sharpe(of, periods),
        "sortino": ratios.sortino(of, periods),
        "omega": ratios.omega(of),
        "var_95_pct": scaled(tails.value_at_risk, PERCENT),
        "cvar_95_pct": scaled(tails.expected_shortfall, PERCENT),
        "tail_ratio": tails.ratio,
        "skew": skew,
        "kurtosis": kurtosis,
        "return_periods": of.count,
        **_confidence(of, skew, kurtosis, trials, trials_deviation),
    }


def _confidence(
    of: spread.Moments, skew: Value, kurtosis: Value, trials: int, deviation: float | None
) -> Measured:
    """Return how sure the Sharpe ratio is, after so many trials."""
    sharpe = ratios.sharpe(of, 1.0)
    for value in (sharpe, skew, kurtosis):
        if isinstance(value, Undefined):
            return dict.fromkeys(RETURN_KEYS[-3:], value)
    shape: dict[str, Any] = {"sharpe": sharpe, "skew": skew, "kurtosis": kurtosis}
    return {
        "probabilistic_sharpe": doubt.probabilistic_sharpe(count=of.count, **shape),
        "deflated_sharpe": doubt.deflated_sharpe(
            count=of.count, trials=trials, trials_deviation=deviation, **shape
        ),
        "min_track_record_periods": doubt.minimum_track_record(**shape),
    }


def measure_benchmark(earned: Returns, market: Returns, periods: float) -> Measured:
    """Return the metrics against the returns of a benchmark in the same periods."""
    if isinstance(earned, Undefined):
        return dict.fromkeys(BENCHMARK_KEYS, earned)
    if isinstance(market, Undefined):
        return dict.fromkeys(BENCHMARK_KEYS, market)
    of = against.pair(earned, market)
    return {
        "alpha_pct": scaled(against.alpha(of, periods), PERCENT),
        "beta": against.beta(of),
        "correlation": against.correlation(of),
        "tracking_error_pct": scaled(against.tracking_error(of, periods), PERCENT),
        "information_ratio": against.information_ratio(of, periods),
    }


def measure_trades(trades: NDArray[Any]) -> Measured:
    """Return the statistics of closed trades; no side of theirs but what the rows hold."""
    return {
        "trades": len(trades),
        **_statistics(trade_statistics.trade_sums(trades["pnl"], trades["return"])),
        **_holding(trades),
    }


def _statistics(of: trade_statistics.TradeSums | Undefined) -> Measured:
    if isinstance(of, Undefined):
        return dict.fromkeys(STATISTIC_KEYS, of)
    return {
        "winrate_pct": scaled(trade_statistics.winrate(of), PERCENT),
        "profit_factor": trade_statistics.profit_factor(of),
        "payoff": trade_statistics.payoff(of),
        "expectancy": trade_statistics.average_profit(of),
        "expectancy_pct": scaled(trade_statistics.expectancy(of), PERCENT),
        "avg_trade_pct": scaled(trade_statistics.average_trade(of), PERCENT),
        "avg_win": trade_statistics.average_win(of),
        "avg_loss": trade_statistics.average_loss(of),
        "best_trade_pct": of.best * PERCENT,
        "worst_trade_pct": of.worst * PERCENT,
        "max_consecutive_wins": of.wins_in_a_row,
        "max_consecutive_losses": of.losses_in_a_row,
        "sqn": trade_statistics.sqn(of),
        "kelly": trade_statistics.kelly(of),
    }


def _holding(trades: NDArray[Any]) -> Measured:
    held = activity.holding(trades)
    moved = activity.excursions(trades)
    return {
        "avg_trade_duration_s": held.average_s,
        "min_trade_duration_s": held.shortest_s,
        "max_trade_duration_s": held.longest_s,
        "avg_mae_pct": scaled(moved.average_adverse, PERCENT),
        "worst_mae_pct": scaled(moved.worst_adverse, PERCENT),
        "avg_mfe_pct": scaled(moved.average_favourable, PERCENT),
        "best_mfe_pct": scaled(moved.best_favourable, PERCENT),
        "edge_ratio": moved.edge_ratio,
    }


def measure_activity(
    position: NDArray[np.float64],
    trades: NDArray[Any],
    fills: NDArray[Any] | None,
    *,
    mean_equity: Value,
    span_ns: int,
) -> Measured:
    """Return what was held, traded and paid: by all fills, or where there are none by trades."""
    held = activity.exposure(position)
    paid = trades if fills is None else fills
    value = activity.traded_value(trades) if fills is None else activity.filled_value(fills)
    return {
        "exposure_pct": scaled(held.any, PERCENT),
        "exposure_long_pct": scaled(held.long, PERCENT),
        "exposure_short_pct": scaled(held.short, PERCENT),
        "commission_paid": float(paid["commission"].sum()),
        "slippage_paid": float(paid["slippage"].sum()),
        "turnover": activity.turnover(value, mean_equity, span_ns),
    }
