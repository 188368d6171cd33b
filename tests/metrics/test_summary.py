"""The whole summary: hand-made runs, sessions, degenerate runs, and an independent computation."""

from __future__ import annotations

import json
from math import isfinite, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.metrics.keys import BENCHMARK_KEYS, HOLDING_KEYS, KEYS, STATISTIC_KEYS
from core.metrics.summary import summarise
from core.metrics.version import METRICS_VERSION

DAY = 86_400_000_000_000
HOUR = DAY // 24
FROM_SHAPE = {
    "skew",
    "kurtosis",
    "probabilistic_sharpe",
    "deflated_sharpe",
    "min_track_record_periods",
}
FROM_TAIL = {"var_95_pct", "cvar_95_pct", "tail_ratio"}
FROM_RETURNS = {"annual_volatility_pct", "sharpe", "sortino", "omega"} | FROM_SHAPE | FROM_TAIL
FROM_TRADES = set(STATISTIC_KEYS)
FROM_HOLDING = set(HOLDING_KEYS)  # the trades of these runs do not say when they were open
FROM_VARIATION = FROM_RETURNS - FROM_TAIL - {"annual_volatility_pct"}
FROM_RUIN = FROM_RETURNS | {"cagr_pct", "calmar", "payoff", "kelly", "sqn", "avg_trade_pct"}
FROM_RUIN |= {"return_periods", "avg_win"}
FROM_BENCHMARK = set(BENCHMARK_KEYS)
FROM_FALL = {
    "max_drawdown_recovered",
    "longest_drawdown_recovered",
    "avg_drawdown_pct",
    "avg_drawdown_duration_s",
}


def checked(summary):
    """Return the summary after what must hold for every one."""
    assert tuple(summary.values) == KEYS
    assert set(summary.reasons) == {key for key, value in summary.values.items() if value is None}
    for value in summary.values.values():
        assert value is None or (type(value) in {int, float} and isfinite(value))
    json.dumps(summary.values, allow_nan=False)
    return summary


def test_a_small_run_has_the_numbers_one_works_out_by_hand(make_run):
    run = make_run([100.0, 110.0, 99.0, 121.0], [10.0, -11.0, 22.0])
    values = checked(summarise(**run)).values
    rates = np.array([0.1, -0.1, 22.0 / 99.0])
    expected = {
        "total_return_pct": 21.0,
        "cagr_pct": 100.0 * (1.21 ** (365.25 / 3.0) - 1.0),
        "annual_volatility_pct": 100.0 * rates.std(ddof=1) * sqrt(252.0),
        "sharpe": rates.mean() / rates.std(ddof=1) * sqrt(252.0),
        "max_drawdown_pct": -10.0,
        "max_drawdown_duration_s": 2 * 86_400.0,
        "max_drawdown_recovered": 1,
        "exposure_pct": 100.0,
        "trades": 3,
        "winrate_pct": 200.0 / 3.0,
        "profit_factor": 32.0 / 11.0,
        "payoff": 16.0 / 11.0,
        "expectancy_pct": 7.0,
        "best_trade_pct": 22.0,
        "worst_trade_pct": -11.0,
        "max_consecutive_losses": 1,
        "max_consecutive_wins": 1,
        "expectancy": 7.0,
        "avg_win": 16.0,
        "avg_loss": -11.0,
        "drawdowns": 1,
        "avg_drawdown_pct": -10.0,
        "avg_drawdown_duration_s": 2 * 86_400.0,
        "longest_drawdown_recovered": 1,
        "exposure_long_pct": 100.0,
        "exposure_short_pct": 0.0,
        "return_periods": 3,
        "sharpe_trials": 1,
        "benchmark_return_pct": 20.0,
        "commission_paid": 0.75,
        "slippage_paid": 0.375,
        "turnover": 2 * (105.0 + 94.5 + 111.0) / 107.5 * 365.25 / 3.0,
        "buy_hold_return_pct": 20.0,
        "final_equity": 121.0,
        "peak_equity": 121.0,
        "periods_per_year": 252.0,
    }
    assert {key: values[key] for key in expected} == pytest.approx(expected)
    assert summarise(**run).metrics_version == METRICS_VERSION


