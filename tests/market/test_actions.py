"""Splits and dividends from the factors, and the three adjustments of what is read."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.errors import InvalidInput
from market.actions import actions_find, actions_of, factors_clean
from market.adjusting import history_price
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.providers.sample import share_read
from market.store import bars_read
from tests.market.conftest import DAY, MONDAY

HOUR = 3_600 * 10**9


def bars_of(close, *, ts=None, volume=1000.0) -> Bars:
    prices = np.array(close, dtype=float)
    ts = MONDAY + DAY * np.arange(prices.size) if ts is None else ts
    return Bars.from_arrays(
        ts=ts,
        open=prices,
        high=prices * 1.01,
        low=prices * 0.99,
        close=prices,
        volume=np.full(prices.size, volume),
    )


def keep(instrument, history, interval="1d"):
    return history_store(
        instrument=instrument,
        interval=interval_get(interval),
        provider="sample",
        history=history,
    )


# Traded at 400 and 408; then 4 for 1, and a dividend of 0.51 on the 102 that 408 became.
BOTH = History.from_bars(
    bars_of([400, 408, 101, 103]),
    factor=[0.25 * 0.995, 0.25 * 0.995, 1, 1],
    split=[0.25, 0.25, 1, 1],
)


def test_a_four_for_one_split_is_in_the_prices_or_beside_them(goog):
    split = [0.25, 0.25, 1, 1]
    keep(goog, History.from_bars(bars_of([400, 408, 101, 103]), factor=split, split=split))
    raw = bars_read(symbol="GOOG", interval="1d", adjustment="raw")
    assert raw.bars.close.tolist() == [400, 408, 101, 103]
    assert raw.splits.tolist() == [1, 1, 4, 1]
    assert raw.dividends.tolist() == [0, 0, 0, 0]
    for adjustment in ("splits", "all"):
        read = bars_read(symbol="GOOG", interval="1d", adjustment=adjustment)
        assert read.bars.close.tolist() == [100, 102, 101, 103]
        assert read.bars.volume.tolist() == [4000, 4000, 1000, 1000]
        assert read.splits.tolist() == [1, 1, 1, 1]
    assert [raw.adjustment, raw.adjusted] == ["raw", False]


def test_a_dividend_is_cash_on_its_ex_date_unless_prices_have_it(goog):
    # 2 on a close of 100: prices before are 98% of what was traded.
    keep(goog, History.from_bars(bars_of([99, 100, 98.5]), factor=[0.98, 0.98, 1]))
    for adjustment in ("raw", "splits"):
        read = bars_read(symbol="GOOG", interval="1d", adjustment=adjustment)
        assert read.bars.close.tolist() == [99, 100, 98.5]
        assert read.dividends == pytest.approx([0, 0, 2])
    both = bars_read(symbol="GOOG", interval="1d", adjustment="all")
    assert both.bars.close == pytest.approx([97.02, 98, 98.5])
    assert both.dividends.tolist() == [0, 0, 0]


def test_a_split_and_a_dividend_on_one_day_are_told_apart(goog):
    keep(goog, BOTH)
    raw = bars_read(symbol="GOOG", interval="1d", adjustment="raw")
    assert raw.splits.tolist() == [1, 1, 4, 1]
    # For each of the four: half a per cent of 408 / 4.
    assert raw.dividends == pytest.approx([0, 0, 0.51, 0])
    splits = bars_read(symbol="GOOG", interval="1d", adjustment="splits")
    assert splits.bars.close.tolist() == [100, 102, 101, 103]
    assert splits.dividends == pytest.approx([0, 0, 0.51, 0])


def test_the_dividend_before_a_split_is_in_the_money_of_the_prices(goog):
    # 8 on 400, then 4 for 1: in today's units 2 on 100.
    split = [0.25, 0.25, 1]
    history = History.from_bars(bars_of([400, 396, 99]), factor=[0.245, 0.25, 1], split=split)
    keep(goog, history)
    raw = bars_read(symbol="GOOG", interval="1d", adjustment="raw")
    assert raw.dividends == pytest.approx([0, 8, 0])
    assert raw.splits.tolist() == [1, 1, 4]
    splits = bars_read(symbol="GOOG", interval="1d", adjustment="splits")
    assert splits.dividends == pytest.approx([0, 2, 0])
    # Before the split it was seen as it was traded.
    seen = bars_read(symbol="GOOG", interval="1d", adjustment="splits", as_of=date(2024, 1, 2))
    assert seen.bars.close == pytest.approx([400, 396, 396])
    assert seen.bars.volume == pytest.approx([1000, 1000, 250])
    assert seen.dividends == pytest.approx([0, 8, 0])


def test_what_happens_on_a_day_without_a_bar_belongs_to_the_next_bar(goog):
    ts = MONDAY + DAY * np.array([0, 1, 4])
    keep(goog, History.from_bars(bars_of([50, 50, 49], ts=ts), factor=[0.98, 0.98, 1]))
    read = bars_read(symbol="GOOG", interval="1d", adjustment="raw")
    assert read.dividends == pytest.approx([0, 0, 1])
    # A range that begins there knows of it too: the same bar whatever was asked for.
    part = bars_read(
        symbol="GOOG", interval="1d", adjustment="raw", start=date(2024, 1, 3), end=date(2024, 1, 5)
    )
    assert part.dividends == pytest.approx([1])


def test_within_a_day_it_belongs_to_the_first_bar_of_the_ex_date(goog):
    # Two hours of each session; ex on the second day.
    opens = [14 * HOUR + HOUR // 2, 15 * HOUR + HOUR // 2]
    ts = np.array([MONDAY + day * DAY + clock for day in (1, 2) for clock in opens])
    history = History.from_bars(
        bars_of([200, 202, 100, 100], ts=ts), factor=[0.49, 0.49, 1, 1], split=[0.5, 0.5, 1, 1]
    )
    keep(goog, history, "1h")
    read = bars_read(symbol="GOOG", interval="1h", adjustment="raw")
    assert read.splits.tolist() == [1, 1, 2, 1]
    assert read.dividends == pytest.approx([0, 0, 2.02, 0])


def test_a_week_with_a_split_in_it_is_told_in_the_units_of_its_end(goog):
    # Two weeks, Monday to Friday; 4 for 1 on the second Wednesday, 0.51 in cash with it.
    ts = MONDAY + DAY * np.array([0, 1, 2, 3, 4, 7, 8, 9, 10, 11])
    close = [400, 404, 408, 404, 400, 400, 408, 101, 103, 104]
    factor = [0.25 * 0.995] * 7 + [1.0] * 3
    keep(
        goog,
        History.from_bars(bars_of(close, ts=ts), factor=factor, split=[0.25] * 7 + [1.0] * 3),
    )
    raw = bars_read(symbol="GOOG", interval="1w", adjustment="raw")
    assert raw.bars.open.tolist() == [400, 100]
    assert raw.bars.close.tolist() == [400, 104]
    assert raw.bars.high == pytest.approx([408 * 1.01, 104 * 1.01])
    assert raw.bars.volume.tolist() == [5000, 2 * 4000 + 3 * 1000]
    assert raw.splits.tolist() == [1, 4]
    assert raw.dividends == pytest.approx([0, 0.51])
    splits = bars_read(symbol="GOOG", interval="1w", adjustment="splits")
    assert splits.bars.close.tolist() == [100, 104]
    assert splits.splits.tolist() == [1, 1]
    assert splits.dividends == pytest.approx([0, 0.51])


def test_what_a_day_leaves_out_of_its_bar_still_counts(goog):
    # The ex-date begins with a bar before the opening, which the day's bar does not hold.
    clocks = [(1, 14.5), (1, 15.5), (2, 12.5), (2, 14.5), (2, 15.5), (3, 14.5)]
    ts = np.array([MONDAY + day * DAY + int(clock * HOUR) for day, clock in clocks])
    history = History.from_bars(
        bars_of([100, 100, 98, 98, 98, 98], ts=ts), factor=[0.98, 0.98, 1, 1, 1, 1]
    )
    keep(goog, history, "1h")
    days = bars_read(symbol="GOOG", interval="1d", adjustment="raw")
    assert days.dividends[:2] == pytest.approx([0, 2])


def test_splits_and_dividends_of_real_shares_are_found_in_rounded_adjusted_closes():
    # Of Apple's splits and dividends up to 2013 as its investor relations list them.
    history = share_read("AAPL")
    actions = actions_find(history)
    days = history.bars.ts[actions.rows].view("datetime64[ns]").astype("datetime64[D]")
    assert days.astype(str).tolist() == [
        "2000-06-21", "2005-02-28", "2012-08-09", "2012-11-07", "2013-02-07"
    ]  # fmt: skip
    assert actions.splits.tolist() == [2, 2, 1, 1, 1]
    assert actions.dividends == pytest.approx([0, 0, 2.65, 2.65, 2.65], rel=0.05)
    # The source tells no splits; volumes are in today's shares all the same.
    assert history.adjusted().volume[:2].tolist() == (history.bars.volume[:2] * 4).tolist()
    # International Business Machines paid every quarter, and split nothing.
    paid = actions_find(share_read("IBM"))
    assert (paid.rows.size, set(paid.splits)) == (52, {1.0})
    assert paid.dividends[-4:] == pytest.approx([0.85, 0.85, 0.85, 0.85], rel=0.02)
    assert actions_find(share_read("GOOG")).rows.size == 0


def test_factors_lose_the_rounding_of_the_closes_that_they_were_worked_out_from():
    # Ten years of a share near 50, 2 for 1 in the middle, 0.30 a quarter; adjusted to the cent.
    random = np.random.default_rng(7)
    count, split = 2520, np.where(np.arange(2520) < 1260, 0.5, 1.0)
    close = np.round(50 / split * np.exp(np.cumsum(random.normal(0, 0.01, count)) * 0.3), 2)
    shares = np.ones(count)
    quarters = np.arange(62, count - 1, 63)
    shares[quarters] = 1 - 0.3 / (close[quarters] * split[quarters])
    factor = split * np.cumprod(shares[::-1])[::-1]
    rounded = np.round(close * factor, 2) / close, np.round(close * split, 2) / close
    assert np.unique(rounded[0]).size > 1000
    clean, units = factors_clean(close, factor=rounded[0], split=rounded[1])
    assert np.unique(units).tolist() == [0.5, 1.0]
    assert (np.flatnonzero(np.diff(clean)) == quarters).all()
    assert clean == pytest.approx(factor, rel=5e-4)
    paid = actions_of(close, factor=clean, split=units)
    assert paid.dividends[paid.dividends > 0] == pytest.approx(0.3 / split[quarters + 1], rel=0.1)


@given(
    events=st.dictionaries(
        st.integers(1, 39),
        st.tuples(st.sampled_from([1.0, 2.0, 3.0, 1.5, 0.1]), st.floats(0.001, 0.2)),
        max_size=6,
    ),
    moves=st.lists(st.floats(-0.05, 0.05), min_size=39, max_size=39),
)
def test_the_account_that_books_them_earns_what_adjusted_prices_say(events, moves):
    close, factor, split = [100.0], np.ones(40), np.ones(40)
    for at in range(1, 40):
        ratio, dividend = events.get(at, (1.0, 0.0))
        close.append((close[-1] / ratio) * (1 - dividend) * (1 + moves[at - 1]))
        factor[:at] *= (1 - dividend) / ratio
        split[:at] /= ratio
    history = History.from_bars(bars_of(close), factor=factor, split=split)
    for adjustment in ("raw", "splits"):
        priced = history_price(history, adjustment=adjustment)
        units = 1.0
        split_at = dict(zip(priced.actions.rows.tolist(), priced.actions.splits, strict=True))
        paid_at = dict(zip(priced.actions.rows.tolist(), priced.actions.dividends, strict=True))
        for at in range(1, 40):
            units *= split_at.get(at, 1.0)
            # Put back into units at the price before, less what was paid out of it.
            before = float(priced.bars.close[at - 1]) / split_at.get(at, 1.0)
            units *= 1 + paid_at.get(at, 0.0) / (before - paid_at.get(at, 0.0))
        adjusted = history.adjusted().close
        earned = units * priced.bars.close[-1] / priced.bars.close[0]
        assert earned == pytest.approx(adjusted[-1] / adjusted[0], rel=1e-6)


def test_another_adjustment_is_refused_with_those_there_are(goog, make_history):
    keep(goog, make_history(3))
    with pytest.raises(InvalidInput, match="all, splits, raw"):
        bars_read(symbol="GOOG", interval="1d", adjustment="total")
