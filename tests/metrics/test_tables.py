"""Tables and series that are computed on request: calendar, rolling windows, sides of trades."""

from __future__ import annotations

from math import nan, prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.metrics.calendar_returns import CalendarReturn, monthly_returns, yearly_returns
from core.metrics.drawdown import curve_measure, drawdown, worst_drawdowns
from core.metrics.keys import SIDE_KEYS
from core.metrics.periods import session_returns
from core.metrics.rolling import rolling_beta, rolling_sharpe, rolling_volatility
from core.metrics.sides import sides_summarise
from core.metrics.value import Undefined

DAY = 86_400_000_000_000


def dates(*texts):
    return np.array(texts, dtype="datetime64[ns]").astype(np.int64)


TS = dates("2023-12-28", "2023-12-29", "2024-01-31T23:00", "2024-03-01", "2024-03-29")


def test_each_month_starts_from_the_end_of_the_one_before():
    months = monthly_returns(ts=TS, equity=np.array([110.0, 120.0, 90.0, 99.0, 180.0]), initial=100)
    assert months == (
        CalendarReturn(2023, 12, pytest.approx(0.2)),
        CalendarReturn(2024, 1, pytest.approx(-0.25)),
        CalendarReturn(2024, 3, pytest.approx(1.0)),
    )


def test_each_year_starts_from_the_end_of_the_one_before():
    years = yearly_returns(ts=TS, equity=np.array([110.0, 120.0, 90.0, 99.0, 180.0]), initial=100.0)
    assert years == (
        CalendarReturn(2023, None, pytest.approx(0.2)),
        CalendarReturn(2024, None, pytest.approx(0.5)),
    )


def test_a_session_belongs_to_the_month_of_its_date_at_the_exchange():
    """23:00 UTC on 31 January is 1 February in Tokyo."""
    ids = TS // DAY
    ids[2] += 1
    of = {"ts": TS, "equity": np.array([110.0, 120.0, 90.0, 99.0, 180.0]), "initial": 100.0}
    assert [month.month for month in monthly_returns(**of, session_ids=ids)] == [12, 2, 3]


def test_after_ruin_a_month_has_no_return():
    months = monthly_returns(ts=TS, equity=np.array([110.0, 50.0, -5.0, 0.0, 0.0]), initial=100.0)
    assert [month.value for month in months[:2]] == [-0.5, pytest.approx(-1.1)]
    assert months[2].value == Undefined("there was nothing left to earn on")
    assert monthly_returns(ts=TS[:0], equity=np.empty(0), initial=100.0) == ()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), step=st.sampled_from([1, 7, 40]), count=st.integers(1, 300))
def test_months_and_years_compound_to_the_whole(seed, step, count):
    rng = np.random.default_rng(seed)
    equity = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.02, count))
    of = {"ts": TS[0] + np.arange(count) * step * DAY, "equity": equity, "initial": 80.0}
    for table in (monthly_returns(**of), yearly_returns(**of)):
        assert prod(1.0 + period.value for period in table) == pytest.approx(equity[-1] / 80.0)


def test_returns_of_sessions_carry_their_times():
    """Three days of two bars: the first return is from the first close of the run."""
    ts = np.arange(6) * DAY // 2
    found = session_returns(
        ts=ts, values=np.array([100.0, 110.0, 7.0, 99.0, 8.0, 198.0]), periods_per_year=504.0
    )
    assert found.returns == pytest.approx([0.1, -0.1, 1.0])
    assert found.ts.tolist() == ts[[1, 3, 5]].tolist()
    assert found.periods_per_year == 252.0


def test_a_rolling_window_sees_its_own_returns_only():
    returns = np.array([9.0, 0.1, -0.1, 0.3, nan, 0.1, -0.1, 0.3])
    of = {"window": 3, "periods_per_year": 4.0}
    volatility = rolling_volatility(returns, **of)
    assert volatility[[3, 7]] == pytest.approx([0.4, 0.4])
    assert np.isnan(volatility[[0, 1, 4, 5, 6]]).all()
    assert rolling_sharpe(returns, **of)[[3, 7]] == pytest.approx([1.0, 1.0])


def test_rolling_beta_is_the_slope_in_the_window():
    market = np.array([0.5, 0.01, -0.02, 0.04, 0.0, 0.0, 0.0])
    beta = rolling_beta(0.003 - 2.0 * market, market, window=3)
    assert beta[2:5] == pytest.approx([-2.0, -2.0, -2.0])
    assert np.isnan(beta[[0, 1, 6]]).all()  # the last window of the benchmark does not vary


