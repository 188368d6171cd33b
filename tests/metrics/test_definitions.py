"""Each metric against numbers worked out by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from core.metrics import activity, benchmark, distribution, overfitting, ratios, returns
from core.metrics import trade_statistics as statistics
from core.metrics.distribution import moments
from core.metrics.drawdown import curve_measure, drawdown, worst_drawdowns
from core.metrics.periods import period_ends
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
    assert distribution.deviation(OF) == pytest.approx(0.2)
    assert distribution.annual_volatility(OF, 4.0) == pytest.approx(0.4)
    assert ratios.sharpe(OF, 4.0) == pytest.approx(1.0)


def test_sortino_spreads_losses_over_all_periods():
    assert ratios.sortino(OF, 4.0) == pytest.approx(2.0 * sqrt(3.0))  # 0.1 / sqrt(0.01 / 3) * 2


def test_omega_is_gains_over_losses():
    assert ratios.omega(OF) == pytest.approx(4.0)


def test_kurtosis_is_raw_and_skew_is_signed():
    assert distribution.skew(OF) == pytest.approx(0.0, abs=1e-12)
    assert distribution.kurtosis(OF) == pytest.approx(1.5)
    # mean 0.3, deviations -0.3 (three times) and 0.9: m2 0.27, m3 0.162, m4 0.1701
    lopsided = moments(np.array([0.0, 0.0, 0.0, 1.2]))
    assert distribution.skew(lopsided) == pytest.approx(0.162 / 0.27**1.5)
    assert distribution.kurtosis(lopsided) == pytest.approx(0.1701 / 0.27**2)


def test_tail_losses_are_the_worst_twentieth():
    shuffled = np.random.default_rng(0).permutation(np.arange(-10, 11)) / 100.0
    tails = distribution.tails(shuffled)
    assert (tails.value_at_risk, tails.expected_shortfall) == pytest.approx((-0.09, -0.095))
    assert tails.ratio == pytest.approx(1.0)
    lopsided = distribution.tails(np.where(shuffled > 0.0, 3.0 * shuffled, shuffled))
    assert lopsided.ratio == pytest.approx(3.0)
    few = distribution.tails(shuffled[:19])
    assert few.value_at_risk == few.ratio == Undefined("there are fewer than 20 returns")
    assert distribution.tails(np.zeros(20)).ratio == Undefined("the 5 % quantile is zero")


def test_drawdown_is_measured_from_the_highest_value_so_far():
    equity = np.array([100.0, 110.0, 99.0, 121.0, 60.5, -12.1])
    assert drawdown(equity).tolist() == pytest.approx([0.0, 0.0, -0.1, 0.0, -0.5, -1.1])


def test_the_longest_drawdown_need_not_be_the_deepest():
    #                   0      1      2     3     4      5      6     7      8
    equity = np.array([100.0, 100.0, 95.0, 98.0, 100.0, 120.0, 60.0, 120.0, 120.0])
    curve = curve_measure(np.arange(9) * DAY, equity)
    assert (curve.peak, curve.mean) == (120.0, pytest.approx(913.0 / 9.0))
    assert (curve.depth, curve.recovered) == (-0.5, 1)
    assert curve.longest_s == 3 * 86_400.0  # from bar 1 to bar 4
    assert (curve.longest_recovered, curve.count) == (1, 2)
    assert curve.average_depth == pytest.approx((-0.05 - 0.5) / 2.0)
    assert curve.average_s == pytest.approx((3.0 + 2.0) / 2.0 * 86_400.0)
    assert curve.ulcer == pytest.approx(sqrt((0.05**2 + 0.02**2 + 0.5**2) / 9.0))


def test_an_unrecovered_drawdown_lasts_to_the_end_and_is_flagged():
    curve = curve_measure(np.arange(5) * DAY, np.array([100.0, 90.0, 100.0, 80.0, 99.0]))
    assert curve.depth == pytest.approx(-0.2)
    assert curve.longest_s == 2 * 86_400.0
    assert (curve.recovered, curve.longest_recovered, curve.count) == (0, 1, 2)
    longer = curve_measure(np.arange(5) * DAY, np.array([100.0, 80.0, 100.0, 99.0, 98.0]))
    assert (longer.recovered, longer.longest_recovered) == (1, 1)  # both took two days
    longest = curve_measure(np.arange(6) * DAY, np.array([100.0, 80.0, 100.0, 99.0, 98.0, 97.0]))
    assert (longest.recovered, longest.longest_recovered) == (1, 0)


def test_a_curve_that_never_fell_has_no_drawdown_to_average():
    curve = curve_measure(np.arange(3) * DAY, np.array([100.0, 100.0, 101.0]))
    assert (curve.depth, curve.longest_s, curve.count) == (0.0, 0.0, 0)
    missing = Undefined("there was no drawdown")
    assert curve.average_depth == curve.average_s == curve.longest_recovered == missing


def test_the_table_of_drawdowns_says_where_each_one_lies():
    #                   0      1      2     3     4      5      6     7      8     9
    equity = np.array([100.0, 100.0, 95.0, 98.0, 100.0, 120.0, 60.0, 120.0, 90.0, 110.0])
    deepest, second, third = worst_drawdowns(np.arange(10) * DAY, equity)
    assert (deepest.start, deepest.trough, deepest.end) == (5, 6, 7)
    assert (deepest.depth, deepest.recovered, deepest.duration_s) == (-0.5, True, 2 * 86_400.0)
    assert (second.start, second.trough, second.end) == (7, 8, 9)
    assert (second.depth, second.recovered, second.recovery_s) == (-0.25, False, 86_400.0)
    assert (third.start_ts, third.trough_ts, third.end_ts) == (DAY, 2 * DAY, 4 * DAY)
    assert worst_drawdowns(np.arange(10) * DAY, equity, count=1) == (deepest,)
    assert worst_drawdowns(np.arange(5) * DAY, equity[[0, 1, 4, 5, 7]]) == ()


def test_calmar_is_growth_over_the_depth_of_the_worst_drawdown():
    assert ratios.calmar(0.3, -0.2) == pytest.approx(1.5)
    assert ratios.calmar(0.3, 0.0) == Undefined("there was no drawdown")


def sums(pnl, fractions=None):
    profits = np.array(pnl, dtype=np.float64)
    return statistics.trade_sums(profits, profits if fractions is None else np.array(fractions))


def test_trades_of_exactly_nothing_are_neither_won_nor_lost():
    of = sums(PNL)
    assert statistics.winrate(of) == pytest.approx(2.0 / 6.0)
    assert statistics.profit_factor(of) == pytest.approx(1.5)
    assert (statistics.average_win(of), statistics.average_loss(of)) == (15.0, -20.0 / 3.0)
    assert statistics.payoff(of) == pytest.approx(15.0 / (20.0 / 3.0))
    assert statistics.average_profit(of) == pytest.approx(10.0 / 6.0)
    assert (of.wins_in_a_row, of.losses_in_a_row) == (1, 2)
    assert sums([-1.0, 0.0, -1.0]).losses_in_a_row == 1
    assert sums([-1.0, -1.0, -1.0]).losses_in_a_row == 3
    assert (sums([2.0, 1.0, 0.0, 1.0]).wins_in_a_row, sums([1.0]).losses_in_a_row) == (2, 0)


def test_kelly_and_system_quality_follow_from_profits():
    assert statistics.kelly(sums(PNL)) == pytest.approx(1.0 / 3.0 - (2.0 / 3.0) / 2.25)
    # mean 10 / 6, sum of squares around it 650 - 100 / 6
    expected = sqrt(6.0) * (10.0 / 6.0) / sqrt((650.0 - 100.0 / 6.0) / 5.0)
    assert statistics.sqn(sums(PNL)) == pytest.approx(expected)


def test_the_average_trade_is_geometric_and_expectancy_arithmetic():
    of = sums([1.0, -1.0], [0.5, -0.5])
    assert statistics.expectancy(of) == 0.0
    assert statistics.average_trade(of) == pytest.approx(sqrt(0.75) - 1.0)
    assert isinstance(statistics.average_trade(sums([1.0, -1.0], [0.5, -1.0])), Undefined)


def test_the_average_of_many_huge_gains_does_not_overflow():
    of = sums(np.ones(500), np.full(500, 9.0))  # compounded they are 1e500
    assert statistics.average_trade(of) == pytest.approx(9.0, rel=1e-12)


def test_the_profit_of_no_trade_may_be_no_number():
    assert sums([]) == Undefined("there were no trades")
    assert sums([1.0, np.nan]) == Undefined("the profit of a trade is not a finite number")


def test_turnover_is_value_traded_a_year_over_mean_equity():
    assert activity.turnover(600.0, 100.0, 2 * YEAR) == pytest.approx(3.0)


def test_exposure_parts_into_bought_and_sold_short():
    held = activity.exposure(np.array([0.0, 2.0, 1.0, -3.0]))
    assert (held.any, held.long, held.short) == (0.75, 0.5, 0.25)
    assert isinstance(activity.exposure(np.array([1.0, np.nan])).long, Undefined)


def test_excursions_and_durations_are_those_of_the_trades():
    trades = np.zeros(
        3, [("entry_ts", "i8"), ("exit_ts", "i8"), ("mae", np.float64), ("mfe", np.float64)]
    )
    trades["entry_ts"], trades["exit_ts"] = [0, DAY, DAY], [DAY, DAY, 6 * DAY]
    trades["mae"], trades["mfe"] = [-0.02, 0.0, -0.04], [0.01, 0.09, 0.02]
    held = activity.holding(trades)
    assert (held.average_s, held.shortest_s, held.longest_s) == (2 * 86_400.0, 0.0, 5 * 86_400.0)
    moved = activity.excursions(trades)
    assert (moved.average_adverse, moved.worst_adverse) == (pytest.approx(-0.02), -0.04)
    assert (moved.average_favourable, moved.best_favourable) == (pytest.approx(0.04), 0.09)
    assert moved.edge_ratio == pytest.approx(2.0)
    assert isinstance(activity.excursions(trades[1:2]).edge_ratio, Undefined)  # never at a loss


def test_alpha_is_what_beta_times_the_benchmark_leaves():
    market = np.array([0.01, -0.02, 0.04])
    of = benchmark.pair(0.003 + 1.5 * market, market)
    assert benchmark.beta(of) == pytest.approx(1.5)
    assert benchmark.correlation(of) == pytest.approx(1.0)
    assert benchmark.alpha(of, 252.0) == pytest.approx(0.003 * 252.0)
    # excess 0.008, -0.007, 0.023: mean 0.008, deviation 0.015
    assert benchmark.tracking_error(of, 9.0) == pytest.approx(0.045)
    assert benchmark.information_ratio(of, 9.0) == pytest.approx(0.008 / 0.015 * 3.0)


def test_opposite_moves_have_a_correlation_below_zero():
    # deviations 1, -1, 0 and -1, 0, 1: product -1, squares 2 and 2
    of = benchmark.pair(np.array([0.02, 0.0, 0.01]), np.array([0.01, 0.02, 0.03]))
    assert benchmark.correlation(of) == pytest.approx(-0.5)
    assert benchmark.beta(of) == pytest.approx(-0.5)


def test_a_benchmark_that_does_not_vary_defines_nothing():
    market = np.array([0.01, -0.02, 0.04])
    flat = benchmark.pair(market, np.zeros(3))
    missing = Undefined("the benchmark does not vary")
    assert benchmark.beta(flat) == benchmark.correlation(flat) == missing
    idle = benchmark.pair(np.zeros(3), market)
    assert benchmark.beta(idle) == 0.0
    assert benchmark.correlation(idle) == Undefined("the returns do not vary")
    same = benchmark.pair(market, market)
    assert benchmark.tracking_error(same, 9.0) == 0.0
    assert isinstance(benchmark.information_ratio(same, 9.0), Undefined)


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
    assert period_ends(ts).tolist() == [1, 3]
    assert period_ends(ts - 10**19 // 2).tolist() == [1, 3]  # before 1970
    assert period_ends(ts[:0]).tolist() == []
    assert period_ends(ts, np.array([1, 1, 1, 2])).tolist() == [2, 3]


def test_the_minimum_track_record_is_that_of_the_paper():
    """Bailey and López de Prado (2012): 2.73 years of days at 95 % for 2 a year against 1."""
    record = overfitting.minimum_track_record(
        sharpe=2.0 / sqrt(250.0), skew=0.0, kurtosis=3.0, benchmark=1.0 / sqrt(250.0)
    )
    assert record / 250.0 == pytest.approx(2.73, abs=5e-3)


def test_the_minimum_track_record_is_where_confidence_is_reached():
    shape = {"sharpe": 0.1, "skew": -0.5, "kurtosis": 6.0, "benchmark": 0.02}
    record = overfitting.minimum_track_record(**shape, confidence=0.9)
    at = overfitting.probabilistic_sharpe(count=record, **shape)
    assert at == pytest.approx(0.9)
    assert isinstance(overfitting.minimum_track_record(**shape | {"sharpe": 0.02}), Undefined)


def test_more_trials_deflate_more():
    shape = {"sharpe": 0.1, "count": 500, "skew": 0.0, "kurtosis": 3.0}
    found = [overfitting.deflated_sharpe(trials=trials, **shape) for trials in (1, 2, 10, 1000)]
    assert found == sorted(found, reverse=True)
    assert found[0] == overfitting.probabilistic_sharpe(**shape)
    known = overfitting.deflated_sharpe(trials=10, trials_deviation=1.0 / sqrt(499.0), **shape)
    assert found[2] == known
