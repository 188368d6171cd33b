"""The command line: files alone, and batches through the database."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.backtests.files import bars_file_read
from core.backtests.models import BacktestRun
from core.errors import InvalidInput
from strategies.graph.templates import template_get

TINY = """ts,open,high,low,close,volume
2020-01-06T00:00:00Z,100,100,100,100,1
2020-01-07T00:00:00Z,100,110,100,110,1
2020-01-08T00:00:00Z,110,121,110,121,1
2020-01-09T00:00:00Z,121,121,99,99,1
2020-01-10T00:00:00Z,99,108.9,99,108.9,1
"""


@pytest.fixture
def bars(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text(TINY)
    return str(path)


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(template_get("buy_and_hold").document))
    return str(path)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"cash": 1000}')
    return str(path)


def run(*arguments):
    out = io.StringIO()
    call_command("backtest", *arguments, stdout=out)
    return out.getvalue()


def test_files_alone_give_a_result_with_exactly_the_keys_of_the_contract(graph, bars, config):
    # No database: pytest-django refuses every query in a test that did not ask for one.
    output = json.loads(
        run("--graph", graph, "--bars", bars, "--config", config, "--format", "json")
    )
    assert list(output) == ["metrics", "trades", "equity", "warnings", "provenance"]
    assert output["equity"] == [1000, 1000 + 100, 1210, 990, pytest.approx(1089)]
    (trade,) = output["trades"]
    assert trade == {
        "entry_bar": 1,
        "exit_bar": 4,
        "entry_ts": "2020-01-07T00:00:00Z",
        "exit_ts": "2020-01-10T00:00:00Z",
        "side": "long",
        "quantity": 10.0,
        "entry_price": 100.0,
        "exit_price": 108.9,
        "pnl": pytest.approx(89),
        "return": pytest.approx(0.089),
        "commission": 0.0,
        "exit_reason": "end",
    }
    assert output["metrics"]["total_return_pct"] == pytest.approx(8.9)


def test_a_template_and_a_symbol_before_the_file_do_as_well(bars, config):
    output = run("--template", "buy_and_hold", "--bars", f"TINY={bars}", "--config", config,
                 "--format", "csv")  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(output))
    assert (row["side"], row["exit_reason"], row["quantity"]) == ("long", "end", "10.0")


def test_the_table_is_for_people(bars):
    table = run("--template", "buy_and_hold", "--bars", bars)
    assert "total_return_pct" in table
    assert "2020-01-07" in table


def test_the_reference_profile_leaves_at_the_last_open(bars, config):
    output = json.loads(run("--template", "buy_and_hold", "--bars", bars, "--config", config,
                            "--profile", "reference", "--format", "json"))  # fmt: skip
    assert output["trades"][0]["exit_price"] == 99.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--template", "astrology"], "sma_cross"),
        (["--template", "sma_cross"], "bars before"),
        (["--template", "sma_cross", "--set", "fast"], "NAME=VALUE"),
        (["--template", "sma_cross", "--set", "fats=3"], "fast"),
        (["--graph", "/nowhere.json"], "cannot be read"),
        (["--template", "buy_and_hold", "--bars", "b.csv"], "SYMBOL=FILE"),
    ],
)
def test_a_mistake_ends_with_one_clear_message(bars, arguments, words):
    with pytest.raises(CommandError, match=words):
        run("--bars", bars, *arguments)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("1578268800", 1578268800 * 10**9),
        ("1578268800123", 1578268800123 * 10**6),
        ("2020-01-06", 1578268800 * 10**9),
        ("2020-01-06T01:00:00+01:00", 1578268800 * 10**9),
        ("2020-01-06 00:00:00", 1578268800 * 10**9),
    ],
)
def test_times_may_be_iso_or_epoch(tmp_path, first, expected):
    path = tmp_path / "bars.csv"
    path.write_text(f"ts,open,high,low,close\n{first},1,1,1,1\n")
    assert bars_file_read(path).bars.ts.tolist() == [expected]


def test_prices_are_read_to_the_last_bit(tmp_path):
    values = np.random.default_rng(7).uniform(1, 1000, 5000)
    path = tmp_path / "bars.csv"
    lines = [f"{1578268800 + n},{v!r},{v!r},{v!r},{v!r},1" for n, v in enumerate(values.tolist())]
    path.write_text("ts,open,high,low,close,volume\n" + "\n".join(lines))
    assert bars_file_read(path).bars.close.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ts,open,high,low\n1,1,1,1\n", "lacks the columns close"),
        ("ts,open,high,low,close\n1,1,1,1,x\n", "row 0: close is 'x'"),
        ("ts,open,high,low,close\nnoon,1,1,1,1\n", "row 0: ts is 'noon'"),
        # Nanoseconds in 64 bits would have wrapped to 1829, 2072 and less.
        (
            "ts,open,high,low,close\n2999-01-01,1,1,1,1\n",
            "row 0: ts is '2999-01-01', not a time from",
        ),
        ("ts,open,high,low,close\n1,1,1,1,1\n50000000000,1,1,1,1\n", "row 1: ts is '50000000000'"),
        (f"ts,open,high,low,close\n{'9' * 30},1,1,1,1\n", "row 0: ts is '9999"),
        ("ts,open,high,low,close\n2,1,1,1,1\n1,1,1,1,1\n", "bar 1"),
        ("ts,open,high,low,close\n1,1,1,2,1\n", "bar 0"),
        ("", "CSV"),
    ],
)
def test_bad_bars_are_refused_with_their_row(tmp_path, text, words):
    path = tmp_path / "bars.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=words):
        bars_file_read(path)


def batch(path, *arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("run_backtests", str(path), "--user", "trader@example.com", *arguments,
                 stdout=out, stderr=err)  # fmt: skip
    return out.getvalue(), err.getvalue()


def test_a_batch_that_is_run_again_goes_on_where_it_was(tmp_path, tiny, user, work):
    path = tmp_path / "batch.yaml"
    path.write_text(
        "defaults: {strategy: buy_and_hold, ticker: TINY, start: 2020-01-01, end: 2020-02-01}\n"
        "runs:\n- {capital: 1000}\n- {capital: 2000}\n"
    )
    batch(path)
    assert BacktestRun.objects.count() == 2
    for run_ in BacktestRun.objects.all():
        work(run_)
    output, _ = batch(path, "--wait", "--format", "json")
    assert BacktestRun.objects.count() == 2
    rows = json.loads(output)
    assert [(row["entry"], row["status"]) for row in rows] == [(1, "completed"), (2, "completed")]
    assert rows[0]["total_return_pct"] == pytest.approx(8.9)


def test_entries_that_are_refused_are_told_and_the_others_run(tmp_path, tiny, user):
    path = tmp_path / "batch.csv"
    path.write_text(
        "ticker,strategy,start,end,capital\n"
        "TINY,buy_and_hold,2020-01-01,2020-02-01,1000\n"
        "NOPE,buy_and_hold,2020-01-01,2020-02-01,1000\n"
        "TINY,buy_and_hold,soon,2020-02-01,1000\n"
    )
    with pytest.raises(CommandError, match="2 of 3 runs have no result"):
        batch(path)
    assert BacktestRun.objects.count() == 1


def test_a_batch_wants_a_user_that_exists(tmp_path, db):
    with pytest.raises(CommandError, match="no user"):
        batch(tmp_path / "x.yaml")