def test_shorter_bars_are_resampled_to_sessions(make_run):
    """Three days of four bars: returns 100 -> 104 -> 102 -> 110, the first from the first close."""
    equity = [100, 101, 102, 104, 90, 95, 101, 102, 120, 80, 100, 110]
    run = make_run(equity, step=HOUR * 6, periods_per_year=252.0 * 4)
    values = checked(summarise(**run)).values
    rates = np.array([104 / 100, 102 / 104, 110 / 102]) - 1.0
    assert values["sharpe"] == pytest.approx(rates.mean() / rates.std(ddof=1) * sqrt(252.0))
    assert values["periods_per_year"] == 252.0
    assert values["max_drawdown_pct"] == pytest.approx(-100.0 / 3.0)  # still bar by bar


def test_sessions_of_the_exchange_take_the_place_of_utc_days(make_run):
    """Two sessions of six bars, though the bars lie on three days of UTC."""
    equity = [100, 101, 102, 104, 90, 95, 101, 102, 120, 80, 100, 110]
    ids = np.repeat([7, 8], 6)
    run = make_run(equity, step=HOUR * 6, periods_per_year=252.0 * 6, session_ids=ids)
    values = checked(summarise(**run)).values
    rates = np.array([95 / 100, 110 / 95]) - 1.0
    assert values["sharpe"] == pytest.approx(rates.mean() / rates.std(ddof=1) * sqrt(252.0))
    assert values["periods_per_year"] == 252.0


def test_weekly_bars_keep_the_periods_they_are_given(make_run):
    run = make_run([100.0, 103.0, 101.0], step=7 * DAY, periods_per_year=52.18)
    assert summarise(**run).values["periods_per_year"] == 52.18


def test_a_run_that_is_its_benchmark_has_beta_one_and_no_alpha(make_run):
    equity = np.array([100.0, 110.0, 99.0, 121.0])
    values = checked(summarise(**make_run(equity, benchmark=equity * 3.0))).values
    assert values["beta"] == pytest.approx(1.0)
    assert values["alpha_pct"] == pytest.approx(0.0, abs=1e-9)
    assert values["information_ratio"] is None


def test_without_a_benchmark_it_is_to_buy_and_hold(make_run):
    run = make_run(np.array([100.0, 104.0, 99.0, 121.0]))
    run["close"] = np.array([50.0, 55.0, 54.0, 60.0])
    assert summarise(**run) == summarise(**run, benchmark=run["close"])
    values = summarise(**run, benchmark=np.array([10.0, 11.0, 10.5, 11.0])).values
    assert values["benchmark_return_pct"] == pytest.approx(10.0)
    assert values["buy_hold_return_pct"] == pytest.approx(20.0)


def test_a_run_that_is_its_benchmark_but_for_rounding_has_no_information_ratio(make_run):
    rng = np.random.default_rng(2)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 500)))
    run = make_run(close * 0.3 + 7.0 - 7.0) | {"close": close}
    values = checked(summarise(**run)).values
    assert values["information_ratio"] is None
    assert values["tracking_error_pct"] == 0.0


def test_costs_and_turnover_cover_every_fill(make_run):
    """One closed trade, and a purchase that is still open at the end."""
    fills = np.zeros(3, [(name, "f8") for name in ("quantity", "price", "commission", "slippage")])
    fills["quantity"], fills["price"] = [2.0, 2.0, 3.0], [50.0, 55.0, 60.0]
    fills["commission"], fills["slippage"] = 0.5, 0.25
    run = make_run([100.0, 110.0, 108.0, 110.0], [10.0])
    values = checked(summarise(**run, fills=fills)).values
    assert (values["commission_paid"], values["slippage_paid"]) == (1.5, 0.75)
    expected = (100.0 + 110.0 + 180.0) / 107.0 * 365.25 / 3.0
    assert values["turnover"] == pytest.approx(expected)
    assert summarise(**run).values["commission_paid"] == 0.25


