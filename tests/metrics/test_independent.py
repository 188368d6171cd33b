"""The same numbers from quantstats, wherever it means the same by a name."""

from __future__ import annotations

import warnings
from math import sqrt

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import quantstats.stats as qs

from core.metrics.calendar_returns import monthly_returns, yearly_returns
from core.metrics.drawdown import worst_drawdowns
from core.metrics.periods import session_returns
from core.metrics.rolling import rolling_beta, rolling_sharpe, rolling_volatility
from core.metrics.summary import summarise

pytestmark = pytest.mark.filterwarnings("ignore")
COUNT = 900


@pytest.fixture(scope="module", params=[1, 2, 3])
def run(request, make_run):
    rng = np.random.default_rng(request.param)
    close = 50.0 * np.exp(np.cumsum(np.append(0.0, rng.normal(2e-4, 0.012, COUNT - 1))))
    noise = np.cumsum(np.append(0.0, rng.normal(1e-4, 0.006, COUNT - 1)))
    equity = 100.0 * (close / close[0]) ** 0.4 * np.exp(noise)
    return make_run(equity, rng.normal(0.3, 4.0, 80), close=close)


@pytest.fixture(scope="module")
def values(run):
    summary = summarise(**run)
    return dict(summary.values)


def series(run, key):
    return pd.Series(run[key], pd.to_datetime(run["ts"])).pct_change().dropna()


def test_ratios_of_returns_agree(run, values):
    earned = series(run, "equity")
    assert values["annual_volatility_pct"] == pytest.approx(100.0 * qs.volatility(earned))
    assert values["sharpe"] == pytest.approx(qs.sharpe(earned))
    assert values["sortino"] == pytest.approx(qs.sortino(earned))
    assert values["omega"] == pytest.approx(qs.omega(earned))
    assert values["tail_ratio"] == pytest.approx(qs.tail_ratio(earned))


def test_moments_agree_after_the_correction_for_bias(run, values):
    earned = series(run, "equity")
    n = len(earned)
    skew = values["skew"] * sqrt(n * (n - 1)) / (n - 2)
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (values["kurtosis"] - 3.0) + 6.0)
    assert skew == pytest.approx(qs.skew(earned))
    assert excess == pytest.approx(qs.kurtosis(earned))


def test_drawdowns_agree(run, values):
    earned = series(run, "equity")
    assert values["max_drawdown_pct"] == pytest.approx(100.0 * qs.max_drawdown(earned))
    ulcer = values["ulcer_index_pct"] / 100.0 * sqrt(COUNT / (COUNT - 2))  # n of equity, n - 1 of r
    assert ulcer == pytest.approx(qs.ulcer_index(earned))
    theirs = qs.drawdown_details(qs.to_drawdown_series(earned))
    assert values["drawdowns"] == len(theirs)
    depths = theirs["max drawdown"].astype(float)
    assert values["avg_drawdown_pct"] == pytest.approx(depths.mean())
    ours = [fall.depth * 100.0 for fall in worst_drawdowns(run["ts"], run["equity"], count=10**6)]
    assert ours == pytest.approx(sorted(depths))


def test_figures_against_a_benchmark_agree(run, values):
    earned, market = series(run, "equity"), series(run, "close")
    greeks = qs.greeks(earned, market, periods=252)
    assert values["beta"] == pytest.approx(greeks["beta"])
    assert values["alpha_pct"] == pytest.approx(100.0 * greeks["alpha"])
    assert values["correlation"] ** 2 == pytest.approx(qs.r_squared(earned, market))
    ratio = qs.information_ratio(earned, market)
    assert values["information_ratio"] == pytest.approx(ratio * sqrt(252.0))


def test_trades_agree(run, values):
    pnl = pd.Series(run["trades"]["pnl"])
    assert values["winrate_pct"] == pytest.approx(100.0 * qs.win_rate(pnl, prepare_returns=False))
    factor = qs.profit_factor(pnl, prepare_returns=False)
    assert values["profit_factor"] == pytest.approx(factor)
    assert values["payoff"] == pytest.approx(qs.payoff_ratio(pnl, prepare_returns=False))
    assert values["kelly"] == pytest.approx(qs.kelly_criterion(pnl, prepare_returns=False))
    wins = qs.consecutive_wins(pnl, prepare_returns=False)
    losses = qs.consecutive_losses(pnl, prepare_returns=False)
    assert (values["max_consecutive_wins"], values["max_consecutive_losses"]) == (wins, losses)


def test_rolling_series_agree(run):
    found = session_returns(ts=run["ts"], values=run["equity"], periods_per_year=252.0)
    held = session_returns(ts=run["ts"], values=run["close"], periods_per_year=252.0)
    earned, market = series(run, "equity"), series(run, "close")
    of = {"window": 63, "periods_per_year": 252.0}
    volatility = rolling_volatility(found.returns, **of)
    np.testing.assert_allclose(volatility, qs.rolling_volatility(earned, 63), rtol=1e-8)
    sharpe = rolling_sharpe(found.returns, **of)
    np.testing.assert_allclose(sharpe, qs.rolling_sharpe(earned, rolling_period=63), rtol=1e-8)
    beta = rolling_beta(found.returns, held.returns, window=63)
    theirs = qs.rolling_greeks(earned, market, 63)["beta"]
    np.testing.assert_allclose(beta, theirs, rtol=1e-8)
    assert found.ts.tolist() == [int(when.value) for when in earned.index.as_unit("ns")]


def test_months_and_years_agree(run):
    table = qs.monthly_returns(series(run, "equity"))
    of = {"ts": run["ts"], "equity": run["equity"], "initial": float(run["equity"][0])}
    names = dict(enumerate(table.columns[:12], start=1))
    for month in monthly_returns(**of):
        assert month.value == pytest.approx(table.loc[str(month.year), names[month.month]])
    for year in yearly_returns(**of):
        assert year.value == pytest.approx(table.loc[str(year.year), "EOY"])
