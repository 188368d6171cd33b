"""Runs on finer bars, and on prices as traded: through the database, the API and files."""

from __future__ import annotations

import io
import json
from datetime import date

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.backtests.charts.data import chart_data
from core.backtests.detail import detail_of
from core.backtests.models import BacktestRun
from core.backtests.reproduction import run_find, run_reproduce
from core.backtests.settings import RunSettings
from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.timeframe import timeframe_parse
from market.archive import history_store
from market.calendars import sessions_for
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from tests.backtests.conftest import DAY_NS, FIRST_DAY, daily_bars

HOUR_NS = DAY_NS // 24


def bars_of(ts, rows):
    columns = np.array(rows, dtype=float).T
    return Bars.from_arrays(
        ts=np.array(ts, np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.full(len(ts), 100.0),
    )


def hourly(days):
    """Six hours a day from midnight on: up by 6 %, down by 6 % of the open, then to the close."""
    ts, rows = [], []
    for day in range(days):
        base = 100.0
        path = [base, base + 3, base + 6, base, base - 6, base - 3, base + 1]
        for hour in range(6):
            one, other = path[hour], path[hour + 1]
            ts.append(FIRST_DAY + day * DAY_NS + hour * HOUR_NS)
            rows.append((one, max(one, other), min(one, other), other))
    return bars_of(ts, rows)


GUARDED = {
    "nodes": [
        {"id": "close", "type": "price", "params": {}},
        {"id": "some", "type": "condition", "params": {"operator": "gt", "right": 1}},
        {
            "id": "enter",
            "type": "entry",
            "params": {
                "stop_loss": {"type": "percent", "value": 0.05},
                "take_profit": {"type": "percent", "value": 0.05},
            },
        },
    ],
    "edges": [
        {"source": "close", "target": "some", "target_port": "left"},
        {"source": "some", "target": "enter", "target_port": "when"},
    ],
    "settings": {},
}


@pytest.fixture
def hours(db):
    row = Instrument.objects.create(symbol="HOURS")
    history_store(
        instrument=row,
        interval=interval_get("1h"),
        provider="csv",
        history=History.from_bars(hourly(20)),
    )
    return row


@pytest.fixture
def guarded(user):
    from strategies.services import strategy_create

    return strategy_create(owner_id=user.id, name="guarded", graph=GUARDED)


def test_days_are_gone_through_on_their_hours(hours, guarded, new_run, work):
    plain = work(new_run("HOURS", guarded.id))
    assert plain.counters["ambiguous_bars"] > 10
    run = work(new_run("HOURS", guarded.id, config={"detail_interval": "1 hour"}))
    assert run.config["detail_interval"] == "1h"
    assert run.status == "completed"
    assert run.counters["ambiguous_bars"] == run.counters["without_detail"] == 0
    assert set(run.trades.values_list("exit_reason", flat=True)) == {"take_profit"}
    assert run.trades.first().exit_time.hour == 1, "the hour in which 105 was reached"
    (name,) = run.other_snapshots
    assert name == "HOURS 1h"


def test_a_run_on_finer_bars_is_reproduced_whatever_came_later(hours, guarded, new_run, work):
    run = work(new_run("HOURS", guarded.id, config={"detail_interval": "1h"}))
    again = hourly(20)
    history_store(
        instrument=hours,
        interval=interval_get("1h"),
        provider="csv",
        history=History.from_bars(
            Bars(again.ts, *(getattr(again, name) * 3 for name in ("open", "high", "low", "close")),
                 again.volume)
        ),
        replace=True,
    )  # fmt: skip
    found = run_reproduce(run=run_find(run.id))
    assert found.identical, found.mismatches


def test_missing_finer_bars_are_told_before_a_run_is_made(api, tiny):
    body = {"strategy_id": "buy_and_hold", "symbols": ["TINY"], "capital": 1000,
            "start": "2020-01-01", "end": "2021-01-01"}  # fmt: skip
    for interval, words in (
        ("1h", "POST /api/v1/fetches"),
        ("1d", "1d does not go into 1d"),
        ("1w", "1w does not go into 1d"),
        ("soon", "not an interval"),
    ):
        answer = api.post("/api/v1/backtests", body | {"config": {"detail_interval": interval}})
        assert answer.status_code == 422, answer.json()
        (detail,) = answer.json()["details"]
        assert detail["path"].removeprefix("config.") == "detail_interval"
        assert words in detail["message"]
    assert not BacktestRun.objects.exists()


def test_settings_of_the_data_read_back():
    given = RunSettings.from_mapping({"detail_interval": "5 min", "adjustment": "splits"})
    assert (given.detail_interval, given.adjustment) == ("5m", "splits")
    assert RunSettings.from_mapping(given.as_dict()) == given
    assert RunSettings.from_mapping({}).as_dict().keys().isdisjoint(given.of_data)
    for wrong, path in (
        ({"adjustment": "none"}, "adjustment"),
        ({"detail_interval": 7}, "detail_interval"),
        ({"detail_interval": "1m", "profile": "reference"}, "detail_interval"),
        ({"adjustment": "raw", "profile": "reference"}, "adjustment"),
    ):
        with pytest.raises(InvalidInput) as caught:
            RunSettings.from_mapping(wrong)
        assert [one.path for one in caught.value.details] == [path]
    with pytest.raises(InvalidInput, match="Proofs take adjusted bars"):
        given.plain_check("Proofs")


# --- which bars lie in which ----------------------------------------------------------------------


def fitted(bars, finer, calendar, interval, finer_interval):
    both = np.concatenate([bars.ts, finer.ts])
    sessions = sessions_for(calendar, first_ts=int(both.min()), last_ts=int(both.max()))
    return detail_of(
        bars,
        finer,
        sessions=sessions,
        interval=timeframe_parse(interval),
        finer_interval=timeframe_parse(finer_interval),
    )


def rising(ts):
    return bars_of(ts, [(one, one, one, one) for one in range(1, len(ts) + 1)])


def at(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def test_minutes_lie_in_the_hour_and_the_session_that_they_open_in():
    # New York on 2024-01-03: 14:30 to 21:00 UTC.
    hours_ = rising([at("2024-01-03T14:30"), at("2024-01-03T20:30"), at("2024-01-04T14:30")])
    opens = ("3T14:29", "3T14:30", "3T15:29", "3T15:30", "3T20:59", "3T21:00", "4T14:45")
    minutes = rising([at(f"2024-01-0{when}") for when in opens])
    found = fitted(hours_, minutes, "XNYS", "1h", "1m")
    assert found.first.tolist() == [0, 2, 3, 4]
    assert found.bars.open.tolist() == [2, 3, 5, 7]


def test_hours_lie_in_the_session_whose_date_a_day_carries():
    days = rising([at("2024-01-03"), at("2024-01-04"), at("2024-01-05")])
    hours_ = rising(
        [
            at(f"2024-01-0{when}")
            for when in ("2T15:00", "3T12:00", "3T14:30", "3T20:30", "3T22:00", "5T14:30")
        ]
    )
    found = fitted(days, hours_, "XNYS", "1d", "1h")
    assert found.first.tolist() == [0, 2, 2, 3], "not before the open nor after the close"
    assert found.bars.open.tolist() == [3, 4, 6]


def test_what_is_before_and_after_the_run_is_left_out():
    days = rising([at("2024-01-04")])
    hours_ = rising([at(f"2024-01-0{day}T15:00") for day in (3, 4, 5)])
    found = fitted(days, hours_, "24/7", "1d", "1h")
    assert (found.first.tolist(), found.bars.open.tolist()) == ([0, 1], [2])
    weeks = fitted(rising([at("2024-01-01")]), hours_, "24/7", "1w", "1h")
    assert weeks.first.tolist() == [0, 3]


# --- prices as traded -----------------------------------------------------------------------------


@pytest.fixture
def split_once(db):
    """Sixty days near 100, split 2 for 1 on 2020-03-01, a dividend of 1 on 2020-03-10."""
    raw = daily_bars(np.where(np.arange(80) < 55, 100.0, 50.0), opens=np.where(
        np.arange(80) < 55, 100.0, 50.0))  # fmt: skip
    split = np.where(np.arange(80) < 55, 0.5, 1.0)
    factor = split * np.where(np.arange(80) < 64, 0.98, 1.0)
    row = Instrument.objects.create(symbol="TWICE")
    history_store(
        instrument=row,
        interval=interval_get("1d"),
        provider="csv",
        history=History(raw, factor, split),
    )
    return row


def test_a_run_on_raw_bars_goes_through_the_split_and_gets_the_dividend(split_once, new_run, work):
    run = work(new_run("TWICE", config={"adjustment": "raw"}))
    assert run.config["adjustment"] == "raw"
    (warning,) = [one for one in run.warnings if one["code"] == "split_in_prices"]
    assert "TWICE was split 2 for 1 on 2020-03-01" in warning["message"]
    assert '"splits"' in warning["message"]
    assert run.counters["splits"] == 1
    # 10 shares at 100 are 20 at 50; each gets about 1.
    (trade,) = run.trades.all()
    assert (trade.size, trade.entry_price, trade.exit_price, trade.pnl) == (20, 50, 50, 0)
    assert run.counters["dividends_received"] == pytest.approx(20, rel=0.01)
    assert run.final_equity == pytest.approx(1020, rel=1e-3)
    assert run.metrics["buy_hold_return_pct"] == pytest.approx(2, rel=0.01)
    # What the chart draws beside it does not fall by half with the price.
    drawn = chart_data(run)
    assert (drawn.close[54], drawn.close[55]) == (100, 50)
    assert drawn.held[[0, 54, 55]].tolist() == [100, 100, 100]
    assert drawn.held[-1] == pytest.approx(102, rel=0.001)
    assert run_reproduce(run=run_find(run.id)).identical


def test_split_adjusted_bars_pay_dividends_and_do_not_jump(split_once, new_run, work):
    run = work(new_run("TWICE", config={"adjustment": "splits"}))
    assert "split_in_prices" not in {one["code"] for one in run.warnings}
    assert "splits" not in run.counters or run.counters["splits"] == 0
    assert run.final_equity == pytest.approx(1020, rel=1e-3)
    usual = work(new_run("TWICE"))
    assert "adjustment" not in usual.config
    assert usual.counters["dividends_received"] == 0
    # Adjusted by all, the dividend is in the price: bought at 49, not at 50.
    assert usual.final_equity == pytest.approx(1020, rel=1e-2)


def test_portfolios_go_through_their_own_finer_bars(hours, guarded, new_run, work):
    peer = Instrument.objects.create(symbol="DOWNS")
    turned = hourly(20)
    turned = Bars(turned.ts, *(200.0 - one for one in (turned.open, turned.low, turned.high,
                                                       turned.close)), turned.volume)  # fmt: skip
    history_store(
        instrument=peer,
        interval=interval_get("1h"),
        provider="csv",
        history=History.from_bars(turned),
    )
    run = work(new_run(("HOURS", "DOWNS"), guarded.id, config={"detail_interval": "1h"}))
    assert run.status == "completed"
    assert run.counters["ambiguous_bars"] == run.counters["without_detail"] == 0
    found = set(run.trades.values_list("symbol", "exit_reason"))
    assert found == {("HOURS", "take_profit"), ("DOWNS", "stop_loss")}
    assert {"HOURS 1h", "DOWNS 1h"} < set(run.other_snapshots)
    assert run_reproduce(run=run_find(run.id)).identical


def test_finer_bars_that_one_of_a_portfolio_lacks_are_told(api, hours, tiny):
    body = {"strategy_id": "buy_and_hold", "symbols": ["HOURS", "TINY"], "capital": 1000,
            "start": "2020-01-01", "end": "2021-01-01",
            "config": {"detail_interval": "1h"}}  # fmt: skip
    answer = api.post("/api/v1/backtests", body)
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert detail["path"] == "config.detail_interval"
    assert detail["expected"] == {"symbol": "TINY", "interval": "1h"}


def test_more_finer_bars_than_memory_has_room_for_are_refused(hours, guarded, new_run, monkeypatch):
    monkeypatch.setattr("core.backtests.detail.TOGETHER_AT_MOST", 100)
    Instrument.objects.create(symbol="SECOND")
    history_store(
        instrument=Instrument.objects.get(symbol="SECOND"),
        interval=interval_get("1h"),
        provider="csv",
        history=History.from_bars(hourly(20)),
    )
    with pytest.raises(InvalidInput, match="more than 100 bars of 1h together"):
        new_run(("HOURS", "SECOND"), guarded.id, config={"detail_interval": "1h"})
    assert not BacktestRun.objects.exists()


def test_a_portfolio_on_raw_bars_goes_through_the_split_and_gets_the_dividend(
    split_once, tiny, new_run, work
):
    run = work(new_run(("TWICE", "TINY"), capital=2000.0, config={"adjustment": "raw"}))
    assert run.counters["splits"] == 1
    # As alone: 10 shares at 100 are 20 at 50, which get about 1 each. TINY is sold at 108.90.
    assert run.final_equity == pytest.approx(1020 + 10 * 108.9, rel=1e-3)
    (warning,) = [one for one in run.warnings if one["code"] == "split_in_prices"]
    assert "TWICE" in warning["message"]
    rows = {one["symbol"]: one for one in run.curve.instruments}
    assert rows["TWICE"]["pnl"] == pytest.approx(20, rel=0.01)
    assert rows["TWICE"]["buy_hold_return_pct"] == pytest.approx(2, rel=0.01)
    assert run_reproduce(run=run_find(run.id)).identical


# --- files ----------------------------------------------------------------------------------------


def csv_of(bars):
    columns = (bars.ts // 10**9, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join(str(cell) for cell in row) for row in zip(*columns, strict=True)]
    return "ts,open,high,low,close,volume\n" + "\n".join(rows)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hours_ = hourly(5)
    days = bars_of(hours_.ts[::6], [(100, 106, 94, 101)] * 5)
    (tmp_path / "days.csv").write_text(csv_of(days))
    (tmp_path / "hours.csv").write_text(csv_of(hours_))
    (tmp_path / "graph.json").write_text(json.dumps(GUARDED))
    (tmp_path / "actions.csv").write_text("ts,split,dividend\n2020-01-08,2,\n2020-01-09,,0.5\n")
    return tmp_path


def printed(*arguments):
    out = io.StringIO()
    call_command("backtest", "--bars", "days.csv", *arguments, "--format", "json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_takes_finer_bars_from_a_file(files):
    plain = printed("--graph", "graph.json")
    assert {trade["exit_reason"] for trade in plain["trades"]} == {"stop_loss"}
    found = printed("--graph", "graph.json", "--detail", "hours.csv", "--calendar", "24/7")
    assert {trade["exit_reason"] for trade in found["trades"]} == {"take_profit"}
    assert found["provenance"]["detail"]["count"] == 30


def test_the_command_takes_files_for_each_of_several_instruments(files):
    def found(*more, strategy=("--graph", "graph.json")):
        out = io.StringIO()
        both = ("--bars", "A=days.csv", "--bars", "B=days.csv", *strategy)
        call_command("backtest", *both, *more, "--format", "json", stdout=out)
        return json.loads(out.getvalue())

    told = found("--detail", "A=hours.csv", "--detail", "b=hours.csv", "--calendar", "24/7")
    assert {trade["exit_reason"] for trade in told["trades"]} == {"take_profit"}
    assert told["provenance"]["bars"]["B"]["detail"]["count"] == 30
    told = found("--actions", "B=actions.csv", strategy=("--template", "buy_and_hold"))
    assert told["provenance"]["counters"]["splits"] == 1
    for more, words in (
        (["--detail", "hours.csv"], "SYMBOL=FILE"),
        (["--detail", "C=hours.csv"], "SYMBOL=FILE"),
        (["--detail", "A=hours.csv"], "no finer bars of B"),
        (["--detail", "A=hours.csv", "--detail", "A=days.csv"], "another file"),
    ):
        with pytest.raises(CommandError, match=words):
            found(*more)


def test_the_command_takes_splits_and_dividends_from_a_file(files):
    found = printed("--template", "buy_and_hold", "--actions", "actions.csv")
    counters = found["provenance"]["counters"]
    assert counters["splits"] == 1
    # 100 units bought at 100 on the second day, 200 from the third on.
    assert counters["dividends_received"] == 100
    assert "was split 2 for 1 on 2020-01-08" in found["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("config", "arguments", "words"),
    [
        ({"detail_interval": "1h"}, [], "--detail"),
        ({"adjustment": "raw"}, [], "--actions"),
        ({}, ["--detail", "days.csv"], "does not go into"),
        ({"detail_interval": "2h"}, ["--detail", "hours.csv"], "seconds apart"),
        ({}, ["--actions", "days.csv"], "ts,split,dividend"),
        ({}, ["--actions", "nowhere.csv"], "cannot be read"),
    ],
)
def test_a_file_that_is_missing_or_does_not_fit_is_told(files, config, arguments, words):
    (files / "config.json").write_text(json.dumps(config))
    with pytest.raises(CommandError, match=words):
        printed("--template", "buy_and_hold", "--config", "config.json", *arguments)


def test_days_as_asked_for(hours, guarded, new_run, work):
    """The range of the run is that of its finer bars: the last day has its hours."""
    run = work(
        new_run(
            "HOURS",
            guarded.id,
            start=date(2020, 1, 6),
            end=date(2020, 1, 8),
            config={"detail_interval": "1h"},
        )
    )
    assert run.bar_count == 3
    assert run.counters["without_detail"] == 0
