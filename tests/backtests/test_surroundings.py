"""What a run sees besides its own bars: sessions, other instruments, and how long it warmed up."""

from __future__ import annotations

import io
import json
from datetime import date

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.backtests.management.filedata import filedata_read, symbol_and_path
from core.backtests.models import BacktestRun
from core.backtests.prefix import context_cut
from core.backtests.reproduction import run_find, run_reproduce
from core.backtests.surroundings import bars_from, surroundings_read
from core.errors import InvalidInput
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.store import bars_read
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_get
from strategies.services import strategy_create
from tests.backtests.conftest import daily_bars, store

OPTIONS = {"calendar": None, "interval": None, "other": []}


def document_reading(*symbols, timeframe=None):
    """An SMA cross of the run's close that also wants each other close above its average."""
    document = template_get("sma_cross").document
    for name in symbols:
        average = {"name": "sma", "period": 5, "symbol": name}
        if timeframe:
            average["timeframe"] = timeframe
        document["nodes"] += [
            {"id": f"{name} close", "type": "price", "params": {"symbol": name}},
            {"id": f"{name} average", "type": "indicator", "params": average},
            {"id": f"{name} up", "type": "condition", "params": {"operator": "gt"}},
            {"id": f"{name} enter", "type": "entry", "params": {}},
        ]
        document["edges"] += [
            {"source": s, "target": t, "target_port": p}
            for s, t, p in (
                (f"{name} close", f"{name} average", "source"),
                (f"{name} close", f"{name} up", "left"),
                (f"{name} average", f"{name} up", "right"),
                (f"{name} up", f"{name} enter", "when"),
            )
        ]
    return document


def plan_reading(*symbols):
    plan = graph_compile(graph_parse(document_reading(*symbols)), interval="1d")
    assert plan.lookback == 20
    return plan


def read(plan, **options):
    end = options.pop("end", None)
    stored = bars_read(symbol="WAVE", interval="1d", start=options.pop("start", None), end=end)
    return surroundings_read(plan=plan, stored=stored, end=end, owner_id=None, **options)


@pytest.fixture
def other(waves):
    return store("SPY", daily_bars(np.arange(100.0, 600.0)), calendar="XNYS",
                 timezone="America/New_York")  # fmt: skip


def test_a_run_knows_its_interval_its_sessions_and_its_own_name(waves):
    found = read(plan_reading())
    context = found.context
    assert (context.interval, context.symbol, dict(context.others)) == ("1d", "WAVE", {})
    assert context.sessions.timezone == "UTC"
    assert context.sessions.dates[0] <= daily_bars([1]).ts[0] // 86_400_000_000_000
    assert (found.snapshots, found.warnings) == ({}, ())


def test_another_instrument_is_read_with_its_sessions_and_pinned(other):
    found = read(plan_reading("SPY", "WAVE"))
    assert list(found.context.others) == ["SPY"], "the run's own bars are not read again"
    assert found.context.others["SPY"].close[-1] == 599.0
    assert found.context.other_sessions["SPY"].timezone == "America/New_York"
    assert found.snapshots == {"SPY": other.series.get().content_hash}
    assert found.warnings == ()


def test_of_another_instrument_as_many_bars_before_the_run_are_read_as_it_looks_back(other):
    found = read(plan_reading("SPY"), start=date(2020, 2, 15), end=date(2020, 2, 29))
    days = found.context.others["SPY"].ts.astype("datetime64[ns]").astype("datetime64[D]")
    assert (str(days[0]), str(days[-1])) == ("2020-01-26", "2020-02-29")
    early = read(plan_reading("SPY"), start=date(2020, 1, 10), end=date(2020, 2, 29))
    assert len(early.context.others["SPY"]) == 55, "as many as there are"


def test_bars_from_a_moment_between_two_bars():
    bars = daily_bars([1, 2, 3, 4])
    assert bars_from(bars, first_ts=int(bars.ts[2]) - 5, before=1).close.tolist() == [2, 3, 4]
    assert bars_from(bars, first_ts=int(bars.ts[2]), before=0).close.tolist() == [3, 4]


def test_pinned_bars_are_read_whatever_came_later(other):
    pinned = read(plan_reading("SPY")).snapshots
    history_store(
        instrument=other,
        interval=interval_get("1d"),
        provider="csv",
        history=History.from_bars(daily_bars(np.full(500, 7.0))),
        replace=True,
    )
    assert read(plan_reading("SPY")).context.others["SPY"].close[0] == 7.0
    again = read(plan_reading("SPY"), snapshots=pinned)
    assert again.context.others["SPY"].close[0] == 100.0
    assert again.snapshots == pinned


