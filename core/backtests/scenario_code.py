"""Random code over the position, as scenarios have it."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.engine.program import AccountField, Instruction, Op

_ONE: Final = (Op.ABSOLUTE, Op.NEGATE, Op.SQUARE_ROOT, Op.LOGARITHM)
_TWO: Final = (Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE, Op.MINIMUM, Op.MAXIMUM)
_JUDGED: Final = (Op.GREATER, Op.GREATER_EQUAL, Op.LESS, Op.LESS_EQUAL, Op.EQUAL)
_LOGIC: Final = (Op.AND, Op.OR, Op.XOR)
_NUMBERS: Final = (-2.0, -0.01, 0.0, 1.0, 3.0, 20.0)


class CodeAuthor:
    """Writes random code that is sound.

    Parameters
    ----------
    rng : numpy.random.Generator
    truths : int
        How many of the first columns hold truths.
    number : int
        A column of numbers.

    Attributes
    ----------
    code : list of Instruction
    cells : int
        How many numbers it remembers.
    stored : int
        How many registers it has filled, from the first one on.
    """

    def __init__(self, rng: np.random.Generator, *, truths: int, number: int) -> None:
        self.rng = rng
        self.truths = truths
        self.column = number
        self.code: list[Instruction] = []
        self.cells = 0
        self.stored = 0

    def add(self, op: Op, index: int = 0, value: float = 0.0) -> None:
        """Write one step."""
        self.code.append(Instruction(Op(op), int(index), float(value)))

    def store(self) -> None:
        """Keep what was written last in the next register."""
        self.add(Op.STORE, self.stored)
        self.stored += 1

    def remember(self, op: Op, cells: int, value: float = 0.0) -> None:
        """Write a step that has so many cells of its own."""
        self.add(op, self.cells, value)
        self.cells += cells

    def number(self, depth: int) -> None:
        """Write what leaves a number, as deep as that at most."""
        kind = self.rng.random()
        if depth == 0 or kind < 0.5:
            self._leaf()
        elif kind < 0.7:
            self.number(depth - 1)
            self.add(_one_of(self.rng, _ONE))
        elif kind < 0.9:
            self.number(depth - 1)
            self.number(depth - 1)
            self.add(_one_of(self.rng, _TWO))
        elif kind < 0.95:
            self.number(depth - 1)
            bars = int(self.rng.integers(0, 5))
            self.remember(Op.SHIFT, bars + 1, bars)
        else:
            self.truth(depth - 1)
            self.remember(_one_of(self.rng, (Op.BARS_SINCE, Op.RUN_LENGTH)), 1)

    def truth(self, depth: int) -> None:
        """Write what leaves a truth, as deep as that at most."""
        kind = self.rng.random()
        if depth == 0 or kind < 0.2:
            self.add(Op.COLUMN, int(self.rng.integers(0, self.truths)))
        elif kind < 0.55:
            self.number(depth - 1)
            self.number(depth - 1)
            self.add(_one_of(self.rng, _JUDGED))
        elif kind < 0.7:
            self.truth(depth - 1)
            self.truth(depth - 1)
            self.add(_one_of(self.rng, _LOGIC))
        elif kind < 0.75:
            self.truth(depth - 1)
            self.add(Op.NOT)
        elif kind < 0.85:
            self.number(depth - 1)
            self.number(depth - 1)
            self.remember(Op.CROSS_ABOVE, 1)
        else:
            self._in_time(depth)

    def _leaf(self) -> None:
        if self.stored and self.rng.random() < 0.1:
            self.add(Op.LOAD, int(self.rng.integers(self.stored)))
        elif self.rng.random() < 0.6:
            self.add(Op.FIELD, int(self.rng.integers(len(AccountField))))
        elif self.rng.random() < 0.5:
            self.add(Op.COLUMN, self.column)
        else:
            self.add(Op.PUSH, value=float(self.rng.choice(_NUMBERS)))

    def _in_time(self, depth: int) -> None:
        """Write a loop or a wait."""
        self.truth(depth - 1)
        self.truth(depth - 1)
        self.add(Op.PUSH, value=float(self.rng.integers(0, 6)))
        self.add(Op.PUSH, value=float(self.rng.integers(1, 12)))
        loops = self.rng.random() < 0.5
        self.remember(Op.LOOP if loops else Op.WAIT, 4 if loops else 2)


def _one_of(rng: np.random.Generator, ops: tuple[Op, ...]) -> Op:
    return ops[int(rng.integers(len(ops)))]
