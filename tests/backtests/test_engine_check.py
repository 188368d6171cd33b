"""`manage.py verify_engine`: the comparison with the reference engine, as a table."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sys
from collections import Counter

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.backtests import replay
from core.backtests.engine_check import RANDOM_A_ROW, scenarios_check
from core.backtests.scenarios import scenario_draw
from core.engine.program import Op, OrderKind, TimeInForce
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from strategies.graph.templates import TEMPLATES

pytest.importorskip("backtesting", reason="the reference engine is optional (AGPL-3.0)")


def run(*arguments):
    out = io.StringIO()
    call_command("verify_engine", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def rows():
    return json.loads(run("--symbols", "goog", "--random", "150", "--format", "json"))["rows"]


def test_every_template_and_every_random_program_is_compared(rows):
    of_templates, at_random = rows[:-2], rows[-2:]
    assert {row["strategy"] for row in of_templates} == set(TEMPLATES)
    assert {row["costs"] for row in of_templates} == {"free", "costly"}
    assert [row["strategy"] for row in at_random] == ["random 0 to 99", "random 100 to 149"]
    assert [row["runs"] for row in at_random] == [RANDOM_A_ROW, 50]
    assert sum(row["trades"] for row in at_random) > 1_000
    assert {row["status"] for row in at_random} == {"equal"}
    assert {row["status"] for row in of_templates} <= {"equal", "not_run"}
    assert all(bool(row["message"]) == (row["status"] != "equal") for row in rows)


def test_the_table_and_csv_hold_the_same_rows():
    arguments = ("--symbols", "IBM", "--random", "2", "--seed", "40")
    assert "random 40 to 41" in run(*arguments)
    (*_, last) = csv.DictReader(io.StringIO(run(*arguments, "--format", "csv")))
    assert (last["strategy"], last["runs"], last["status"]) == ("random 40 to 41", "2", "equal")


def test_a_wrong_engine_ends_with_an_error_and_names_the_seed(monkeypatch):
    honest = replay.simulate

    def generous(*arguments, **options):
        result = honest(*arguments, **options)
        trades = result.trades.copy()
        trades["pnl"] = np.nextafter(trades["pnl"], np.inf)
        return dataclasses.replace(result, trades=trades)

    monkeypatch.setattr(replay, "simulate", generous)
    out = io.StringIO()
    with pytest.raises(CommandError, match="comparisons differ"):
        call_command("verify_engine", "--symbols", "GOOG", "--random", "10", "--format", "csv",
                     stdout=out)  # fmt: skip
    (*_, last) = csv.DictReader(io.StringIO(out.getvalue()))
    assert last["status"] == "different"
    assert "Seed " in last["message"]
    assert "pnl is" in last["message"]


def test_where_nothing_can_be_compared_that_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "backtesting", None)
    with pytest.raises(CommandError, match="pip install backtesting"):
        run("--symbols", "GOOG", "--random", "1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--symbols", "WAVE"], "no sample of WAVE"), (["--random", "-1"], "0 or more")],
)
def test_a_mistake_ends_with_one_clear_message(arguments, words):
    with pytest.raises(CommandError, match=words):
        run(*arguments)


def test_a_scenario_is_a_function_of_its_seed():
    one, same, other = (scenario_draw(seed) for seed in (5, 5, 6))
    assert one.bars.close.tobytes() == same.bars.close.tobytes() != other.bars.close.tobytes()
    assert (one.program, one.config) == (same.program, same.config)
    assert all(np.array_equal(a, b, equal_nan=a.dtype == float)
               for a, b in zip(one.columns, same.columns, strict=True))  # fmt: skip


def test_every_other_scenario_looks_at_its_position_and_trades():
    drawn = [scenario_draw(seed) for seed in range(60)]
    assert [bool(one.program.code) for one in drawn] == [bool(seed % 2) for seed in range(60)]
    (row,) = scenarios_check(count=1, seed=5)
    assert (row.status, row.trades > 0) == ("equal", True)


def test_scenarios_cover_both_sides_every_guard_and_costs():
    drawn = [scenario_draw(seed) for seed in range(60)]
    guards = {
        guard.kind
        for one in drawn
        for rule in one.program.rules
        for guard in (rule.stop_loss, rule.take_profit)
        if guard
    }
    assert len(guards) == 3
    assert {one.config.margin < 1 for one in drawn} == {True, False}
    assert {one.config.trade_on_close for one in drawn} == {True, False}
    assert {rule.operation for one in drawn for rule in one.program.rules} == {1, 2, 3, 4, 5, 6}
    assert next(scenarios_check(count=3, seed=7)).strategy == "random 7 to 9"


def test_what_the_reference_knows_happens_in_random_scenarios():
    """Every way in and out, every time in force, every operation of the code."""
    ways_in, ways_out, forces, operations = set(), set(), set(), set()
    counted = Counter()
    for one in map(scenario_draw, range(200)):
        operations |= {step.op for step in one.program.code}
        result = simulate(one.bars, one.columns, one.program, one.config, sessions=one.sessions)
        counted.update({name for name, value in result.counters.items() if value})
        ways_out |= set(result.trades["exit_reason"].tolist())
        for number in result.trades["entry_rule"].tolist():
            order = one.program.rules[number].order
            ways_in.add(order.kind)
            forces.add(order.time_in_force)
    assert ways_in == set(OrderKind) - {OrderKind.TRAILING_STOP}
    assert ways_out == {
        *(ExitReason.SIGNAL, ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT),
        *(ExitReason.REVERSAL, ExitReason.END, ExitReason.RUIN),
    }
    assert forces == set(TimeInForce)
    assert operations == set(Op)
    assert set(counted) >= {
        *("ambiguous_bars", "rejected_unaffordable", "rejected_stop", "rejected_price", "expired"),
        *("ruined", "closed_at_end", "waiting_at_end"),
    }
