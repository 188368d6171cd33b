"""Runs at the edge, through the engine: every key has a number worked out by hand, or a reason."""

from __future__ import annotations

import re
from math import isfinite, sqrt
from pathlib import Path

import numpy as np
import pytest

from core.engine.program import Size, SizeKind
from core.metrics.keys import KEYS
from core.metrics.summary import summarise
from tests.engine.scenario import close, flat, long, play

TEN = {"size": Size(SizeKind.UNITS, 10)}
DAY_S = 86_400.0
COUNT = 30
WAVE = [100.0 + step for step in (0, 1, 3, 2, 4, 3, 5, 7, 6, 8)] * 3
RISE = [100.0 + step for step in range(COUNT)]
FALL = [100.0, 100.0, 90.0, 80.0, 60.0, 40.0, *[30.0] * 24]

NO_TRADES = "there were no trades"
NO_LOSER = "there was no losing trade"
NO_WINNER = "there was no winning trade"
NO_FALL = "there was no drawdown"
NO_LOSS = "there was no losing period"
STILL = "the returns do not vary"
RUIN = "equity fell to zero or below, and a return on that means nothing"

OF_TRADES = (
    *("winrate_pct", "profit_factor", "payoff", "expectancy", "expectancy_pct", "avg_trade_pct"),
    *("avg_win", "avg_loss", "best_trade_pct", "worst_trade_pct", "max_consecutive_wins"),
    *("max_consecutive_losses", "sqn", "kelly", "avg_trade_duration_s", "min_trade_duration_s"),
    *("max_trade_duration_s", "avg_mae_pct", "worst_mae_pct", "avg_mfe_pct", "best_mfe_pct"),
    "edge_ratio",
)
OF_FALLS = (
    *("max_drawdown_recovered", "longest_drawdown_recovered", "avg_drawdown_pct"),
    *("avg_drawdown_duration_s", "calmar"),
)
OF_SHAPE = (
    *("sharpe", "skew", "kurtosis", "probabilistic_sharpe", "deflated_sharpe"),
    *("min_track_record_periods", "correlation"),
)
OF_RETURNS = (
    *("annual_volatility_pct", "sortino", "omega", "var_95_pct", "cvar_95_pct", "tail_ratio"),
    *("alpha_pct", "beta", "tracking_error_pct", "information_ratio", "return_periods"),
)
NOTHING_LOST = dict.fromkeys(OF_FALLS, NO_FALL) | dict.fromkeys(("sortino", "omega"), NO_LOSS)
NOTHING_MOVED = (
    NOTHING_LOST
    | dict.fromkeys(OF_SHAPE, STILL)
    | {"tail_ratio": "the 5 % quantile is zero"}
)  # fmt: skip
ONLY_WINNERS = dict.fromkeys(("profit_factor", "payoff", "avg_loss", "kelly"), NO_LOSER)
ALWAYS = {"sharpe_trials": 1, "periods_per_year": 252.0, "commission_paid": 0, "slippage_paid": 0}
AT_REST = {
    "total_return_pct": 0, "cagr_pct": 0, "annual_volatility_pct": 0, "max_drawdown_pct": 0,
    "max_drawdown_duration_s": 0, "drawdowns": 0, "ulcer_index_pct": 0, "var_95_pct": 0,
    "cvar_95_pct": 0, "final_equity": 10_000, "peak_equity": 10_000, "return_periods": 29,
    "exposure_short_pct": 0,
}  # fmt: skip


def rates_of(prices):
    return np.diff(prices) / np.array(prices[:-1])


def checked(prices, *signals, values, reasons, measured=(), **config):
    """Demand these numbers and reasons of a run, and that every other key is among `measured`."""
    bars = flat(*prices)
    result = play(bars, *signals, **config)
    summary = summarise(
        ts=bars.ts, equity=result.equity, trades=result.trades, position=result.position,
        close=bars.close, initial_cash=10_000.0, periods_per_year=252.0, fills=result.fills,
    )  # fmt: skip
    assert summary.reasons == reasons
    assert {key: summary.values[key] for key in values} == pytest.approx(values)
    assert set(KEYS) == {*values, *reasons, *measured}
    assert all(isfinite(summary.values[key]) for key in measured)