def test_trials_deflate_the_sharpe_ratio(make_run):
    rng = np.random.default_rng(4)
    equity = 100.0 * np.cumprod(1.0 + rng.normal(0.002, 0.01, 250))
    one = summarise(**make_run(equity)).values
    many = summarise(**make_run(equity), trials=100).values
    assert one["deflated_sharpe"] == one["probabilistic_sharpe"] == many["probabilistic_sharpe"]
    assert many["deflated_sharpe"] < one["deflated_sharpe"]
    assert many["sharpe_trials"] == 100
    alike = summarise(**make_run(equity), trials=100, trials_deviation=0.0).values
    assert alike["deflated_sharpe"] == one["deflated_sharpe"]


def test_what_is_no_number_leaves_what_does_not_depend_on_it(make_run):
    equity = np.array([100.0, 110.0, 99.0, 121.0])
    broken = checked(summarise(**make_run(np.append(equity, [np.nan, 120.0]), [1.0, -2.0])))
    for key in ("sharpe", "max_drawdown_pct", "cagr_pct", "total_return_pct", "beta", "turnover"):
        assert broken.reasons[key] == "equity is not a finite number at every bar"
    assert broken.values["winrate_pct"] == 50.0
    trades = checked(summarise(**make_run(equity, [1.0, np.nan])))
    assert trades.reasons["sqn"] == "the profit of a trade is not a finite number"
    assert trades.values["sharpe"] == summarise(**make_run(equity)).values["sharpe"]
    close = np.array([50.0, np.inf, 51.0, 52.0])
    market = checked(summarise(**make_run(equity, close=close)))
    assert market.reasons["beta"] == "the benchmark is not a finite number at every bar"
    held = checked(summarise(**make_run(equity, position=np.array([0.0, 1.0, np.nan, 1.0]))))
    assert held.reasons["exposure_pct"] == "the position is not a number at every bar"


