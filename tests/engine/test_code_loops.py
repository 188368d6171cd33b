"""Loops and waits, bar by bar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.simulate import simulate
from tests.engine.code_scenario import program_of, registers
from tests.engine.scenario import flat, market

COUNT = 14
ONE = Size(SizeKind.UNITS, 1.0)
FOREVER = np.inf
ALWAYS = tuple(range(COUNT))


def at(*bars: int) -> Any:
    truths = np.zeros(COUNT, np.bool_)
    truths[list(bars)] = True
    return truths


def true_at(values: Any) -> list[int]:
    return np.flatnonzero(values == 1.0).tolist()


def loop(every: float, most: float, *rules: Rule) -> Program:
    """A loop over the columns 0 (when) and 1 (while), which buys; its exit is column 2."""
    steps = ("column 0", "column 1", every, most, "loop 0", "store 0")
    buy = Rule(Operation.OPEN_LONG, -1, ONE, guard=0, max_entries=20)
    return program_of(*steps, columns=4, rules=(buy, *rules))


def runs(
    program: Program, when: Any, going_on: Any = ALWAYS, leave: Any = (), other: Any = (),
    bars: Any = None, **config: Any,
) -> list[int]:  # fmt: skip
    columns = [at(*when), at(*going_on), at(*leave), at(*other)]
    return true_at(registers(bars or flat(*[10] * COUNT), columns, program, config)[0])


LEAVE = Rule(Operation.CLOSE, 2)


def test_a_loop_runs_at_once_and_every_so_many_bars_and_no_more_than_it_may() -> None:
    assert runs(loop(2, 3), when=[1]) == [1, 3, 5]
    assert runs(loop(1, 4), when=[1]) == [1, 2, 3, 4]
    assert runs(loop(5, 100), when=[0]) == [0, 5, 10]
    assert runs(loop(2, 3), when=[]) == []


def test_a_loop_that_is_under_way_does_not_begin_again() -> None:
    assert runs(loop(3, 100), when=[1, 2, 3, 5]) == [1, 4, 7, 10, 13]


def test_a_loop_ends_where_while_is_not_true_and_waits_for_when() -> None:
    until_four = [bar for bar in ALWAYS if bar != 4]
    assert runs(loop(2, 100), when=[1], going_on=until_four) == [1, 3]
    assert runs(loop(2, 100), when=[1, 8], going_on=until_four) == [1, 3, 8, 10, 12]
    # Nothing starts where both are said at once.
    assert runs(loop(2, 100), when=[4], going_on=until_four) == []


def test_two_runs_are_never_closer_than_every() -> None:
    without_two = [bar for bar in ALWAYS if bar != 2]
    assert runs(loop(4, 100), when=[1, 3], going_on=without_two) == [1, 5, 9, 13]


def test_the_count_starts_anew_when_a_position_has_been_closed() -> None:
    # Runs at 1 and 3, which is all it may. The exit fills at bar 6 and ends the loop.
    assert runs(loop(2, 2, LEAVE), when=[1], leave=[5]) == [1, 3]
    assert runs(loop(2, 2, LEAVE), when=[1, 8], leave=[5]) == [1, 3, 8, 10]
    assert runs(loop(2, 2, LEAVE), when=[1, 4], leave=[5]) == [1, 3]  # 4 was before the exit
    # At the bar of the exit itself it may begin.
    assert runs(loop(2, 2, LEAVE), when=[1, 6], leave=[5]) == [1, 3, 6, 8]


def test_a_part_that_is_closed_ends_nothing() -> None:
    half = Rule(Operation.CLOSE, 2, fraction=0.5)
    assert runs(loop(2, 3, half), when=[1], leave=[4]) == [1, 3, 5]
    assert runs(loop(2, 2, half), when=[1], leave=[4]) == [1, 3]


def test_a_loop_without_end_goes_on_after_each_exit_at_once() -> None:
    assert runs(loop(3, 2, LEAVE), when=ALWAYS, leave=[6]) == [0, 3, 7, 10]


def test_a_stop_loss_in_the_bar_of_the_entry_ends_the_loop() -> None:
    rows = [(10, 10, 10, 10)] * 2 + [(10, 10, 9, 9)] + [(9, 9, 9, 9)] * (COUNT - 3)
    steps = ("column 0", "column 1", 2, 100, "loop 0", "store 0")
    guarded = Rule(
        Operation.OPEN_LONG, -1, ONE, guard=0, stop_loss=Stop(StopKind.PERCENT, 0.05)
    )  # fmt: skip
    program = program_of(*steps, columns=4, rules=(guarded,))
    assert runs(program, when=[1], bars=market(rows)) == [1]


def test_a_reversal_starts_the_count_anew_but_not_the_loop() -> None:
    sell = Rule(Operation.OPEN_SHORT, 3, ONE)
    # Two buys are all it may, until the sale at 7 reverses them: then it buys back at 8, which
    # closes the short and starts the count once more.
    assert runs(loop(2, 2, sell), when=[1], other=[6]) == [1, 3, 7, 9, 11]
    assert runs(loop(2, 2), when=[1]) == [1, 3]


def test_a_run_counts_though_its_order_is_rejected() -> None:
    steps = ("column 0", "column 1", 2, 3, "loop 0", "store 0")
    dear = Rule(Operation.OPEN_LONG, -1, Size(SizeKind.UNITS, 5_000.0), guard=0, max_entries=20)
    program = program_of(*steps, columns=4, rules=(dear,))
    assert runs(program, when=[1]) == [1, 3, 5]
    columns = [at(1), at(*ALWAYS), at(), at()]
    result = simulate(flat(*[10] * COUNT), columns, program, RunConfig())
    assert result.counters["rejected_unaffordable"] == 3


def test_what_a_loop_runs_adds_to_the_position() -> None:
    columns = [at(1), at(*ALWAYS), at(9), at()]
    result = simulate(flat(*[10] * COUNT), columns, loop(2, 3, LEAVE), RunConfig())
    assert result.position.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 0, 0, 0, 0]


def test_two_loops_keep_their_own_counts() -> None:
    steps = (
        "column 0", "column 1", 2, 2, "loop 0", "store 0",
        "column 3", "column 1", 3, 2, "loop 4", "store 1",
    )  # fmt: skip
    columns = [at(1), at(*ALWAYS), at(), at(2)]
    program = program_of(*steps, columns=4)
    first, second = registers(flat(*[10] * COUNT), columns, program)[:2]
    assert true_at(first) == [1, 3]
    assert true_at(second) == [2, 5]


def waits(
    trigger: Any, bars: float, until: Any = ALWAYS, timeout: float = FOREVER, **options: Any
) -> list[int]:
    program = program_of(
        "column 0", "column 1", bars, timeout, "wait 5", "store 0", columns=2, **options
    )
    return true_at(registers(flat(*[10] * COUNT), [at(*trigger), at(*until)], program)[0])


def test_a_wait_ends_so_many_bars_after_its_trigger() -> None:
    assert waits([1], bars=3) == [4]
    assert waits([1], bars=1) == [2]
    assert waits([1], bars=0) == [2]  # never at the bar of the trigger
    assert waits([12], bars=3) == []


def test_a_trigger_during_a_wait_is_not_heard_and_at_its_end_begins_the_next() -> None:
    assert waits([1, 2, 3], bars=3) == [4]
    assert waits([1, 4], bars=3) == [4, 7]
    assert waits(ALWAYS, bars=4) == [4, 8, 12]
    assert waits([1, 2, 3, 4], bars=1) == [2, 3, 4, 5]


def test_a_wait_ends_where_until_is_true_but_not_too_soon() -> None:
    assert waits([1], bars=0, until=[1, 6, 7]) == [6]
    assert waits([1], bars=3, until=[2, 3, 6]) == [6]
    assert waits([1], bars=3, until=[4]) == [4]
    assert waits([1], bars=0, until=[]) == []


def test_a_wait_that_lasts_too_long_has_no_end() -> None:
    assert waits([1], bars=0, until=[6], timeout=5) == [6]
    assert waits([1], bars=0, until=[6], timeout=4) == []
    assert waits([1, 3], bars=0, until=[6, 9], timeout=4) == []  # 3 was not heard
    assert waits([1, 5], bars=0, until=[6, 9], timeout=4) == [6]  # given up at 5, begun anew
    assert waits([1], bars=6, timeout=4) == []


@pytest.mark.parametrize("timeout", [np.nan, np.inf])
def test_a_wait_without_a_timeout_waits(timeout: float) -> None:
    expected = [13] if np.isinf(timeout) else []
    assert waits([0], bars=0, until=[13], timeout=timeout) == expected


def test_a_loop_after_a_wait_after_an_entry() -> None:
    # The entry at 1 waits two bars, then the loop buys twice, four bars apart.
    steps = (
        "column 0", 1.0, 2, FOREVER, "wait 0",
        1.0, 4, 2, "loop 2", "store 0",
    )  # fmt: skip
    program = program_of(*steps, columns=2)
    assert true_at(registers(flat(*[10] * COUNT), [at(1), at()], program)[0]) == [3, 7]