def test_without_trades():
    excess = -rates_of(WAVE)
    checked(
        WAVE,
        reasons=NOTHING_MOVED | dict.fromkeys(OF_TRADES, NO_TRADES),
        values=ALWAYS | AT_REST | {
            "trades": 0, "exposure_pct": 0, "exposure_long_pct": 0, "turnover": 0,
            "alpha_pct": 0, "beta": 0, "benchmark_return_pct": 8, "buy_hold_return_pct": 8,
            "tracking_error_pct": 100 * excess.std(ddof=1) * sqrt(252),
            "information_ratio": excess.mean() / excess.std(ddof=1) * sqrt(252),
        },
    )  # fmt: skip


def test_with_a_flat_curve():
    still = "the benchmark does not vary"
    checked(
        [100.0] * COUNT, long(0, **TEN), close(5),
        reasons=NOTHING_MOVED | ONLY_WINNERS | {
            "avg_win": NO_WINNER, "sqn": "there are fewer than two trades",
            "edge_ratio": "no trade ever stood at a loss", "alpha_pct": still, "beta": still,
            "correlation": still,
            "information_ratio": "the excess over the benchmark does not vary",
        },
        values=ALWAYS | AT_REST | {
            "trades": 1, "exposure_pct": 100 * 5 / 30, "exposure_long_pct": 100 * 5 / 30,
            "winrate_pct": 0, "expectancy": 0, "expectancy_pct": 0, "avg_trade_pct": 0,
            "best_trade_pct": 0, "worst_trade_pct": 0, "max_consecutive_wins": 0,
            "max_consecutive_losses": 0, "avg_trade_duration_s": 5 * DAY_S,
            "min_trade_duration_s": 5 * DAY_S, "max_trade_duration_s": 5 * DAY_S,
            "avg_mae_pct": 0, "worst_mae_pct": 0, "avg_mfe_pct": 0, "best_mfe_pct": 0,
            "tracking_error_pct": 0, "benchmark_return_pct": 0, "buy_hold_return_pct": 0,
            "turnover": 2_000 / 10_000 * 365.25 / 29,
        },
    )  # fmt: skip


def test_with_one_trade():
    """Ten units from 101 to 105; on the way from 10,020 to 10,010 twice."""
    gain = 100 * 4 / 101
    years = 29 / 365.25
    falls = -np.array([10 / 10_020, 10 / 10_030]) * 100
    checked(
        WAVE, long(0, **TEN), close(5),
        reasons=ONLY_WINNERS | {
            "sqn": "there are fewer than two trades", "edge_ratio": "no trade ever stood at a loss",
        },
        values=ALWAYS | {
            "total_return_pct": 0.4, "cagr_pct": 100 * (1.004 ** (1 / years) - 1),
            "calmar": 100 * (1.004 ** (1 / years) - 1) / -falls.min(),
            "max_drawdown_pct": falls.min(), "max_drawdown_duration_s": 2 * DAY_S,
            "max_drawdown_recovered": 1, "longest_drawdown_recovered": 1, "drawdowns": 2,
            "avg_drawdown_pct": falls.mean(), "avg_drawdown_duration_s": 2 * DAY_S,
            "ulcer_index_pct": sqrt((falls**2).sum() / COUNT),
            "exposure_pct": 100 * 5 / 30, "exposure_long_pct": 100 * 5 / 30,
            "exposure_short_pct": 0, "trades": 1, "winrate_pct": 100, "expectancy": 40,
            "expectancy_pct": gain, "avg_trade_pct": gain, "avg_win": 40, "best_trade_pct": gain,
            "worst_trade_pct": gain, "max_consecutive_wins": 1, "max_consecutive_losses": 0,
            "avg_trade_duration_s": 5 * DAY_S, "min_trade_duration_s": 5 * DAY_S,
            "max_trade_duration_s": 5 * DAY_S, "avg_mae_pct": 0, "worst_mae_pct": 0,
            "avg_mfe_pct": gain, "best_mfe_pct": gain, "benchmark_return_pct": 8,
            "buy_hold_return_pct": 8, "final_equity": 10_040, "peak_equity": 10_040,
            "return_periods": 29,
        },
        measured={
            *OF_SHAPE, *OF_RETURNS, "turnover",
        } - {"return_periods"},
    )  # fmt: skip


