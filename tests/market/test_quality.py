"""What the checks find in bars, with the calendars of real exchanges."""

from __future__ import annotations

import time

import exchange_calendars
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.sessions import Sessions, sessions_always_open
from market.choices import Severity
from market.history import History
from market.intervals import interval_get
from market.quality.report import quality_report
from market.quality.sift import bars_sift

DAY = 86_400 * 10**9
HOUR = DAY // 24
MINUTE = HOUR // 60


def exchange(name: str = "XNYS", timezone: str = "America/New_York") -> Sessions:
    calendar = exchange_calendars.get_calendar(name)
    dates = calendar.sessions.as_unit("ns").asi8 // DAY
    opens = calendar.opens.to_numpy(dtype="datetime64[ns]").view(np.int64)
    closes = calendar.closes.to_numpy(dtype="datetime64[ns]").view(np.int64)
    return Sessions(dates, opens, closes, timezone)


NEW_YORK = exchange()


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def walk(count: int, *, seed: int = 1, step: float = 0.01) -> np.ndarray:
    moves = np.random.default_rng(seed).normal(0, step, count)
    return 100.0 * np.exp(np.cumsum(moves))


def bars_on(ts: np.ndarray, close: np.ndarray | None = None, **columns) -> Bars:
    close = walk(len(ts)) if close is None else close
    given = {
        "open": close * 0.999,
        "high": close * 1.002,
        "low": close * 0.998,
        "close": close,
        "volume": np.full(len(ts), 1000.0),
    } | columns
    return Bars.from_arrays(ts=ts, **given)


def days_of(first: str, last: str, sessions: Sessions = NEW_YORK) -> np.ndarray:
    days = sessions.dates * DAY
    return days[(days >= ns(first)) & (days <= ns(last))]


def minutes_of(first: str, last: str, minutes: int = 30) -> np.ndarray:
    days = NEW_YORK.dates * DAY
    at = np.flatnonzero((days >= ns(first)) & (days <= ns(last)))
    return np.concatenate(
        [np.arange(NEW_YORK.opens[n], NEW_YORK.closes[n], minutes * MINUTE) for n in at]
    )


def report(
    bars: Bars,
    interval: str = "1d",
    sessions: Sessions = NEW_YORK,
    now: str = "2026-01-01",
    **kwargs,
):
    ratios = {name: kwargs.pop(name, None) for name in ("factor", "split")}
    return quality_report(
        History.from_bars(bars, **ratios),
        interval=interval_get(interval),
        sessions=sessions,
        now=ns(now),
        **kwargs,
    )


def test_bars_of_every_session_are_in_order_over_holidays_half_days_and_a_leap_day():
    # Two years with Juneteenth, a day of mourning's predecessor, 2024-02-29 and half days.
    found = report(bars_on(days_of("2022-01-03", "2024-12-31")))
    assert (found.severity, found.counts) == (Severity.OK, {})


@pytest.mark.parametrize("around", [("2024-03-04", "2024-03-15"), ("2024-10-28", "2024-11-08")])
def test_minutes_over_a_clock_change_are_in_order(around):
    assert report(bars_on(minutes_of(*around)), "30m").counts == {}


def test_minutes_of_half_days_end_early_and_nothing_is_missing():
    # The day after Thanksgiving closes at 13:00.
    assert report(bars_on(minutes_of("2024-11-25", "2024-12-02")), "30m").counts == {}


def test_a_missing_session_is_a_gap_and_a_week_of_them_an_error():
    ts = days_of("2024-01-02", "2024-06-28")
    one = report(bars_on(ts[ts != ns("2024-02-29")]))
    (gap,) = one.findings
    assert (gap.code, gap.severity, gap.bars) == ("gap", Severity.WARNING, 1)
    assert "2024-02-29" in gap.message
    hole = (ts >= ns("2024-03-04")) & (ts <= ns("2024-03-08"))
    week = report(bars_on(ts[~hole]))
    (gap,) = week.findings
    assert (week.severity, gap.bars) == (Severity.ERROR, 5)
    assert gap.as_dict()["start"] == "2024-03-04"
    assert gap.as_dict()["end"] == "2024-03-08"


def test_a_bar_on_a_holiday_is_told():
    ts = np.sort(np.append(days_of("2024-01-02", "2024-02-02"), ns("2024-01-15")))
    (found,) = report(bars_on(ts)).findings
    assert (found.code, found.as_dict()["start"]) == ("outside_sessions", "2024-01-15")


def test_coins_trade_on_every_day_and_a_missing_sunday_is_a_gap():
    ts = np.arange(ns("2024-01-01"), ns("2024-02-01"), DAY)
    always = sessions_always_open(first_ts=int(ts[0]), last_ts=int(ts[-1]))
    assert report(bars_on(ts), sessions=always).counts == {}
    assert report(bars_on(ts[ts != ns("2024-01-07")]), sessions=always).counts == {"gap": 1}


