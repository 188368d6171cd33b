"""Each metric against numbers worked out by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from core.metrics import benchmark, overfitting, ratios, returns, trade_statistics
from core.metrics.drawdown import curve_measure, drawdown
from core.metrics.returns import moments
from core.metrics.value import Undefined

DAY = 86_400_000_000_000
YEAR = round(365.25 * DAY)
OF = moments(np.array([0.1, -0.1, 0.3]))  # mean 0.1, deviations 0, -0.2, 0.2
PNL = np.array([10.0, -5.0, 20.0, 0.0, -5.0, -10.0])


def test_growth_compounds_over_calendar_years():
    assert returns.total_return(100.0, 121.0) == pytest.approx(0.21)
    assert returns.cagr(100.0, 121.0, 2 * YEAR) == pytest.approx(0.10)
    assert returns.cagr(100.0, 25.0, YEAR) == pytest.approx(-0.75)


def test_growth_in_a_moment_or_of_nothing_is_undefined():
    for initial, final, span in ((100.0, 1e6, 1), (100.0, 121.0, 0), (100.0, 0.0, YEAR)):
        assert isinstance(returns.cagr(initial, final, span), Undefined)


def test_volatility_and_sharpe_use_the_sample_deviation():
    assert returns.deviation(OF) == pytest.approx(0.2)
    assert returns.annual_volatility(OF, 4.0) == pytest.approx(0.4)
    assert ratios.sharpe(OF, 4.0) == pytest.approx(1.0)


def test_sortino_spreads_losses_over_all_periods():
    assert ratios.sortino(OF, 4.0) == pytest.approx(2.0 * sqrt(3.0))  # 0.1 / sqrt(0.01 / 3) * 2


def test_omega_is_gains_over_losses():
    assert ratios.omega(OF) == pytest.approx(4.0)


def test_kurtosis_is_raw_and_skew_is_signed():
    assert returns.skew(OF) == pytest.approx(0.0, abs=1e-12)
    assert returns.kurtosis(OF) == pytest.approx(1.5)
    # mean 0.3, deviations -0.3 (three times) and 0.9: m2 0.27, m3 0.162, m4 0.1701
    lopsided = moments(np.array([0.0, 0.0, 0.0, 1.2]))
    assert returns.skew(lopsided) == pytest.approx(0.162 / 0.27**1.5)
    assert returns.kurtosis(lopsided) == pytest.approx(0.1701 / 0.27**2)


def test_tail_losses_are_the_worst_twentieth():
    shuffled = np.random.default_rng(0).permutation(np.arange(-10, 11)) / 100.0
    assert returns.tail_losses(shuffled) == (pytest.approx(-0.09), pytest.approx(-0.095))
    assert all(isinstance(value, Undefined) for value in returns.tail_losses(shuffled[:19]))


def test_drawdown_is_measured_from_the_highest_value_so_far():
    equity = np.array([100.0, 110.0, 99.0, 121.0, 60.5, -12.1])
    assert drawdown(equity).tolist() == pytest.approx([0.0, 0.0, -0.1, 0.0, -0.5, -1.1])


def test_the_longest_drawdown_need_not_be_the_deepest():
    #                   0      1      2     3     4      5      6     7      8
    equity = np.array([100.0, 100.0, 95.0, 98.0, 100.0, 120.0, 60.0, 120.0, 120.0])
    curve = curve_measure(np.arange(9) * DAY, equity)
    assert (curve.peak, curve.mean) == (120.0, pytest.approx(913.0 / 9.0))
    assert curve.depth == -0.5
    assert curve.longest_s == 3 * 86_400.0  # from bar 1 to bar 4
    assert curve.recovered == 1
    assert curve.ulcer == pytest.approx(sqrt((0.05**2 + 0.02**2 + 0.5**2) / 9.0))


def test_an_unrecovered_drawdown_lasts_to_the_end_and_is_flagged():
    curve = curve_measure(np.arange(5) * DAY, np.array([100.0, 90.0, 100.0, 80.0, 99.0]))
    assert curve.depth == pytest.approx(-0.2)
    assert curve.longest_s == 2 * 86_400.0
    assert curve.recovered == 0


def test_calmar_is_growth_over_the_depth_of_the_worst_drawdown():
    assert ratios.calmar(0.3, -0.2) == pytest.approx(1.5)
    assert ratios.calmar(0.3, 0.0) == Undefined("there was no drawdown")


def test_trades_of_exactly_nothing_are_neither_won_nor_lost():
    assert trade_statistics.winrate(PNL) == pytest.approx(2.0 / 6.0)
    assert trade_statistics.profit_factor(PNL) == pytest.approx(1.5)
    assert trade_statistics.payoff(PNL) == pytest.approx(15.0 / (20.0 / 3.0))
    assert trade_statistics.max_consecutive_losses(PNL) == 2
    assert trade_statistics.max_consecutive_losses(np.array([-1.0, 0.0, -1.0])) == 1
    assert trade_statistics.max_consecutive_losses(np.array([-1.0, -1.0, -1.0])) == 3
    assert trade_statistics.max_consecutive_losses(np.array([1.0])) == 0


def test_kelly_and_system_quality_follow_from_profits():
    assert trade_statistics.kelly(PNL) == pytest.approx(1.0 / 3.0 - (2.0 / 3.0) / 2.25)
    # mean 10 / 6, sum of squares around it 650 - 100 / 6
    expected = sqrt(6.0) * (10.0 / 6.0) / sqrt((650.0 - 100.0 / 6.0) / 5.0)
    assert trade_statistics.sqn(PNL) == pytest.approx(expected)


def test_the_average_trade_is_geometric_and_expectancy_arithmetic():
    fractions = np.array([0.5, -0.5])
    assert trade_statistics.expectancy(fractions) == 0.0
    assert trade_statistics.average_trade(fractions) == pytest.approx(sqrt(0.75) - 1.0)
    assert isinstance(trade_statistics.average_trade(np.array([0.5, -1.0])), Undefined)


def test_turnover_is_value_traded_a_year_over_mean_equity():
    assert trade_statistics.turnover(600.0, 100.0, 2 * YEAR) == pytest.approx(3.0)


def test_alpha_is_what_beta_times_the_benchmark_leaves():
    market = np.array([0.01, -0.02, 0.04])
    earned = 0.003 + 1.5 * market
    assert benchmark.beta(earned, market) == pytest.approx(1.5)
    assert benchmark.alpha(earned, market, 252.0) == pytest.approx(0.003 * 252.0)
    # excess 0.008, -0.007, 0.023: mean 0.008, deviation 0.015
    assert benchmark.information_ratio(earned, market, 9.0) == pytest.approx(0.008 / 0.015 * 3.0)
    flat = np.zeros(3)
    assert benchmark.beta(earned, flat) == Undefined("the benchmark does not vary")
    assert isinstance(benchmark.information_ratio(earned, earned, 9.0), Undefined)


def test_the_deflated_sharpe_ratio_is_that_of_the_paper():
    """Bailey and López de Prado (2014), numerical example: 0.1132 and 0.9004."""
    deviation = sqrt(0.5 / 250.0)
    threshold = overfitting.expected_max_sharpe(trials=100, deviation=deviation)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    probability = overfitting.deflated_sharpe(
        sharpe=2.5 / sqrt(250.0),
        count=1250,
        skew=-3.0,
        kurtosis=10.0,
        trials=100,
        trials_deviation=deviation,
    )
    assert probability == pytest.approx(0.9004, abs=5e-5)


def test_a_worthless_strategy_is_as_likely_good_as_bad():
    even = {"count": 100, "skew": 0.0, "kurtosis": 3.0}
    assert overfitting.probabilistic_sharpe(sharpe=0.0, **even) == pytest.approx(0.5)
    assert overfitting.expected_max_sharpe(trials=1, deviation=0.1) == 0.0
    assert isinstance(overfitting.expected_max_sharpe(trials=0, deviation=0.1), Undefined)
    odd = {"sharpe": 1.0, "skew": 4.0, "kurtosis": 3.0}
    assert isinstance(overfitting.probabilistic_sharpe(count=100, **odd), Undefined)
    assert isinstance(
        overfitting.probabilistic_sharpe(sharpe=1.0, **even | {"count": 1}), Undefined
    )


def test_a_weekend_is_no_session():
    friday_noon = 43_832 * DAY // 2 + DAY  # two bars on a Friday, two on the Monday after
    ts = np.array([friday_noon, friday_noon + 1, friday_noon + 3 * DAY, friday_noon + 3 * DAY + 1])
    assert returns.period_ends(ts).tolist() == [1, 3]
    assert returns.period_ends(ts - 10**19 // 2).tolist() == [1, 3]  # before 1970
    assert returns.period_ends(ts[:0]).tolist() == []
    assert returns.period_ends(ts, np.array([1, 1, 1, 2])).tolist() == [2, 3]
