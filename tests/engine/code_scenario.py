"""Programs with code for tests: written as words, and what their registers hold at every bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.code_lowering import code_layout
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.lowering import first_bar, plan_lower, terms_lower
from core.engine.program import AccountField, Instruction, Op, Program
from core.engine.simulate import NO_FINE, market_of
from core.engine.state import Curves
from core.engine.stretch import Stretch
from core.engine.tables import tables_new

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from core.engine.bars import Bars


def words(*steps: Any) -> tuple[Instruction, ...]:
    """Read code: numbers, "column 0", "load 0", "store 0", a field's name, an operation's.

    An operation with memory gets its first cell, and SHIFT its bars: "bars_since 3", "shift 0 2".
    """
    return tuple(_step(step) for step in steps)


def _step(step: Any) -> Instruction:
    if not isinstance(step, str):
        return Instruction(Op.PUSH, value=float(step))
    name, *rest = step.upper().split()
    if name in AccountField.__members__:
        return Instruction(Op.FIELD, AccountField[name])
    index = int(rest[0]) if rest else 0
    return Instruction(Op[name], index, float(rest[1]) if len(rest) > 1 else 0.0)


def program_of(*steps: Any, columns: int = 0, rules: Any = (), **options: Any) -> Program:
    """Return a program with that code, and as many registers and cells as it needs."""
    code = words(*steps)
    names = tuple(f"column {number}" for number in range(columns))
    options = {"registers": 4, "cells": 40} | options
    return Program(names, tuple(rules), code=code, **options)


def registers(
    bars: Bars, columns: Sequence[NDArray[Any]], program: Program, config: Any = None
) -> NDArray[np.float64]:
    """Return what the registers hold at each close: a run over every prefix of the bars."""
    config = RunConfig.from_mapping(config or {})
    found = np.full((program.registers, len(bars)), np.nan)
    kernel = kernel_load()
    start = first_bar(program, config)
    terms = terms_lower(program, config)
    for count in range(start + 1, len(bars) + 1):
        part = bars.slice(0, count)
        plan = plan_lower(program, [column[:count] for column in columns], config, count)
        tables = tables_new(terms, count, code_layout(program).size)
        curves = Curves(*np.zeros((3, count)))
        stretch = Stretch(start, count, 1.0, 0.0, NO_FINE)
        assert kernel(market_of(part), plan, tables, curves, stretch) == count
        found[:, count - 1] = tables.memory[: program.registers]
    return found


def value(bars: Bars, columns: Sequence[NDArray[Any]], *steps: Any, **options: Any) -> Any:
    """Return what one value of the code is at every close."""
    config = options.pop("config", None)
    program = program_of(*steps, "store 0", columns=len(columns), **options)
    return registers(bars, columns, program, config)[0]