def test_weeks_and_months_are_compared_with_those_that_had_a_session():
    weeks = np.arange(ns("2024-01-01"), ns("2024-07-01"), 7 * DAY)
    assert report(bars_on(weeks), "1w").counts == {}
    assert report(bars_on(np.delete(weeks, 3)), "1w").counts == {"gap": 1}
    months = np.arange("2023-01", "2024-06", dtype="datetime64[M]").astype("datetime64[ns]")
    assert report(bars_on(months.view(np.int64)), "1mo").counts == {}
    assert report(bars_on(np.delete(months.view(np.int64), 4)), "1mo").counts == {"gap": 1}


def test_holes_within_a_session_and_thin_sessions_are_told():
    ts = minutes_of("2024-01-02", "2024-01-12", 1)
    lunch = (ts >= ns("2024-01-05T17:00")) & (ts < ns("2024-01-05T18:00"))
    (hole,) = report(bars_on(ts[~lunch]), "1m").findings
    assert (hole.code, hole.bars) == ("hole", 60)
    assert hole.as_dict()["start"] == "2024-01-05T17:00:00Z"
    nearly_all = (ts >= ns("2024-01-08T14:35")) & (ts < ns("2024-01-09"))
    thin = report(bars_on(ts[~nearly_all]), "1m")
    assert thin.counts == {"thin_session": 1}
    whole = (ts >= ns("2024-01-08")) & (ts < ns("2024-01-09"))
    assert report(bars_on(ts[~whole]), "1m").counts == {"gap": 1}


def test_sessions_that_are_an_hour_off_after_a_clock_change_are_an_error():
    ts = minutes_of("2024-03-04", "2024-03-22")
    late = ts >= ns("2024-03-11")
    # Somebody took New York for five hours behind all year.
    found = report(bars_on(np.where(late, ts + HOUR, ts)), "30m")
    shift = next(one for one in found.findings if one.code == "clock_shift")
    assert found.severity == Severity.ERROR
    assert "10 sessions from 2024-03-11" in shift.message


def test_bars_before_the_open_are_only_noted():
    ts = np.sort(np.append(minutes_of("2024-01-02", "2024-01-05"), ns("2024-01-03T13:00")))
    found = report(bars_on(ts), "30m")
    assert (found.severity, found.counts) == (Severity.NOTE, {"out_of_hours": 1})


def test_a_close_that_jumps_and_is_back_a_bar_later_is_a_spike():
    ts = days_of("2024-01-02", "2024-06-28")
    close = walk(len(ts))
    close[50] *= 1.5
    (spike,) = report(bars_on(ts, close)).findings
    assert (spike.code, spike.first_ts) == ("spike", int(ts[50]))
    stays = walk(len(ts))
    stays[50:] *= 1.25
    assert report(bars_on(ts, stays)).counts == {}


def test_a_wick_that_no_other_price_knows_of_is_told():
    ts = days_of("2024-01-02", "2024-06-28")
    bars = bars_on(ts)
    high, low = bars.high.copy(), bars.low.copy()
    high[20] *= 3
    low[70] /= 3
    found = report(bars_on(ts, bars.close, high=high, low=low))
    assert found.counts == {"wick": 2}
    assert [one.first_ts for one in found.findings] == [int(ts[20]), int(ts[70])]


@pytest.mark.parametrize("ratio", [0.5, 1 / 3, 0.1, 2 / 3, 20.0])
def test_a_jump_as_in_a_split_that_no_factor_knows_is_an_error(ratio):
    ts = days_of("2024-01-02", "2024-06-28")
    close = walk(len(ts))
    close[60:] *= ratio
    found = report(bars_on(ts, close))
    assert (found.severity, found.counts) == (Severity.ERROR, {"split_missing": 1})
    assert found.findings[0].first_ts == int(ts[60])
    factor = np.where(np.arange(len(ts)) < 60, ratio, 1.0)
    assert report(bars_on(ts, close), factor=factor, split=factor).counts == {}


def test_a_split_that_is_in_the_prices_already_is_an_error():
    ts = days_of("2024-01-02", "2024-06-28")
    factor = np.where(np.arange(len(ts)) < 60, 0.5, 1.0)
    found = report(bars_on(ts), factor=factor, split=factor)
    assert found.counts["split_twice"] == 1
    assert found.severity == Severity.ERROR


def test_a_price_that_stands_still_and_days_without_volume_are_told():
    ts = days_of("2024-01-02", "2024-06-28")
    close = walk(len(ts))
    close[30:36] = close[30]
    flat = slice(30, 36)
    bars = bars_on(ts, close)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low")}
    for column in columns.values():
        column[flat] = close[30]
    volume = np.full(len(ts), 500.0)
    volume[80:84] = 0
    found = report(bars_on(ts, close, **columns, volume=volume))
    assert found.counts == {"no_volume": 1, "stale": 1}
    assert {one.code: one.bars for one in found.findings} == {"no_volume": 4, "stale": 6}
    nothing = report(bars_on(ts, volume=np.zeros(len(ts))))
    assert (nothing.severity, nothing.counts) == (Severity.NOTE, {"volume_unknown": 1})