def test_bars_that_do_not_reach_over_the_run_are_told(waves):
    store("LATE", daily_bars([5.0] * 100))
    (warning,) = read(plan_reading("LATE")).warnings
    assert warning["code"] == "other_bars_short"
    assert "2020-01-06 to 2020-04-14" in warning["message"]


@pytest.mark.parametrize(
    ("symbol", "code", "words"),
    [
        ("NOPE", "unknown_symbol", "reads NOPE, of which there are no 1d bars"),
        ("HOUR", "no_bars", "POST /api/v1/fetches"),
    ],
)
def test_missing_bars_are_an_error_that_says_what_to_fetch(waves, symbol, code, words):
    if symbol == "HOUR":
        from market.models import Instrument

        Instrument.objects.create(symbol="HOUR")
    with pytest.raises(InvalidInput) as caught:
        read(plan_reading(symbol))
    assert caught.value.code == code
    (detail,) = caught.value.details
    assert words in detail.message
    assert detail.path == f"graph.symbols.{symbol}"
    assert detail.expected == {"symbol": symbol, "interval": "1d"}


def test_what_was_known_of_others_at_a_bar_is_cut_off_after_it():
    spy = daily_bars([1, 2, 3, 4])
    context = Context(others={"SPY": spy}, symbol="X")
    cut = context_cut(context, int(spy.ts[1]))
    assert cut.others["SPY"].close.tolist() == [1, 2]
    assert cut.symbol == "X"


# --- through the database ----------------------------------------------------------------------


@pytest.fixture
def reading(user):
    """Return a function that makes a strategy which reads other instruments."""

    def make(*symbols, **options):
        graph = document_reading(*symbols, **options)
        return strategy_create(owner_id=user.id, name="reads others", graph=graph)

    return make


def test_a_run_trades_on_what_another_instrument_did_and_can_be_done_again(
    other, reading, new_run, work
):
    plain = work(new_run("WAVE", "sma_cross"))
    run = work(new_run("WAVE", reading("SPY").id))
    assert (run.status, run.warnings) == ("completed", [])
    # SPY rises all the time, so it is in the market from the first decision on: sooner.
    assert run.trades.get(number=1).entry_bar < plain.trades.get(number=1).entry_bar
    assert run.other_snapshots == {"SPY": other.series.get().content_hash}
    history_store(
        instrument=other,
        interval=interval_get("1d"),
        provider="csv",
        history=History.from_bars(daily_bars(np.linspace(900, 100, 500))),
        replace=True,
    )
    assert run_reproduce(run=run_find(run.id)).identical
    falling = work(new_run("WAVE", run.strategy_id))
    assert falling.other_snapshots != run.other_snapshots
    assert falling.trades.get(number=1).entry_bar == plain.trades.get(number=1).entry_bar


def test_missing_bars_are_told_before_any_run_is_made(api, waves, reading):
    body = {"strategy_id": str(reading("NOPE").id), "symbols": ["WAVE"], "capital": 1000,
            "start": "2020-01-01", "end": "2021-01-01"}  # fmt: skip
    answer = api.post("/api/v1/backtests", body)
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert (detail["path"], detail["code"]) == ("graph.symbols.NOPE", "unknown_symbol")
    assert "POST /api/v1/fetches" in detail["message"]
    assert not BacktestRun.objects.exists()


def test_a_run_shows_what_else_it_read(api, other, reading, new_run, work):
    run = work(new_run("WAVE", reading("SPY").id))
    shown = api.get(f"/api/v1/backtests/{run.id}").json()
    assert shown["other_snapshots"] == run.other_snapshots


def test_a_strategy_that_reads_others_is_proved(api, other, reading):
    url = f"/api/v1/strategies/{reading('SPY', timeframe='1w').id}/verify"
    body = api.post(url, {"symbol": "WAVE"}).json()
    assert (body["ok"], body["look_ahead"]["cuts"], body["replay"]["status"]) == (True, 20, "equal")
    assert list(body["data"]["other_snapshots"]) == ["SPY"]


