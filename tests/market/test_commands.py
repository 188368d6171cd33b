"""The commands of the market, as somebody types them."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rich.progress import Progress

from market.models import BarSeries, Instrument
from market.providers import sample
from market.store import bars_read

CSV = "ts,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,100\n"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_load_sample_data_loads_all_and_once():
    rows = json.loads(run("load_sample_data", "--format", "json"))
    assert [(row["symbol"], row["interval"], row["rows"]) for row in rows] == [
        ("AAPL", "1d", 3270),
        ("GOOG", "1d", 2148),
        ("IBM", "1d", 3270),
        ("MSFT", "1d", 3270),
        ("EURUSD", "1h", 5000),
    ]
    before = set(BarSeries.objects.values_list("id", "content_hash"))
    table = run("load_sample_data")
    assert set(BarSeries.objects.values_list("id", "content_hash")) == before
    assert "GOOG" in table
    assert "2,148" in table
    goog = Instrument.objects.get(symbol="GOOG")
    assert (goog.calendar, goog.periods_per_year, goog.exchange) == ("XNYS", 252, "NASDAQ")


@pytest.mark.django_db
def test_load_sample_data_goes_on_without_the_optional_package(monkeypatch):
    monkeypatch.setattr(sample.importlib.util, "find_spec", lambda _: None)
    text = run("load_sample_data")
    assert "optional package" in text
    assert BarSeries.objects.count() == 4


@pytest.mark.django_db
def test_fetch_bars_downloads_into_the_shared_series():
    text = run(
        "fetch_bars", "ibm", "aapl", "--provider", "sample", "--start", "2013-02-01",
        "--end", "2013-02-28", "--format", "json",
    )  # fmt: skip
    assert [(row["symbol"], row["rows"]) for row in json.loads(text)] == [("IBM", 19), ("AAPL", 19)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("NOSUCH", "--provider", "sample"), "no sample of NOSUCH"),
        (("GOOG", "--provider", "sample", "--interval", "7d"), "'7d' is not an interval"),
        (("GOOG", "--provider", "sample", "--start", "01/02/2013"), "write it as 2024-01-31"),
        (("GOOG", "--start", "2013-01-02", "--end", "2013-01-01"), "swap them"),
    ],
)
def test_fetch_bars_tells_what_was_wrong_in_one_line(words, told):
    with pytest.raises(CommandError, match=told) as caught:
        run("fetch_bars", *words)
    assert "\n" not in str(caught.value)


@pytest.mark.django_db
def test_fetch_bars_goes_on_with_the_others_where_one_symbol_fails():
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 failed: NOSUCH"):
        call_command(
            "fetch_bars", "IBM", "NOSUCH", "AAPL", "--provider", "sample", "--format", "csv",
            stdout=out, stderr=err,
        )  # fmt: skip
    assert [line.split(",")[:2] for line in out.getvalue().splitlines()] == [
        ["symbol", "interval"], ["IBM", "1d"], ["AAPL", "1d"]
    ]  # fmt: skip
    assert "NOSUCH: There is no sample" in err.getvalue()


@pytest.mark.django_db
def test_import_bars_stores_a_file_for_everybody_or_for_one(tmp_path, user):
    path = tmp_path / "bars.csv"
    path.write_text(CSV)
    run("import_bars", str(path), "--symbol", "mine", "--owner", "ann@example.com")
    run("import_bars", str(path), "--symbol", "ours", "--asset-class", "crypto")
    assert bars_read(symbol="MINE", interval="1d", owner_id=user.id).bars.close.tolist() == [11, 12]
    assert Instrument.objects.get(symbol="MINE").owner == user
    ours = bars_read(symbol="OURS", interval="1d").instrument
    assert (ours.owner, ours.calendar, ours.periods_per_year) == (None, "24/7", 365)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (CSV + "2024-01-04,1,2,3,4,5\n", (), r"bar 2"),
        (CSV, ("--interval", "1w"), "too soon for 1w bars"),
        (CSV.replace("2024-01-03", "2024-01-03T05:00Z"), (), "date of their session"),
        (CSV, ("--owner", "nobody@example.com"), "no user nobody@example.com"),
        (CSV, ("--calendar", "MARS"), "not a calendar"),
        (CSV, ("--timezone", "Mars/Olympus"), "not a time zone"),
        (CSV, ("--timezone", "../../etc/passwd"), "not a time zone"),
    ],
)
def test_import_bars_stores_nothing_where_something_is_wrong(tmp_path, text, options, told):
    path = tmp_path / "bars.csv"
    path.write_text(text)
    with pytest.raises(CommandError, match=told):
        run("import_bars", str(path), "--symbol", "X", *options)
    assert not BarSeries.objects.exists()
    assert not Instrument.objects.exists()


@pytest.mark.django_db
def test_import_bars_tells_of_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run("import_bars", str(tmp_path / "none.csv"), "--symbol", "X")


def test_import_bars_shows_how_a_file_is_understood_before_it_is_stored(db, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("Day;First;Top;Bottom;Last\n31.01.2024;1,5;2;1;1,75\n")
    columns = [f"--column={pair}" for pair in ("open=First", "high=Top", "low=Bottom")]
    out, err = StringIO(), StringIO()
    call_command("import_bars", str(path), "--preview", *columns, stdout=out, stderr=err)
    assert "1.75" in out.getvalue()
    assert "%d.%m.%Y" in err.getvalue()
    assert not BarSeries.objects.exists()
    with pytest.raises(CommandError, match="Of which symbol"):
        call_command("import_bars", str(path), *columns, stdout=StringIO())
    call_command("import_bars", str(path), "--symbol", "x", *columns, stdout=StringIO())
    assert BarSeries.objects.get().last_close == 1.75


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.django_db
def test_a_terminal_is_shown_a_bar_and_a_pipe_none(monkeypatch, tmp_path):
    said: list[tuple[str, float | None]] = []
    update = Progress.update

    def told(bar, task, **changes):
        said.append((changes["description"], changes["completed"]))
        update(bar, task, **changes)

    monkeypatch.setattr(Progress, "update", told)
    words = {"provider": "sample", "start": date(2013, 1, 2), "end": date(2013, 1, 31)}
    for stream in (Terminal(), StringIO()):
        call_command("fetch_bars", "IBM", stdout=StringIO(), stderr=stream, **words)
    assert said == [("IBM 1d 21 bars", pytest.approx(29 / 30))]
    assert stream.getvalue() == ""
    file = tmp_path / "bars.csv"
    file.write_text("ts,open,high,low,close\n2024-01-02,1,2,0.5,1\n")
    screen = Terminal()
    call_command("import_bars", str(file), symbol="NEW", stdout=StringIO(), stderr=screen)
    assert said[-1] == ("reading bars.csv", 1.0)
    assert "100%" in screen.getvalue()


@pytest.mark.django_db
def test_ctrl_c_ends_a_command_in_one_line_and_stores_nothing(monkeypatch):
    def pressed(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("market.management.commands.fetch_bars.bars_download", pressed)
    with pytest.raises(CommandError, match="Stopped") as caught:
        run("fetch_bars", "IBM", "--provider", "sample")
    assert caught.value.returncode == 130
    assert not BarSeries.objects.exists()
