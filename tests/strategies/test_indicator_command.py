from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]
CLOSES = [10.0, 11.0, 12.0, 14.0, 13.0]


@pytest.fixture
def bars(tmp_path):
    path = tmp_path / "bars.csv"
    rows = [
        f"2024-01-0{day},{close},{close + 1},{close - 1},{close},{100 * day}"
        for day, close in enumerate(CLOSES, 1)
    ]
    path.write_text("\n".join(["ts,open,high,low,close,volume", *rows]) + "\n")
    return path


def printed(*args, **options):
    out = io.StringIO()
    call_command("indicator", *args, stdout=out, **options)
    return out.getvalue()


def test_csv_has_a_column_per_output_and_is_empty_before_warm_up(bars):
    rows = list(
        csv.reader(
            printed("SMA", "--set", "period=3", "--bars", str(bars), format="csv").splitlines()
        )
    )
    assert rows[0] == ["ts", "value"]
    assert [row[1] for row in rows[1:3]] == ["", ""]
    means = [(10 + 11 + 12) / 3, (11 + 12 + 14) / 3, (12 + 14 + 13) / 3]
    assert [float(row[1]) for row in rows[3:]] == pytest.approx(means)
    assert rows[1][0] == "2024-01-01T00:00:00Z"


def test_json_names_parameters_and_warm_up(bars):
    text = printed(
        "sma", "--set", "timeperiod=2", "--input", "source=high", "--bars", str(bars), format="json"
    )
    found = json.loads(text)
    assert found["params"] == {"period": 2}
    assert found["lookback"] == 1
    assert found["outputs"]["value"] == [None, 11.5, 12.5, 14.0, 14.5]
    assert len(found["ts"]) == 5


def test_a_table_is_for_looking_at(bars):
    text = printed("bollinger_bands", "--set", "period=2", "--bars", str(bars))
    assert "upper" in text
    assert "the last of 5 bars" in text


@pytest.fixture
def two_sessions(tmp_path):
    """Hourly bars of two sessions in New York, on both sides of the change to summer time."""
    path = tmp_path / "hours.csv"
    opens = {"2024-03-08": ("14:30", "15:30", "16:30"), "2024-03-11": ("13:30", "14:30", "15:30")}
    times = [f"{day}T{at}Z" for day, hours in opens.items() for at in hours]
    rows = [f"{ts},{p},{p + 1},{p - 1},{p},100" for p, ts in enumerate(times, 10)]
    path.write_text("\n".join(["ts,open,high,low,close,volume", *rows]) + "\n")
    return path


def test_sessions_are_those_of_the_calendar_given(two_sessions):
    def shown(name, *args):
        text = printed(name, *args, "--bars", str(two_sessions), format="json")
        return json.loads(text)["outputs"]

    new_york = ("--calendar", "XNYS")
    assert shown("session_vwap", *new_york)["value"] == [10, 10.5, 11, 13, 13.5, 14]
    assert shown("previous_session", *new_york)["high"] == [None] * 3 + [13] * 3
    opening = shown("opening_range", "--set", "minutes=60", *new_york)
    assert opening["low"] == [None, 9, 9, None, 12, 12]
    # a day of UTC does not begin with these bars, so nothing is known of the first one
    assert shown("session_vwap")["value"] == [None, None, None, 13, 13.5, 14]


def test_bars_of_a_day_are_sessions_themselves(bars):
    text = printed("previous_session", "--calendar", "XASX", "--bars", str(bars), format="json")
    # Sydney rests on the first of January: that bar belongs to the session after
    assert json.loads(text)["outputs"]["close"] == [None, None, 11, 12, 14]
    text = printed("previous_session", "--bars", str(bars), format="json")
    assert json.loads(text)["outputs"]["close"] == [None, *CLOSES[:-1]]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["session_range", "--calendar", "XNOWHERE"], "'XNOWHERE' is not a calendar"),
        (["emma"], "no indicator 'emma'"),
        (["ema", "--set", "period=0"], "params.period"),
        (["ema", "--set", "period"], "NAME=VALUE"),
        (["ema", "--input", "source=price"], "inputs.source"),
        (["ema", "--input", "left=high"], "no input 'left'"),
    ],
)
def test_what_is_wrong_is_said_with_how_to_fix_it(bars, args, words):
    with pytest.raises(CommandError, match=words):
        printed(*args, "--bars", str(bars))


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.csv"):
        printed("ema", "--bars", str(tmp_path / "nothing.csv"))


def test_it_works_where_there_is_no_database(bars):
    dead = {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "manage.py", "indicator", "ema", "--set", "period=2"]
    done = subprocess.run(
        [*command, "--bars", str(bars), "--format", "csv"],
        cwd=ROOT,
        env={**os.environ, **dead},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 6


def test_a_reader_that_has_seen_enough_is_no_error():
    with subprocess.Popen(
        [sys.executable, "manage.py", "version"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""
