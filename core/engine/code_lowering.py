"""The postfix code as the kernel reads it: checked step by step, and places for indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.program import AccountField, Instruction, Op, Program
from core.engine.state import STEP
from core.errors import Detail

_UNARY: Final = (
    Op.STORE, Op.ABSOLUTE, Op.NEGATE, Op.LOGARITHM, Op.SQUARE_ROOT, Op.NOT, Op.BARS_SINCE,
    Op.RUN_LENGTH, Op.SHIFT,
)  # fmt: skip
_OPERANDS: Final = (
    dict.fromkeys(Op, 2)
    | dict.fromkeys((Op.PUSH, Op.COLUMN, Op.FIELD, Op.LOAD), 0)
    | dict.fromkeys(_UNARY, 1)
    | dict.fromkeys((Op.LOOP, Op.WAIT), 4)
)
_CELLS: Final = {
    Op.CROSS_ABOVE: 1, Op.BARS_SINCE: 1, Op.RUN_LENGTH: 1, Op.SHIFT: 1, Op.LOOP: 4, Op.WAIT: 2,
}  # fmt: skip
_READ_AHEAD: Final = 2  # operands an operation looks at, whether it takes them or not


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a program's memory is: registers from 0 on, then cells, then the stack.

    Attributes
    ----------
    stack, size : int
        Place of the stack, and how many numbers there are in all.
    """

    stack: int
    size: int


def code_layout(program: Program) -> Layout:
    """Return the layout of the memory of a program whose code has no fault."""
    depth = deepest = 0
    for step in program.code:
        depth += (step.op != Op.STORE) - _OPERANDS[step.op]
        deepest = max(deepest, depth)
    stack = program.registers + program.cells
    return Layout(stack, stack + deepest + _READ_AHEAD if program.code else 0)


def code_lower(program: Program, rows: Mapping[int, int]) -> NDArray[Any]:
    """Return the steps of the code; `rows` tells where each column is in `Plan.series`."""
    steps = []
    for step in program.code:
        index = step.index
        if step.op == Op.COLUMN:
            index = rows[index]
        elif step.op in _CELLS:
            index += program.registers
        steps.append((step.op, _OPERANDS[step.op], index, step.value))
    return np.array(steps, STEP)


def code_columns(program: Program) -> set[int]:
    """Return the columns that the code reads."""
    return {step.index for step in program.code if step.op == Op.COLUMN}


def registers_stored(program: Program) -> frozenset[int]:
    """Return the registers that the code fills at every bar."""
    return frozenset(step.index for step in program.code if step.op == Op.STORE)


def code_faults(program: Program, columns: Sequence[NDArray[Any]]) -> list[Detail]:
    """Return what is wrong with the code, a detail for each instruction that does not fit."""
    check = _CodeCheck(program, columns)
    for number, step in enumerate(program.code):
        check.step(number, step)
    check.end()
    return check.found


class _CodeCheck:
    """Walks over the code once, as the interpreter does at every bar."""

    def __init__(self, program: Program, columns: Sequence[NDArray[Any]]) -> None:
        self.program = program
        self.columns = columns
        self.depth = 0
        self.stored: set[int] = set()
        self.taken: dict[int, int] = {}
        self.path = "program"
        self.found: list[Detail] = []
        for key in ("registers", "cells"):
            count = getattr(program, key)
            self._require(count >= 0, key, "must be 0 or more", count)

    def step(self, number: int, step: Instruction) -> None:
        """Check one instruction in its place."""
        self.path = f"program.code[{number}]"
        if step.op not in _OPERANDS:
            self._require(False, "op", "must be an Op", step.op)  # noqa: FBT003 - it is none
            return
        operands = _OPERANDS[step.op]
        wanted = f"needs {operands} numbers on the stack"
        self._require(self.depth >= operands, "op", f"{step.op.name} {wanted}", self.depth)
        self.depth = max(self.depth - operands, 0) + (step.op != Op.STORE)
        self._index(step)
        if step.op in _CELLS:
            self._cells(number, step)

    def end(self) -> None:
        """Check what the code leaves behind."""
        self.path = "program"
        self._require(self.depth == 0, "code", "must leave nothing on the stack", self.depth)

    def _index(self, step: Instruction) -> None:
        index, registers = step.index, self.program.registers
        if step.op == Op.COLUMN:
            count = len(self.columns)
            exists = 0 <= index < count
            self._require(exists, "index", f"must be one of the {count} columns", index)
            if exists:
                kind = self.columns[index].dtype
                known = kind in (np.dtype(np.bool_), np.dtype(np.float64))
                self._require(known, "index", "must be a column of bool or float64", str(kind))
        elif step.op == Op.FIELD:
            fields = len(AccountField)
            self._require(0 <= index < fields, "index", "must be an AccountField", index)
        elif step.op == Op.STORE:
            rule = f"must be one of the {registers} registers"
            self._require(0 <= index < registers, "index", rule, index)
            self.stored.add(index)
        elif step.op == Op.LOAD:
            rule = "must be a register stored by an instruction before"
            self._require(index in self.stored, "index", rule, index)

    def _cells(self, number: int, step: Instruction) -> None:
        count = _CELLS[step.op]
        if step.op == Op.SHIFT:
            whole = step.value == int(step.value) if np.isfinite(step.value) else False
            bars = whole and step.value >= 0
            self._require(bars, "value", "must be a whole number of bars", step.value)
            count += int(step.value) if bars else 0
        first, cells = step.index, self.program.cells
        fits = first >= 0 and first + count <= cells
        self._require(fits, "index", f"must leave {count} of the {cells} cells", first)
        for cell in range(first, first + count) if fits else ():
            other = self.taken.setdefault(cell, number)
            if other != number:
                rule = f"shares cell {cell} with instruction {other}; cells must be its own"
                self._require(False, "index", rule, first)  # noqa: FBT003 - known to be wrong
                return

    def _require(self, holds: bool, key: str, rule: str, received: Any) -> None:  # noqa: FBT001 - as in rule_check
        if not holds:
            path = f"{self.path}.{key}"
            self.found.append(
                Detail(path, "invalid", f"{path} {rule}, found {received!r}.", rule, received)
            )