def test_too_few_bars_of_a_longer_time_frame_are_told_before_any_run_is_made(
    other, reading, new_run
):
    monthly = reading("SPY", timeframe="1mo")
    with pytest.raises(InvalidInput, match=r"needs 5 bars of SPY 1mo.*start earlier"):
        new_run("WAVE", monthly.id, start=date(2020, 1, 6), end=date(2020, 4, 30))
    assert new_run("WAVE", monthly.id, start=date(2020, 1, 6), end=date(2020, 12, 31)).id


# --- warm-up -----------------------------------------------------------------------------------


def test_a_run_says_when_the_warm_up_ate_most_of_the_data(waves, new_run, work):
    run = work(new_run("WAVE", "sma_cross", parameters={"fast": 100, "slow": 300}))
    (warning,) = run.warnings
    assert (warning["code"], warning["node_id"]) == ("warmup_long", "slow")
    assert "at bar 300 of 500 (2020-11-01T00:00:00Z): 60% of the data" in warning["message"]
    assert work(new_run("WAVE", "sma_cross")).warnings == []


# --- files -------------------------------------------------------------------------------------


def csv_of(bars):
    columns = (bars.ts // 10**9, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join(str(cell) for cell in row) for row in zip(*columns, strict=True)]
    return "ts,open,high,low,close,volume\n" + "\n".join(rows)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text(csv_of(daily_bars(100 + np.arange(60.0) % 17)))
    (tmp_path / "spy.csv").write_text(csv_of(daily_bars(np.arange(100.0, 160.0))))
    return tmp_path


def test_options_say_whose_sessions_and_what_else_there_is(files):
    data = filedata_read(
        "goog=own.csv",
        {"calendar": "XNYS", "interval": "1 day", "other": ["spy=spy.csv"]},
    )
    context = data.context
    assert (context.interval, context.symbol) == ("1d", "GOOG")
    assert context.sessions.timezone == "America/New_York"
    assert context.others["SPY"].close[0] == 100.0
    assert data.others["SPY"].path == "spy.csv"
    assert data.periods_per_year == 252.0
    bare = filedata_read("own.csv", OPTIONS)
    assert (bare.context.interval, bare.context.sessions, bare.context.symbol) == (None, None, None)
    assert bare.session_ids is None
    # These bars trade on Saturdays, so a year is taken to have 365 of them.
    assert bare.periods_per_year == 365.0
    around = filedata_read("own.csv", OPTIONS | {"calendar": "24/5"}, sessions_per_year=100)
    assert around.periods_per_year == 100.0


def test_a_graph_of_two_instruments_and_two_time_frames_runs_on_files(files):
    (files / "graph.json").write_text(json.dumps(document_reading("SPY", timeframe="1w")))
    out = io.StringIO()
    arguments = ("--graph", "graph.json", "--bars", "own.csv", "--calendar", "24/7")
    call_command("backtest", *arguments, "--other", "SPY=spy.csv", "--format", "json", stdout=out)
    (trade, *_) = json.loads(out.getvalue())["trades"]
    # Five weeks are over with the bar of Sunday, 9 February, number 34; its close is above their
    # average, so the position opens at the next bar.
    assert trade["entry_bar"] == 35
    with pytest.raises(CommandError, match="SPY"):
        call_command("backtest", *arguments)


def test_the_files_of_others_are_part_of_the_provenance(files):
    out = io.StringIO()
    call_command("backtest", "--template", "sma_cross", "--bars", "own.csv", "--other",
                 "spy=spy.csv", "--calendar", "24/7", "--format", "json", stdout=out)  # fmt: skip
    provenance = json.loads(out.getvalue())["provenance"]
    assert provenance["bars"]["count"] == 60
    assert provenance["others"]["SPY"]["file"] == "spy.csv"
    assert len(provenance["others"]["SPY"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--interval", "soon"], "such as 5m"),
        (["--calendar", "XMARS"], "XMARS"),
        (["--other", "spy.csv"], "SYMBOL=FILE"),
        (["--other", "SPY=nowhere.csv"], "cannot be read"),
    ],
)
def test_a_bad_option_ends_with_one_clear_message(files, arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("backtest", "--template", "sma_cross", "--bars", "own.csv", *arguments)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("goog=a.csv", ("GOOG", "a.csv")),
        ("BRK.B=/data/b.csv", ("BRK.B", "/data/b.csv")),
        ("a.csv", (None, "a.csv")),
        ("/data/a=b.csv", (None, "/data/a=b.csv")),
    ],
)
def test_a_file_may_carry_its_symbol(given, expected):
    assert symbol_and_path(given) == expected