def test_quarantined_rows_count_and_no_code_fills_the_report_alone():
    ts = days_of("2020-01-02", "2024-06-28")
    found = report(bars_on(ts[::2]), quarantined=3)
    assert found.counts["gap"] > 100
    assert found.counts["quarantined"] == 1
    assert len(found.findings) == 21


def test_a_million_minutes_are_looked_at_in_a_second():
    ts = np.arange(1_000_000, dtype=np.int64) * MINUTE + ns("2022-01-01")
    always = sessions_always_open(first_ts=int(ts[0]), last_ts=int(ts[-1]))
    bars = bars_on(ts, walk(len(ts), step=0.0005))
    began = time.process_time()
    found = report(bars, "1m", always)
    assert time.process_time() - began < 1.5
    assert found.counts == {}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.one_of(st.floats(1, 10), st.sampled_from([0.0, -1.0, float("nan"), float("inf")])),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_what_is_sifted_is_valid_and_nothing_gets_lost(rows):
    ts = np.array([at for at, _ in rows], dtype=np.int64) * DAY
    price = np.array([value for _, value in rows])
    columns = {name: price.copy() for name in ("open", "high", "low", "close")}
    columns["volume"] = np.ones(len(rows))
    try:
        sifted = bars_sift(ts, columns)
    except InvalidInput:
        assert len(rows) <= 3 or len(set(ts.tolist())) < len(rows) or not (price > 0).all()
        return
    assert len(sifted.bars) + len(sifted.rejected) == len(rows)
    assert (np.diff(sifted.bars.ts) > 0).all()
    assert int(sifted.keep.sum()) == len(sifted.bars)
    kept = set(sifted.bars.ts.tolist())
    for bad in sifted.rejected:
        assert (bad.ts in kept) == (bad.code == "duplicate") or bad.code.startswith("not_")


def test_minutes_of_a_weekend_alone_are_out_of_hours_and_no_more():
    saturday = ns("2024-03-09T12:00") + np.arange(60) * MINUTE
    found = report(bars_on(saturday), "1m")
    assert (found.severity, found.counts) == (Severity.NOTE, {"out_of_hours": 1})
    assert found.findings[0].bars == 60


def test_bars_that_have_not_opened_yet_are_an_error():
    # 3 May was read for 5 March, and the day after that.
    bars = bars_on(days_of("2024-05-01", "2024-05-03"))
    found = report(bars, now="2024-03-05")
    assert (found.severity, found.counts) == (Severity.ERROR, {"in_future": 1})
    (told,) = found.findings
    assert (told.first_ts, told.last_ts, told.bars) == (ns("2024-05-01"), ns("2024-05-03"), 3)
    assert "3 bars from 2024-05-01 on" in told.message
    # Friday's bar, stored while it is Thursday evening in Greenwich and Friday in Auckland.
    assert report(bars, now="2024-05-02T22:00").counts == {}
    assert report(bars, now="2024-05-01T22:00").findings[0].bars == 1


def test_a_bar_within_a_day_is_in_the_future_by_its_minute():
    bars = bars_on(minutes_of("2024-03-05", "2024-03-05"))  # from 14:30 on, the last at 20:30
    assert report(bars, "30m", now="2024-03-05T20:30").counts == {}
    (told,) = report(bars, "30m", now="2024-03-05T20:29").findings
    assert (told.code, told.bars, told.first_ts) == ("in_future", 1, ns("2024-03-05T20:30"))


def test_one_time_far_in_the_future_costs_one_row_and_not_all_that_follow():
    ts = np.arange(100, dtype=np.int64) * DAY
    ts[10] = 5000 * DAY
    columns = {name: np.full(100, 10.0) for name in ("open", "high", "low", "close", "volume")}
    sifted = bars_sift(ts, columns)
    assert [(bad.ts // DAY, bad.code) for bad in sifted.rejected] == [(5000, "out_of_order")]
    ts[11] = ts[12]
    twice = bars_sift(ts, columns)
    assert [bad.code for bad in twice.rejected] == ["out_of_order", "duplicate"]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("close", np.nan, "not_finite"),
        ("volume", np.inf, "not_finite"),
        ("low", 0.0, "not_positive"),
        ("open", -1.0, "not_positive"),
        ("volume", -5.0, "negative"),
        ("high", 1.0, "high_too_low"),
        ("low", 103.8, "low_too_high"),
        ("ts", 3 * DAY, "duplicate"),
        ("ts", 90 * DAY, "out_of_order"),
    ],
)
def test_each_kind_of_row_that_cannot_be_a_bar_is_put_aside_with_its_reason(column, value, code):
    close = 100.0 + np.arange(10)
    rows = {
        "open": close - 0.5,
        "high": close + 1,
        "low": close - 1,
        "close": close.copy(),
        "volume": np.full(10, 7.0),
    }
    ts = DAY * np.arange(10, dtype=np.int64)
    (ts if column == "ts" else rows[column])[4] = value
    sifted = bars_sift(ts, rows)
    (bad,) = sifted.rejected
    assert bad.code == code
    assert (len(sifted.bars), int((~sifted.keep).sum())) == (9, 1)
