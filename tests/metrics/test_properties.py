"""What holds for every series of returns and every list of trades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import distribution, ratios
from core.metrics import overfitting as doubt
from core.metrics import trade_statistics as statistics
from core.metrics.benchmark import alpha, beta, correlation, pair, tracking_error
from core.metrics.distribution import moments, tails
from core.metrics.drawdown import curve_measure
from core.metrics.keys import KEYS
from core.metrics.summary import summarise

DAY = 86_400_000_000_000
seeds = st.integers(0, 9_999)
few = settings(max_examples=60, deadline=None)


def returns_of(seed, count=60):
    """Return gains and losses whose mean is small beside their deviation."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.001, 0.05)
    return rng.normal(spread * rng.uniform(-0.4, 0.4), spread, count)


@few
@given(seeds)
def test_the_other_side_of_every_bet_has_the_opposite_ratios(seed):
    returns = returns_of(seed)
    one, other = moments(returns), moments(-returns)
    assert ratios.sharpe(other, 252.0) == pytest.approx(-ratios.sharpe(one, 252.0))
    assert distribution.skew(other) == pytest.approx(-distribution.skew(one))
    assert distribution.kurtosis(other) == pytest.approx(distribution.kurtosis(one))
    assert ratios.omega(other) == pytest.approx(1.0 / ratios.omega(one))
    assert tails(-returns).ratio == pytest.approx(1.0 / tails(returns).ratio)


@few
@given(seeds)
def test_the_order_of_returns_does_not_matter_to_their_distribution(seed):
    returns = returns_of(seed)
    shuffled = np.random.default_rng(seed).permutation(returns)
    assert tails(shuffled) == tails(returns)
    one, other = moments(returns), moments(shuffled)
    for metric in (distribution.skew, distribution.kurtosis, ratios.omega):
        assert metric(other) == pytest.approx(metric(one))
    for ratio in (ratios.sharpe, ratios.sortino):
        assert ratio(other, 252.0) == pytest.approx(ratio(one, 252.0))


@few
@given(seed=seeds, factor=st.floats(0.1, 8.0))
def test_ratios_do_not_depend_on_the_size_of_the_bet(seed, factor):
    returns = returns_of(seed)
    one, other = moments(returns), moments(factor * returns)
    for ratio in (ratios.sharpe, ratios.sortino):
        assert ratio(other, 252.0) == pytest.approx(ratio(one, 252.0))
    assert tails(factor * returns).ratio == pytest.approx(tails(returns).ratio)
    assert distribution.annual_volatility(other, 252.0) == pytest.approx(
        factor * distribution.annual_volatility(one, 252.0)
    )


@few
@given(seed=seeds, factor=st.floats(-4.0, 4.0), shift=st.floats(-0.01, 0.01))
def test_beta_is_linear_and_alpha_takes_the_rest(seed, factor, shift):
    returns, market = returns_of(seed), returns_of(seed + 1)
    one, other = pair(returns, market), pair(factor * returns + shift, market)
    assert beta(other) == pytest.approx(factor * beta(one), abs=1e-12)
    expected = factor * alpha(one, 252.0) + shift * 252.0
    assert alpha(other, 252.0) == pytest.approx(expected, abs=1e-9)
    if abs(factor) > 0.01:
        assert correlation(other) == pytest.approx(np.sign(factor) * correlation(one))
    assert -1.0 <= correlation(one) <= 1.0


@few
@given(seeds)
def test_what_the_run_exceeds_by_varies_as_the_two_do_together(seed):
    """var(r - b) = var(r) + var(b) - 2 cov(r, b)."""
    of = pair(returns_of(seed), returns_of(seed + 1))
    expected = of.returns.second + of.market.second - 2.0 * of.product
    assert tracking_error(of, 4.0) == pytest.approx(
        2.0 * np.sqrt(expected / (of.returns.count - 1))
    )


def profits(seed, count=50):
    return np.round(np.random.default_rng(seed).normal(0.1, 5.0, count), 1)


