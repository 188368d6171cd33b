"""All metrics of one run, by the keys that the API, the database and reports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.metrics import measures
from core.metrics.drawdown import curve_measure
from core.metrics.keys import KEYS
from core.metrics.periods import periods_find
from core.metrics.returns import simple_returns, total_return
from core.metrics.value import Undefined, Value, not_finite, scaled
from core.metrics.version import METRICS_VERSION


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
    fills: NDArray[Any] | None = None,
    trials: int = 1,
    trials_deviation: float | None = None,
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
        slippage``, in the order of their exits. Durations need ``entry_ts exit_ts`` too, and
        excursions ``mae mfe``.
    initial_cash : float
        What the run started with.
    periods_per_year : float
        Bars a year: 252 for daily bars of shares. Where bars are shorter than a session,
        returns are those of whole sessions and this is divided by the usual (median) number of
        bars a session.
    benchmark : array of float64, shape (n,), optional
        Prices to measure alpha, beta and so on against; without it `close`, which is to buy and
        hold the traded instrument.
    session_ids : array of int, shape (n,), optional
        Equal for the bars of one session of the exchange; without it days are UTC's.
    fills : structured array, optional
        Every execution, with ``quantity price commission slippage``: what turnover and costs are
        computed from. Without it they cover closed trades only.
    trials : int
        How many configurations were ever tried for the strategy, this one included.
    trials_deviation : float, optional
        Standard deviation of their Sharpe ratios per period; see `deflated_sharpe`.

    Returns
    -------
    Summary
        Never NaN or infinite: what is undefined is None and has a reason.

    Raises
    ------
    InvalidInput
        If the arrays differ in length.
    """
    prices = close if benchmark is None else benchmark
    _lengths_check(
        {
            "ts": ts,
            "equity": equity,
            "position": position,
            "close": close,
            "benchmark": prices,
            "session_ids": ts if session_ids is None else session_ids,
        }
    )
    given: dict[str, Value] = {"sharpe_trials": trials, "periods_per_year": periods_per_year}
    if len(ts) == 0:
        empty: dict[str, Value] = dict.fromkeys(KEYS, Undefined("there are no bars"))
        return summary_build(empty | given | {"trades": 0}, KEYS)
    places, periods = periods_find(ts, session_ids, periods_per_year)
    curve = curve_measure(ts, equity)
    span_ns = int(ts[-1]) - int(ts[0])
    final = float(equity[-1])
    mean = curve.mean
    earned = mean if isinstance(mean, Undefined) else simple_returns(equity[places])
    market = simple_returns(prices[places], of="the benchmark")
    return summary_build(
        {
            **given,
            "periods_per_year": periods,
            "benchmark_return_pct": _held(prices),
            "buy_hold_return_pct": _held(close),
            **measures.measure_equity(
                curve, initial_cash=initial_cash, final=final, span_ns=span_ns
            ),
            **measures.measure_returns(
                earned, periods, trials=trials, trials_deviation=trials_deviation
            ),
            **measures.measure_benchmark(earned, market, periods),
            **measures.measure_trades(trades),
            **measures.measure_activity(position, trades, fills, mean_equity=mean, span_ns=span_ns),
        },
        KEYS,
    )


def summary_build(found: Mapping[str, Value], keys: Sequence[str]) -> Summary:
    """Part what was found into values and reasons, in the order of `keys`."""
    values: dict[str, float | int | None] = {}
    reasons: dict[str, str] = {}
    for key in keys:
        value = found[key]
        if not isinstance(value, Undefined):
            if isfinite(value):
                values[key] = value
                continue
            value = not_finite(value)
        values[key] = None
        reasons[key] = value.reason
    return Summary(values=values, reasons=reasons)


def _held(prices: NDArray[np.float64]) -> Value:
    """Return what it brought to hold from the first close to the last, in percent."""
    first = float(prices[0])
    if first <= 0.0:
        return Undefined("the first price is zero or below")
    return scaled(total_return(first, float(prices[-1])), measures.PERCENT)


def _lengths_check(arrays: Mapping[str, NDArray[Any]]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        message = f"The series of a run must have one length, but have {lengths}."
        raise InvalidInput(message, details=[Detail("equity", "length", message, None, lengths)])
