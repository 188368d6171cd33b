"""How a form is computed bar by bar: what depends on the position is code, not a column.

A form says so beside `compute`, and means the same by it. Code runs from the first decision on, so
what it remembers begins there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

from core.engine.program import Op
from strategies.graph.coder import Coder, Term

Inputs: TypeAlias = Mapping[str, Sequence[Term]]
"""The terms that feed each port of a form, by the port's name; empty where nothing does."""

Values: TypeAlias = Mapping[str, Any]
"""A node's parameters, as `strategies.graph.catalogue.forms.Values`."""

Write: TypeAlias = Callable[[Coder, Values, Inputs], Sequence[Term]]
"""A node's parameters and inputs to a term for each of its outputs."""

MAX_CODE_SHIFT: Final = 1_000
"""Bars that code may look back: it keeps every one of them."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How a form becomes code.

    Attributes
    ----------
    write : Write
        Writes the terms of the outputs.
    always : bool
        Whether it is code whatever feeds it: it reads the position, or remembers what it did.
    most : Mapping of str to int
        Parameters that may be no greater in code.
    """

    write: Write
    always: bool = False
    most: Mapping[str, int] = field(default_factory=dict)


def coded(work: Callable[..., Term], *, most: Mapping[str, int] | None = None) -> Coding:
    """Return the coding of a form with one output.

    Parameters
    ----------
    work : callable
        ``work(coder, values, *terms)``, terms in the order of the ports.
    """

    def write(coder: Coder, values: Values, inputs: Inputs) -> Sequence[Term]:
        return (work(coder, values, *(term for terms in inputs.values() for term in terms)),)

    return Coding(write, most=most or {})


def operation(op: Op) -> Coding:
    """Return the coding of a form that is one operation; several inputs are taken in turn."""

    def work(coder: Coder, _values: Values, *terms: Term) -> Term:
        if len(terms) == 1 and op in _OF_TWO:
            return terms[0]
        if len(terms) == 1:
            return coder.term(op, *terms)
        return reduce(lambda left, right: coder.term(op, left, right), terms)

    return coded(work)


_OF_TWO: Final = frozenset({Op.AND, Op.OR, Op.XOR})