@few
@given(seeds)
def test_the_other_side_of_every_trade_swaps_wins_and_losses(seed):
    pnl = profits(seed)
    one, other = statistics.trade_sums(pnl, pnl), statistics.trade_sums(-pnl, -pnl)
    assert statistics.profit_factor(other) == pytest.approx(1.0 / statistics.profit_factor(one))
    assert statistics.payoff(other) == pytest.approx(1.0 / statistics.payoff(one))
    assert statistics.sqn(other) == pytest.approx(-statistics.sqn(one))
    assert (other.wins, other.losses_in_a_row) == (one.losses, one.wins_in_a_row)
    assert (other.best, other.worst) == (-one.worst, -one.best)


@few
@given(seeds)
def test_the_order_of_trades_matters_to_their_rows_only(seed):
    pnl = profits(seed)
    one = statistics.trade_sums(pnl, pnl / 1e3)
    back = statistics.trade_sums(pnl[::-1], pnl[::-1] / 1e3)
    assert (back.wins_in_a_row, back.losses_in_a_row) == (one.wins_in_a_row, one.losses_in_a_row)
    for metric in (statistics.average_trade, statistics.sqn, statistics.kelly, statistics.payoff):
        assert metric(back) == pytest.approx(metric(one))
    assert statistics.average_trade(one) <= statistics.expectancy(one)


@few
@given(
    sharpe=st.floats(-0.3, 0.3),
    skew=st.floats(-1.0, 1.0),
    kurtosis=st.floats(2.5, 12.0),
    count=st.integers(2, 3000),
)
def test_confidence_is_a_probability_and_grows_with_evidence(sharpe, skew, kurtosis, count):
    shape = {"sharpe": sharpe, "skew": skew, "kurtosis": kurtosis}
    found = doubt.probabilistic_sharpe(count=count, **shape)
    mirrored = {"sharpe": -sharpe, "skew": -skew, "kurtosis": kurtosis}
    assert doubt.probabilistic_sharpe(count=count, **mirrored) == pytest.approx(1.0 - found)
    longer = doubt.probabilistic_sharpe(count=2 * count, **shape)
    assert abs(longer - 0.5) >= abs(found - 0.5)
    assert 0.0 <= doubt.deflated_sharpe(count=count, trials=50, **shape) <= found <= 1.0


@few
@given(seed=seeds, days=st.integers(-40_000, 40_000), label=st.integers(-5, 5))
def test_neither_the_date_nor_the_name_of_a_session_matters(make_run, seed, days, label):
    equity = 100.0 * np.cumprod(1.0 + returns_of(seed))
    run = make_run(equity, profits(seed, 5), step=DAY // 4)
    ids = np.arange(60) // 7
    one = summarise(**run, session_ids=ids)
    other = summarise(**run | {"ts": run["ts"] + days * DAY}, session_ids=ids * 3 + label)
    assert one == other


@few
@given(seed=seeds, cut=st.integers(1, 59))
def test_a_longer_curve_is_never_better_in_its_worst(seed, cut):
    equity = 100.0 * np.cumprod(1.0 + returns_of(seed))
    ts = np.arange(60) * DAY
    whole, part = curve_measure(ts, equity), curve_measure(ts[:cut], equity[:cut])
    assert whole.depth <= part.depth
    assert whole.longest_s >= part.longest_s
    assert whole.count >= part.count


@few
@given(seed=seeds, parts=st.integers(1, 3))
def test_reading_a_series_from_a_larger_table_changes_nothing(make_run, seed, parts):
    """Columns of a matrix do not lie together in memory."""
    run = make_run(100.0 * np.cumprod(1.0 + returns_of(seed)), profits(seed, 5))
    spread = {key: np.column_stack([run[key]] * (parts + 1))[:, 0] for key in ("equity", "close")}
    spread["trades"] = np.repeat(run["trades"], 2)[::2]
    assert summarise(**run | spread) == summarise(**run)
    assert tuple(summarise(**run).values) == KEYS
