"""All metrics of one run, by the keys that the API, the database and reports share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.metrics import benchmark as against
from core.metrics import ratios, returns, trade_statistics
from core.metrics.drawdown import Curve, curve_measure
from core.metrics.returns import moments, period_ends, simple_returns
from core.metrics.value import Undefined, Value, checked, scaled
from core.metrics.version import METRICS_VERSION

PERCENT: Final = 100.0

KEYS: Final = (
    "total_return_pct",
    "cagr_pct",
    "annual_volatility_pct",
    "sharpe",
    "sortino",
    "calmar",
    "omega",
    "max_drawdown_pct",
    "max_drawdown_duration_s",
    "max_drawdown_recovered",
    "exposure_pct",
    "trades",
    "winrate_pct",
    "profit_factor",
    "payoff",
    "expectancy_pct",
    "avg_trade_pct",
    "best_trade_pct",
    "worst_trade_pct",
    "max_consecutive_losses",
    "sqn",
    "kelly",
    "var_95_pct",
    "cvar_95_pct",
    "ulcer_index_pct",
    "skew",
    "kurtosis",
    "alpha_pct",
    "beta",
    "information_ratio",
    "commission_paid",
    "slippage_paid",
    "turnover",
    "buy_hold_return_pct",
    "final_equity",
    "peak_equity",
    "periods_per_year",
)
"""Every key of a summary, in the order of reports; docs/metrics.md defines them."""

_RETURN_KEYS: Final = (
    "annual_volatility_pct",
    "sharpe",
    "sortino",
    "omega",
    "var_95_pct",
    "cvar_95_pct",
    "skew",
    "kurtosis",
)
_BENCHMARK_KEYS: Final = ("alpha_pct", "beta", "information_ratio")


@dataclass(frozen=True, slots=True)
class Summary:
    """The metrics of a run.

    Attributes
    ----------
    values : dict
        A finite number or None for every key of `KEYS`. Keys ending in ``_pct`` are percent,
        in ``_s`` seconds; money is in account currency; everything else is a plain ratio.
    reasons : dict
        For each None, why there is no value.
    metrics_version : str
        Which definitions were used.
    """

    values: dict[str, float | int | None]
    reasons: dict[str, str]
    metrics_version: str = METRICS_VERSION


def summarise(
    *,
    ts: NDArray[np.int64],
    equity: NDArray[np.float64],
    trades: NDArray[Any],
    position: NDArray[np.float64],
    close: NDArray[np.float64],
    initial_cash: float,
    periods_per_year: float,
    benchmark: NDArray[np.float64] | None = None,
    session_ids: NDArray[np.integer] | None = None,
) -> Summary:
    """Compute every metric of a run.

    Parameters
    ----------
    ts : array of int64, shape (n,)
        Bar-open times, UTC nanoseconds, increasing.
    equity, position, close : array of float64, shape (n,)
        Marked to market at each close; signed units held; close of the traded instrument.
    trades : structured array
        Closed trades with the fields ``quantity entry_price exit_price pnl return commission
        slippage``, in the order of their exits.
    initial_cash : float
        What the run started with.
    periods_per_year : float
        Bars a year: 252 for daily bars of shares. Where bars are shorter than a session,
        returns are those of whole sessions and this is divided by the usual (median) number of
        bars a session.
    benchmark : array of float64, shape (n,), optional
        Prices to measure alpha, beta and the information ratio against.
    session_ids : array of int, shape (n,), optional
        Equal for the bars of one session of the exchange; without it days are UTC's.

    Returns
    -------
    Summary
        Never NaN or infinite: what is undefined is None and has a reason.

    Raises
    ------
    InvalidInput
        If the arrays differ in length.
    """
    _lengths_check(
        {
            "ts": ts,
            "equity": equity,
            "position": position,
            "close": close,
            "benchmark": ts if benchmark is None else benchmark,
            "session_ids": ts if session_ids is None else session_ids,
        }
    )
    if len(ts) == 0:
        empty: dict[str, Value] = dict.fromkeys(KEYS, Undefined("there are no bars"))
        return _summary_build(empty | {"trades": 0, "periods_per_year": periods_per_year})
    places, periods = _periods_find(ts, session_ids, periods_per_year)
    curve = curve_measure(ts, equity)
    span_ns = int(ts[-1]) - int(ts[0])
    final = float(equity[-1])
    held = returns.total_return(float(close[0]), float(close[-1]))
    earned = simple_returns(equity[places])
    market = None if benchmark is None else benchmark[places]
    return _summary_build(
        {
            "periods_per_year": periods,
            "exposure_pct": scaled(trade_statistics.exposure(position), PERCENT),
            "buy_hold_return_pct": scaled(held, PERCENT),
            **_of_equity(curve, initial_cash=initial_cash, final=final, span_ns=span_ns),
            **_of_returns(earned, periods),
            **_of_benchmark(earned, market, periods),
            **_of_trades(trades, mean_equity=curve.mean, span_ns=span_ns),
        }
    )


def _lengths_check(arrays: Mapping[str, NDArray[Any]]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        message = f"The series of a run must have one length, but have {lengths}."
        raise InvalidInput(message, details=[Detail("equity", "length", message, None, lengths)])


def _periods_find(
    ts: NDArray[np.int64], session_ids: NDArray[np.integer] | None, periods_per_year: float
) -> tuple[NDArray[np.int64] | slice, float]:
    """Return which bars end a return period, and how many such periods a year has.

    The first bar is always among them: returns start from its close, before which nothing can
    have been traded.
    """
    ends = period_ends(ts, session_ids)
    if len(ends) == len(ts):
        return slice(None), periods_per_year
    bars_a_session = float(np.median(np.diff(ends, prepend=-1)))
    if bars_a_session <= 1.0:
        return slice(None), periods_per_year
    if ends[0] > 0:
        ends = np.concatenate(([0], ends))
    return ends, periods_per_year / bars_a_session


def _of_equity(
    curve: Curve, *, initial_cash: float, final: float, span_ns: int
) -> dict[str, Value]:
    """Return the metrics of the curve itself, bar by bar."""
    growth = returns.cagr(initial_cash, final, span_ns)
    return {
        "total_return_pct": scaled(returns.total_return(initial_cash, final), PERCENT),
        "cagr_pct": scaled(growth, PERCENT),
        "calmar": ratios.calmar(growth, curve.depth),
        "max_drawdown_pct": scaled(curve.depth, PERCENT),
        "max_drawdown_duration_s": curve.longest_s,
        "max_drawdown_recovered": curve.recovered,
        "ulcer_index_pct": scaled(curve.ulcer, PERCENT),
        "final_equity": final,
        "peak_equity": curve.peak,
    }


def _of_returns(earned: NDArray[np.float64] | Undefined, periods: float) -> dict[str, Value]:
    """Return the metrics of the distribution of returns."""
    if isinstance(earned, Undefined):
        return dict.fromkeys(_RETURN_KEYS, earned)
    value_at_risk, expected_shortfall = returns.tail_losses(earned)
    of = moments(earned)
    return {
        "annual_volatility_pct": scaled(returns.annual_volatility(of, periods), PERCENT),
        "sharpe": ratios.sharpe(of, periods),
        "sortino": ratios.sortino(of, periods),
        "omega": ratios.omega(of),
        "var_95_pct": scaled(value_at_risk, PERCENT),
        "cvar_95_pct": scaled(expected_shortfall, PERCENT),
        "skew": returns.skew(of),
        "kurtosis": returns.kurtosis(of),
    }


def _of_benchmark(
    earned: NDArray[np.float64] | Undefined, prices: NDArray[np.float64] | None, periods: float
) -> dict[str, Value]:
    """Return the metrics against a benchmark."""
    if prices is None:
        return dict.fromkeys(_BENCHMARK_KEYS, Undefined("there is no benchmark"))
    market = simple_returns(prices, of="the benchmark")
    if isinstance(earned, Undefined):
        return dict.fromkeys(_BENCHMARK_KEYS, earned)
    if isinstance(market, Undefined):
        return dict.fromkeys(_BENCHMARK_KEYS, market)
    return {
        "alpha_pct": scaled(against.alpha(earned, market, periods), PERCENT),
        "beta": against.beta(earned, market),
        "information_ratio": against.information_ratio(earned, market, periods),
    }


def _of_trades(trades: NDArray[Any], *, mean_equity: float, span_ns: int) -> dict[str, Value]:
    """Return the metrics of closed trades."""
    pnl = np.ascontiguousarray(trades["pnl"])
    fractions = np.ascontiguousarray(trades["return"])
    traded = trades["quantity"] * (trades["entry_price"] + trades["exit_price"])
    return {
        "trades": len(trades),
        "winrate_pct": scaled(trade_statistics.winrate(pnl), PERCENT),
        "profit_factor": trade_statistics.profit_factor(pnl),
        "payoff": trade_statistics.payoff(pnl),
        "expectancy_pct": scaled(trade_statistics.expectancy(fractions), PERCENT),
        "avg_trade_pct": scaled(trade_statistics.average_trade(fractions), PERCENT),
        "best_trade_pct": scaled(trade_statistics.best_trade(fractions), PERCENT),
        "worst_trade_pct": scaled(trade_statistics.worst_trade(fractions), PERCENT),
        "max_consecutive_losses": trade_statistics.max_consecutive_losses(pnl),
        "sqn": trade_statistics.sqn(pnl),
        "kelly": trade_statistics.kelly(pnl),
        "commission_paid": float(trades["commission"].sum()),
        "slippage_paid": float(trades["slippage"].sum()),
        "turnover": trade_statistics.turnover(float(np.abs(traded).sum()), mean_equity, span_ns),
    }


def _summary_build(found: Mapping[str, Value]) -> Summary:
    """Part what was found into values and reasons, in the order of `KEYS`."""
    values: dict[str, float | int | None] = {}
    reasons: dict[str, str] = {}
    for key in KEYS:
        value = checked(found[key])
        if isinstance(value, Undefined):
            values[key] = None
            reasons[key] = value.reason
        else:
            values[key] = value
    return Summary(values=values, reasons=reasons)
