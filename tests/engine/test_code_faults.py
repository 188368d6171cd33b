"""Code that does not fit is refused, every fault of it at once and by its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.program import Instruction, Op, Operation, Program, Rule, Stop, StopKind
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.code_scenario import words
from tests.engine.scenario import flat


def faults(*steps: Any, rules: Any = (), config: Any = None, **options: Any) -> dict[str, str]:
    code = tuple(s if isinstance(s, Instruction) else words(s)[0] for s in steps)
    options = {"registers": 2, "cells": 4} | options
    columns = [np.zeros(3, np.bool_), np.ones(3), np.ones(3, np.int64)]
    program = Program(("a", "b", "c"), tuple(rules), code=code, **options)
    with pytest.raises(InvalidInput) as caught:
        simulate(flat(1, 1, 1), columns, program, RunConfig.from_mapping(config or {}))
    return {detail.path: detail.message for detail in caught.value.details}


@pytest.mark.parametrize(
    ("steps", "path", "words_of_it"),
    [
        (("add", "store 0"), "program.code[0].op", "ADD needs 2 numbers on the stack, found 0"),
        ((1, "greater", "store 0"), "program.code[1].op", "GREATER needs 2"),
        ((1, 1, 1, "loop 0", "store 0"), "program.code[3].op", "LOOP needs 4"),
        (("store 0",), "program.code[0].op", "STORE needs 1"),
        ((1, 2, "store 0"), "program.code", "must leave nothing on the stack, found 1"),
        (("column 3", "store 0"), "program.code[0].index", "one of the 3 columns, found 3"),
        (("column -1", "store 0"), "program.code[0].index", "one of the 3 columns"),
        (("column 2", "store 0"), "program.code[0].index", "bool or float64, found 'int64'"),
        ((Instruction(Op.FIELD, 15), "store 0"), "program.code[0].index", "an AccountField"),
        ((Instruction(Op.FIELD, -1), "store 0"), "program.code[0].index", "an AccountField"),
        ((1, "store 2"), "program.code[1].index", "one of the 2 registers, found 2"),
        (("load 0", "store 0"), "program.code[0].index", "stored by an instruction before"),
        ((1, "bars_since 4", "store 0"), "program.code[1].index", "must leave 1 of the 4 cells"),
        ((1, "shift 1 4", "store 0"), "program.code[1].index", "must leave 5 of the 4 cells"),
        ((1, "shift -1 1", "store 0"), "program.code[1].index", "must leave 2 of the 4 cells"),
        ((1, "shift 0 1.5", "store 0"), "program.code[1].value", "whole number of bars"),
        ((1, "shift 0 -1", "store 0"), "program.code[1].value", "whole number of bars"),
        ((1, "shift 0 inf", "store 0"), "program.code[1].value", "whole number of bars"),
        ((1, 1, 1, 1, "loop 1", "store 0"), "program.code[4].index", "must leave 4 of the 4"),
    ],
)
def test_an_instruction_that_does_not_fit_is_named(steps: Any, path: str, words_of_it: str) -> None:
    found = faults(*steps)
    assert words_of_it in found[path]


def test_an_unknown_operation_is_named() -> None:
    assert set(faults(Instruction(99))) == {"program.code[0].op"}  # type: ignore[arg-type]


def test_cells_belong_to_one_instruction() -> None:
    found = faults(1, "shift 0 2", "bars_since 2", "store 0")
    assert found["program.code[2].index"].startswith(
        "program.code[2].index shares cell 2 with instruction 1"
    )


def test_every_fault_is_told_at_once() -> None:
    found = faults("column 9", "load 1", "add", "store 7", "store 0", cells=-1)
    assert set(found) == {
        "program.cells", "program.code[0].index", "program.code[1].index",
        "program.code[3].index", "program.code[4].op",
    }  # fmt: skip


def test_what_rules_say_of_registers_is_checked() -> None:
    rules = (
        Rule(Operation.CLOSE, -1, guard=1),
        Rule(Operation.CLOSE, -2),
        Rule(Operation.OPEN_LONG, 0, stop_loss=Stop(StopKind.PRICE, register=5)),
        Rule(Operation.OPEN_LONG, 0, take_profit=Stop(StopKind.PRICE, column=1, register=0)),
        Rule(Operation.OPEN_LONG, 0, max_entries=-1),
    )
    assert set(faults(1, "store 0", rules=rules)) == {
        "program.rules[0].guard", "program.rules[1].trigger",
        "program.rules[2].stop_loss.register", "program.rules[3].take_profit.column",
        "program.rules[4].max_entries",
    }  # fmt: skip


def test_the_reference_holds_one_entry_at_a_time() -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, max_entries=3),)
    found = faults(1, "store 0", rules=rules, config={"profile": "reference"})
    assert "one entry at a time" in found["program.rules[0].max_entries"]