def test_a_window_that_does_not_vary_has_no_sharpe_ratio():
    returns = np.full(5, 0.1)
    assert np.isnan(rolling_sharpe(returns, window=3, periods_per_year=252.0)).all()
    volatility = rolling_volatility(returns, window=3, periods_per_year=252.0)
    assert volatility[2:].tolist() == [0.0, 0.0, 0.0]


def test_windows_that_make_no_sense_are_refused():
    with pytest.raises(InvalidInput, match="at least 2 returns, not 1"):
        rolling_volatility(np.zeros(3), window=1, periods_per_year=252.0)
    with pytest.raises(InvalidInput, match="one length"):
        rolling_beta(np.zeros(3), np.zeros(4), window=2)
    assert np.isnan(rolling_sharpe(np.zeros(2), window=3, periods_per_year=252.0)).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), cut=st.integers(5, 60))
def test_a_longer_history_never_changes_a_rolling_value(seed, cut):
    rng = np.random.default_rng(seed)
    returns, market = rng.normal(0.0, 0.01, (2, 60))
    of = {"window": 5, "periods_per_year": 252.0}
    whole, part = rolling_sharpe(returns, **of), rolling_sharpe(returns[:cut], **of)
    np.testing.assert_array_equal(whole[:cut], part)
    beta = rolling_beta(returns, market, window=5)
    np.testing.assert_array_equal(beta[:cut], rolling_beta(returns[:cut], market[:cut], window=5))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_the_table_of_drawdowns_agrees_with_the_curve(levels):
    equity = np.array(levels, dtype=np.float64)
    ts = np.arange(len(equity)) * DAY
    curve, table = curve_measure(ts, equity), worst_drawdowns(ts, equity, count=100)
    assert len(table) == curve.count
    assert curve.depth == min(drawdown(equity))
    if table:
        assert (table[0].depth, int(table[0].recovered)) == (curve.depth, curve.recovered)
        assert max(fall.duration_s for fall in table) == curve.longest_s
        assert np.mean([fall.depth for fall in table]) == pytest.approx(curve.average_depth)
        assert np.mean([fall.duration_s for fall in table]) == pytest.approx(curve.average_s)
    for fall in table:
        assert equity[fall.trough] == equity[fall.start : fall.end + 1].min()
        assert fall.recovered == (equity[fall.end] >= equity[fall.start])


FIELDS = ("pnl", "return", "commission", "slippage", "mae", "mfe")


def trades_of(sides, pnl):
    kinds = [("side", "i1"), ("entry_ts", "i8"), ("exit_ts", "i8")]
    trades = np.zeros(len(sides), [*kinds, *((name, "f8") for name in FIELDS)])
    trades["side"], trades["pnl"] = sides, pnl
    trades["return"], trades["commission"] = trades["pnl"] / 100.0, 0.5
    trades["exit_ts"], trades["mfe"], trades["mae"] = DAY, 0.02, -0.01
    return trades


def test_sides_part_what_was_bought_from_what_was_sold_short():
    found = sides_summarise(trades_of([1, -1, 1, -1, -1], [10.0, -4.0, -5.0, 8.0, -2.0]))
    assert list(found) == ["all", "long", "short"]
    longs, shorts = found["long"].values, found["short"].values
    assert (longs["trades"], longs["net_profit"], longs["profit_factor"]) == (2, 5.0, 2.0)
    assert (shorts["trades"], shorts["net_profit"], shorts["commission_paid"]) == (3, 2.0, 1.5)
    assert shorts["winrate_pct"] == pytest.approx(100.0 / 3.0)
    assert shorts["sqn"] == pytest.approx(sqrt(3.0) * (2.0 / 3.0) / sqrt((84.0 - 4.0 / 3.0) / 2.0))
    assert (shorts["edge_ratio"], shorts["avg_trade_duration_s"]) == (pytest.approx(2.0), 86_400.0)
    assert found["all"].values["net_profit"] == 7.0
    assert tuple(shorts) == SIDE_KEYS


def test_a_side_without_trades_has_reasons():
    short = sides_summarise(trades_of([1], [10.0]))["short"]
    assert (short.values["trades"], short.values["net_profit"]) == (0, 0.0)
    assert short.reasons["winrate_pct"] == short.reasons["edge_ratio"] == "there were no trades"


def test_trades_without_sides_are_not_parted(make_run):
    found = sides_summarise(make_run([100.0, 101.0], [3.0])["trades"])
    assert found["all"].values["net_profit"] == 3.0
    assert found["long"].reasons["trades"] == "the trades do not say which side they were on"
