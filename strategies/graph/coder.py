"""Postfix code over the position: terms are written once and kept in registers where shared.

A term is a number that stands for one computation a bar. Equal computations are one term, so a
node that is drawn twice, or read twice, is computed once; a term that is read more than once, or
from outside the code, gets a register.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, TypeAlias

from core.engine.program import AccountField, Instruction, Op

Term: TypeAlias = int
"""One computation of the code, by its number."""

_LEAVES: Final = frozenset({Op.PUSH, Op.COLUMN, Op.FIELD})
"""What is as quick to do again as to load."""

_CELLS: Final = {
    Op.CROSS_ABOVE: 1,
    Op.BARS_SINCE: 1,
    Op.RUN_LENGTH: 1,
    Op.LOOP: 4,
    Op.WAIT: 2,
}
"""Numbers that an operation remembers; SHIFT remembers as many as it goes back, and one."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one term computes."""

    op: Op
    args: tuple[Term, ...]
    index: int
    value: float
    content: str


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a program, as `core.engine.program.Program` takes it."""

    instructions: tuple[Instruction, ...]
    registers: int
    cells: int


class Coder:
    """Collects the terms of one program and writes its code.

    Parameters
    ----------
    max_open_entries : int
        How often the strategy may add to a position on the same side.
    """

    def __init__(self, max_open_entries: int = 1) -> None:
        self.max_open_entries = max_open_entries
        self._entries: list[_Entry] = []
        self._by_content: dict[str, Term] = {}
        self._roots: dict[Term, int] = {}

    def push(self, value: float) -> Term:
        """Return the term of a number."""
        return self._add(Op.PUSH, (), value=float(value), content=repr(float(value)))

    def field(self, field: AccountField) -> Term:
        """Return the term of what the account says."""
        return self._add(Op.FIELD, (), index=int(field), content=field.name)

    def column(self, slot: int, name: str) -> Term:
        """Return the term of a column: the slot of a plan, and the name of its content."""
        return self._add(Op.COLUMN, (), index=slot, content=name)

    def term(self, op: Op, *args: Term, value: float = 0.0) -> Term:
        """Return the term of an operation on others; `value` is the bars of a SHIFT."""
        feeds = ",".join(self._entries[arg].content for arg in args)
        return self._add(op, args, value=value, content=f"{value!r}|{feeds}")

    def all_of(self, terms: Iterable[Term]) -> Term:
        """Return where all of several truths are, in whatever order they are given."""
        return self._folded(Op.AND, terms)

    def any_of(self, terms: Iterable[Term]) -> Term:
        """Return where any of several truths is, in whatever order they are given."""
        return self._folded(Op.OR, terms)

    def content(self, term: Term) -> str:
        """Return what a term computes, as a text that does not depend on ids or order."""
        return self._entries[term].content

    def register(self, term: Term) -> int:
        """Return the register that holds a term for rules to read."""
        return self._roots.setdefault(term, len(self._roots))

    def code(self, column_of: Callable[[int], int]) -> Code:
        """Return the code that fills every register asked for.

        Parameters
        ----------
        column_of : callable
            The index among the program's columns of a slot.
        """
        return _Writer(self._entries, tuple(self._roots), column_of).write()

    def _folded(self, op: Op, terms: Iterable[Term]) -> Term:
        ranked = sorted(set(terms), key=self.content)
        return reduce(lambda left, right: self.term(op, left, right), ranked)

    def _add(
        self, op: Op, args: tuple[Term, ...], *, content: str, index: int = 0, value: float = 0.0
    ) -> Term:
        key = hashlib.sha256(f"{op.name}|{content}".encode()).hexdigest()
        found = self._by_content.get(key)
        if found is None:
            found = self._by_content[key] = len(self._entries)
            self._entries.append(_Entry(op, args, index, value, key))
        return found


class _Writer:
    """Writes terms as instructions, each after those it takes."""

    def __init__(
        self, entries: Sequence[_Entry], roots: Sequence[Term], column_of: Callable[[int], int]
    ) -> None:
        self.entries = entries
        self.column_of = column_of
        self.roots = roots
        self.registers = {term: number for number, term in enumerate(roots)}
        self.stored: set[Term] = set()
        self.cells = 0
        self.out: list[Instruction] = []

    def write(self) -> Code:
        """Return the code of the roots, in their order."""
        self._share()
        for root in self.roots:
            if root not in self.stored:
                self._tree(root)
        return Code(tuple(self.out), len(self.registers), self.cells)

    def _share(self) -> None:
        """Give a register to every term that is read more than once."""
        readers: dict[Term, int] = {}
        waiting = list(self.roots)
        while waiting:
            for arg in self.entries[waiting.pop()].args:
                readers[arg] = readers.get(arg, 0) + 1
                if readers[arg] == 1 and arg not in self.roots:
                    waiting.append(arg)
        for term, count in readers.items():
            if count > 1 and self.entries[term].op not in _LEAVES:
                self.registers.setdefault(term, len(self.registers))

    def _tree(self, root: Term) -> None:
        """Write a root and all that it takes; not by recursion, for graphs may be deep."""
        waiting = [(root, False)]
        while waiting:
            term, taken = waiting.pop()
            if term in self.stored:
                self.out.append(Instruction(Op.LOAD, self.registers[term]))
            elif not taken:
                waiting.append((term, True))
                waiting += [(arg, False) for arg in reversed(self.entries[term].args)]
            else:
                self._one(term)
                if term in self.registers:
                    self.out.append(Instruction(Op.STORE, self.registers[term]))
                    self.stored.add(term)
                    if term != root:
                        self.out.append(Instruction(Op.LOAD, self.registers[term]))

    def _one(self, term: Term) -> None:
        """Write the instruction of a term whose operands are on the stack."""
        entry = self.entries[term]
        cells = int(entry.value) + 1 if entry.op is Op.SHIFT else _CELLS.get(entry.op, 0)
        index = entry.index
        if cells:
            index, self.cells = self.cells, self.cells + cells
        elif entry.op is Op.COLUMN:
            index = self.column_of(entry.index)
        self.out.append(Instruction(entry.op, index, entry.value))
