"""Reports on stored bars, and what a run does with them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput
from market.archive import history_store
from market.calendars import sessions_for
from market.history import History
from market.intervals import interval_get
from market.models import QualityReport
from market.quality.sift import RejectedBar
from market.reports import bars_check, report_ensure
from market.store import bars_read

DAY = 86_400 * 10**9


def history(*, split_at: int | None = 60, count: int = 120) -> History:
    first = int(np.datetime64("2024-01-02", "ns").astype(np.int64))
    sessions = sessions_for("XNYS", first_ts=first, last_ts=first + 300 * DAY)
    ts = sessions.dates[sessions.dates * DAY >= first][:count] * DAY
    close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, count)))
    if split_at is not None:
        close[split_at:] /= 2
    return History.from_bars(
        Bars.from_arrays(
            ts=ts, open=close, high=close * 1.01, low=close * 0.99, close=close, volume=close
        )
    )


def keep(goog, one: History, **kwargs):
    return history_store(
        instrument=goog, interval=interval_get("1d"), provider="sample", history=one, **kwargs
    )


def test_a_report_is_made_once_for_each_content(goog, monkeypatch):
    series = keep(goog, history())
    report = report_ensure(series)
    assert (report.severity, report.rows, report.counts) == ("error", 120, {"split_missing": 1})
    monkeypatch.setattr("market.reports.history_read", lambda _: pytest.fail("read again"))
    assert report_ensure(series) == report
    assert QualityReport.objects.count() == 1


def test_new_bars_have_a_report_of_their_own_and_the_old_one_stays(goog):
    old = keep(goog, history())
    before = report_ensure(old)
    new = keep(goog, history(split_at=None), replace=True)
    assert report_ensure(new).severity == "ok"
    assert report_ensure(new, snapshot=old.content_hash) == before


def test_rows_in_quarantine_are_part_of_the_report(goog):
    one = history(split_at=None)
    bad = RejectedBar(
        int(one.bars.ts[7]),
        {"open": 1.0, "high": 1.0, "low": 1.0, "close": float("nan"), "volume": 1.0},
        "not_finite",
        "A value is not a number.",
    )
    report = report_ensure(keep(goog, one, rejected=[bad]))
    assert (report.severity, report.counts, report.quarantined) == (
        "warning",
        {"quarantined": 1},
        1,
    )


def test_the_policy_of_a_run_refuses_warns_or_accepts(goog):
    keep(goog, history())
    stored = bars_read(symbol="GOOG", interval="1d")
    (warning,) = bars_check(stored=stored)
    assert "as in a split" in warning
    assert bars_check(stored=stored, policy="accept") == ()
    with pytest.raises(InvalidInput, match="a result must not rest on") as caught:
        bars_check(stored=stored, policy="refuse")
    assert caught.value.code == "bars_refused"
    assert caught.value.details[0].code == "split_missing"


def test_findings_outside_of_the_range_of_a_run_do_not_count(goog):
    keep(goog, history())
    early = bars_read(symbol="GOOG", interval="1d", end=date(2024, 2, 15))
    assert bars_check(stored=early, policy="refuse") == ()


def test_weeks_made_of_days_are_judged_by_the_days(goog):
    keep(goog, history())
    weeks = bars_read(symbol="GOOG", interval="1w")
    with pytest.raises(InvalidInput, match="split"):
        bars_check(stored=weeks, policy="refuse")


def test_an_old_run_is_judged_by_the_bars_it_reads(goog):
    old = keep(goog, history())
    keep(goog, history(split_at=None), replace=True)
    stored = bars_read(symbol="GOOG", interval="1d", snapshot=old.content_hash)
    assert len(bars_check(stored=stored)) == 1
    assert bars_check(stored=bars_read(symbol="GOOG", interval="1d")) == ()