def test_a_bar_that_is_no_number_inside_a_session_counts_too(make_run):
    """Two sessions of two bars; the returns would skip the third bar."""
    run = make_run([100.0, 101.0, np.nan, 103.0], step=DAY // 2)
    reasons = checked(summarise(**run)).reasons
    assert reasons["sharpe"] == reasons["peak_equity"] == reasons["max_drawdown_pct"]
    assert reasons["sharpe"] == "equity is not a finite number at every bar"


def test_without_bars_nothing_is_defined_but_the_count_of_trades(make_run):
    summary = checked(summarise(**make_run([])))
    assert {k: v for k, v in summary.values.items() if v is not None} == {
        "trades": 0,
        "sharpe_trials": 1,
        "periods_per_year": 252.0,
    }


@pytest.mark.parametrize(
    ("equity", "pnl", "undefined"),
    [
        # one bar
        ([100.0], [], FROM_RETURNS | FROM_TRADES | {"cagr_pct", "calmar", "turnover"}),
        # two bars: one return
        ([100.0, 101.0], [], FROM_RETURNS | FROM_TRADES | {"calmar"}),
        # a flat curve has no volatility, and that is a number
        (
            [100.0] * 40,
            [],
            FROM_VARIATION | FROM_TRADES | {"calmar", "tail_ratio"},
        ),
        # the same return every day but for rounding
        (
            100.0 * 1.01 ** np.arange(40.0),
            [],
            FROM_VARIATION | FROM_TRADES | {"calmar"},
        ),
        # one trade, won
        (
            [100.0, 90.0, 120.0],
            [20.0],
            {"profit_factor", "payoff", "kelly", "sqn", "avg_loss"} | FROM_TAIL | FROM_SHAPE,
        ),
        # all trades won the same
        (
            [100.0, 90.0, 120.0, 121.0],
            [10.0, 10.0],
            {"profit_factor", "payoff", "kelly", "sqn", "avg_loss"} | FROM_TAIL,
        ),
        # all trades lost
        (
            [100.0, 105.0, 90.0, 91.0],
            [-5.0, -4.0],
            {"payoff", "kelly", "avg_win", "min_track_record_periods"} | FROM_TAIL,
        ),
        # ruin: all is lost, then a debt
        ([100.0, 50.0, 0.0, 0.0], [-100.0], FROM_RUIN),
        ([100.0, 50.0, -30.0, -30.0], [-130.0], FROM_RUIN),
    ],
)
def test_what_a_run_does_not_define_is_none_with_a_reason(make_run, equity, pnl, undefined):
    summary = checked(summarise(**make_run(equity, pnl)))
    missing = set(summary.reasons) - FROM_BENCHMARK - FROM_FALL - FROM_HOLDING
    assert missing == undefined, missing ^ undefined


def test_reasons_say_what_was_missing(make_run):
    reasons = summarise(**make_run([100.0, 50.0, 0.0], [])).reasons
    assert reasons["sharpe"] == "equity fell to zero or below, and a return on that means nothing"
    assert reasons["cagr_pct"] == "nothing was left at the end"
    assert reasons["winrate_pct"] == "there were no trades"
    assert reasons["beta"] == reasons["sharpe"]
    assert reasons["edge_ratio"] == "there were no trades"
    carried = summarise(**make_run([100.0, 101.0], [1.0])).reasons
    assert carried["edge_ratio"] == "the trades carry no excursions"
    assert carried["avg_trade_duration_s"] == "the trades do not say when they were open"


def test_a_ruined_run_keeps_its_total_loss_and_its_drawdown(make_run):
    values = summarise(**make_run([100.0, 50.0, -30.0], [-130.0])).values
    assert values["total_return_pct"] == pytest.approx(-130.0)
    assert values["max_drawdown_pct"] == pytest.approx(-130.0)


def test_series_of_different_lengths_are_refused(make_run):
    run = make_run([100.0, 101.0]) | {"close": np.ones(3)}
    with pytest.raises(InvalidInput, match="'close': 3"):
        summarise(**run)


def test_a_thousand_random_bars_agree_with_an_independent_computation(make_run):
    rng = np.random.default_rng(5)
    equity = 100.0 * np.exp(np.cumsum(np.append(0.0, rng.normal(3e-4, 0.01, 999))))
    pnl = rng.normal(0.5, 4.0, 60)
    values = checked(summarise(**make_run(equity, pnl))).values
    rates = np.diff(equity) / equity[:-1]
    losses = np.where(rates < 0.0, rates, 0.0)
    z = (rates - rates.mean()) / rates.std()
    below = equity / np.maximum.accumulate(equity) - 1.0
    tail = np.sort(rates)
    expected = {
        "sharpe": rates.mean() / rates.std(ddof=1) * sqrt(252),
        "sortino": rates.mean() / sqrt((losses**2).mean()) * sqrt(252),
        "omega": rates[rates > 0].sum() / -losses.sum(),
        "skew": (z**3).mean(),
        "kurtosis": (z**4).mean(),
        "var_95_pct": np.percentile(rates, 5) * 100,
        "cvar_95_pct": tail[: int(998 * 0.05) + 1].mean() * 100,
        "max_drawdown_pct": below.min() * 100,
        "ulcer_index_pct": sqrt((below**2).mean()) * 100,
        "sqn": sqrt(60) * pnl.mean() / pnl.std(ddof=1),
    }
    assert {key: values[key] for key in expected} == pytest.approx(expected, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    equity=st.lists(st.floats(-1e9, 1e12, allow_subnormal=False), max_size=40),
    pnl=st.lists(st.floats(-1e9, 1e9), max_size=12),
    step=st.sampled_from([1, HOUR, DAY, 30 * DAY]),
)
def test_no_run_gives_nan_or_infinity(make_run, equity, pnl, step):
    checked(summarise(**make_run(equity, pnl, step=step)))


@settings(max_examples=50, deadline=None)
@given(scale=st.sampled_from([0.25, 2.0, 1024.0]), seed=st.integers(0, 99))
def test_ratios_do_not_depend_on_the_currency(make_run, scale, seed):
    rng = np.random.default_rng(seed)
    equity = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.02, 50))
    pnl = rng.normal(0.0, 5.0, 9)
    one = summarise(**make_run(equity, pnl)).values
    run = make_run(equity * scale, pnl, initial_cash=100.0 * scale)
    run["trades"]["pnl"] *= scale
    other = summarise(**run).values
    money = {"final_equity", "peak_equity", "turnover", "expectancy", "avg_win", "avg_loss"}
    for key in set(KEYS) - money:
        assert other[key] == (one[key] and pytest.approx(one[key], rel=1e-9)), key


def test_every_key_is_defined_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in text] == []