def test_with_winners_alone():
    """Three trades that made 30 each, from 101, 106 and 111."""
    gains = 100 * np.array([30 / 1_010, 30 / 1_060, 30 / 1_110])
    checked(
        RISE, long(0, 5, 10, **TEN), close(3, 8, 13),
        reasons=NOTHING_LOST | ONLY_WINNERS | {
            "sqn": "all trades made the same", "tail_ratio": "the 5 % quantile is zero",
            "edge_ratio": "no trade ever stood at a loss",
        },
        values=ALWAYS | {
            "total_return_pct": 0.9, "cagr_pct": 100 * (1.009 ** (365.25 / 29) - 1),
            "max_drawdown_pct": 0, "max_drawdown_duration_s": 0, "drawdowns": 0,
            "ulcer_index_pct": 0, "var_95_pct": 0, "cvar_95_pct": 0, "exposure_pct": 30,
            "exposure_long_pct": 30, "exposure_short_pct": 0, "trades": 3, "winrate_pct": 100,
            "expectancy": 30, "expectancy_pct": gains.mean(),
            "avg_trade_pct": 100 * (np.prod(1 + gains / 100) ** (1 / 3) - 1), "avg_win": 30,
            "best_trade_pct": gains.max(), "worst_trade_pct": gains.min(),
            "max_consecutive_wins": 3, "max_consecutive_losses": 0,
            "avg_trade_duration_s": 3 * DAY_S, "min_trade_duration_s": 3 * DAY_S,
            "max_trade_duration_s": 3 * DAY_S, "avg_mae_pct": 0, "worst_mae_pct": 0,
            "avg_mfe_pct": gains.mean(), "best_mfe_pct": gains.max(), "benchmark_return_pct": 29,
            "buy_hold_return_pct": 29, "final_equity": 10_090, "peak_equity": 10_090,
            "return_periods": 29,
        },
        measured={
            *OF_SHAPE, *OF_RETURNS, "turnover",
        } - {"return_periods", "sortino", "omega", "var_95_pct", "cvar_95_pct", "tail_ratio"},
    )  # fmt: skip


def test_in_ruin():
    """Two hundred units from 100 to 40 with 10,000 of one's own: a debt of 2,000."""
    falls = np.array([0, 0, 20, 40, 80, *[120] * 25])
    checked(
        FALL, long(0), margin=0.5,
        reasons=dict.fromkeys((*OF_SHAPE, *OF_RETURNS), RUIN)
        | dict.fromkeys(("payoff", "kelly", "avg_win"), NO_WINNER)
        | dict.fromkeys(("cagr_pct", "calmar"), "nothing was left at the end")
        | {
            "sqn": "there are fewer than two trades",
            "turnover": "the mean equity is not above zero",
        },
        values=ALWAYS | {
            "total_return_pct": -120, "max_drawdown_pct": -120, "max_drawdown_recovered": 0,
            "max_drawdown_duration_s": 28 * DAY_S, "longest_drawdown_recovered": 0, "drawdowns": 1,
            "avg_drawdown_pct": -120, "avg_drawdown_duration_s": 28 * DAY_S,
            "ulcer_index_pct": sqrt((falls**2).mean()), "exposure_pct": 100 * 4 / 30,
            "exposure_long_pct": 100 * 4 / 30, "exposure_short_pct": 0, "trades": 1,
            "winrate_pct": 0, "profit_factor": 0, "expectancy": -12_000, "expectancy_pct": -60,
            "avg_trade_pct": -60, "avg_loss": -12_000, "best_trade_pct": -60,
            "worst_trade_pct": -60, "max_consecutive_wins": 0, "max_consecutive_losses": 1,
            "avg_trade_duration_s": 4 * DAY_S, "min_trade_duration_s": 4 * DAY_S,
            "max_trade_duration_s": 4 * DAY_S, "avg_mae_pct": -60, "worst_mae_pct": -60,
            "avg_mfe_pct": 0, "best_mfe_pct": 0, "edge_ratio": 0, "benchmark_return_pct": -70,
            "buy_hold_return_pct": -70, "final_equity": -2_000, "peak_equity": 10_000,
        },
    )  # fmt: skip


def documented():
    """Return the lines of docs/metrics.md that are rows of tables, as cells."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_key_has_a_row_of_its_own_and_no_other_has_one():
    names = [row[0].strip("`") for row in documented() if re.fullmatch("`[a-z0-9_]+`", row[0])]
    assert sorted(names) == sorted(KEYS)
    assert all(row[1] for row in documented())


def test_every_key_has_one_unit():
    start = next(n for n, row in enumerate(documented()) if row[0] == "unit")
    told = dict(documented()[start + 2 : start + 11])
    assert list(told)[:2] == ["percent", "seconds"]
    named = [key for keys in list(told.values())[2:] for key in re.findall("`([a-z0-9_]+)`", keys)]
    by_name = [key for key in KEYS if key.endswith(("_pct", "_s"))]
    assert sorted(named + by_name) == sorted(KEYS)
