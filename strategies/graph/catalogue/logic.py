"""`logic`: several truths to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import Coding, coded, operation
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.coder import Coder, Term
from strategies.graph.params import REQUIRED, Choice, Integer, Param

_IN = Port("in_", PortType.BOOL, numbered=True, description="What is combined.")


def _form(
    name: str,
    title: str,
    description: str,
    combine: Callable[[Sequence[Series], Values], Any],
    code: Coding,
    *,
    params: tuple[Param, ...] = (),
    port: Port = _IN,
) -> SeriesForm:
    def compute(_frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
        return (combine(inputs, values),)

    return SeriesForm(
        name=name,
        title=title,
        description=description,
        params=params,
        inputs=(port,),
        outputs=(Port("value", PortType.BOOL),),
        compute=compute,
        code=code,
    )


def _at_least(inputs: Sequence[Series], values: Values) -> Series:
    count = np.zeros(inputs[0].shape, dtype=np.int16)
    for flags in inputs:
        count += flags
    return np.asarray(count >= values["k"])


def _count(coder: Coder, values: Values, *terms: Term) -> Term:
    count = reduce(lambda left, right: coder.term(Op.ADD, left, right), terms)
    return coder.term(Op.GREATER_EQUAL, count, coder.push(values["k"]))


_FORMS: Final = (
    _form(
        "and",
        "And",
        "True where all are.",
        lambda flags, _: reduce(np.logical_and, flags),
        operation(Op.AND),
    ),
    _form(
        "or",
        "Or",
        "True where any is.",
        lambda flags, _: reduce(np.logical_or, flags),
        operation(Op.OR),
    ),
    _form(
        "not",
        "Not",
        "True where the one is false.",
        lambda flags, _: np.logical_not(flags[0]),
        operation(Op.NOT),
        port=Port("in_1", PortType.BOOL, description="What is turned round."),
    ),
    _form(
        "xor",
        "Exclusive or",
        "True where an odd number are: of two, exactly one.",
        lambda flags, _: reduce(np.logical_xor, flags),
        operation(Op.XOR),
    ),
    _form(
        "at_least",
        "At least k",
        "True where k of them are.",
        _at_least,
        coded(_count),
        params=(
            Integer(name="k", minimum=1, default=REQUIRED, aliases=("n",), description="How many."),
        ),
    ),
)


class LogicNode(NodeType):
    """Several truths to one."""

    name = "logic"
    title = "Logic"
    category = "logic"
    description = "Combines conditions: and, or, not, exclusive or, at least k of n."
    selector = Choice(
        name="operator",
        choices=tuple(form.name for form in _FORMS),
        default=REQUIRED,
        aliases=("operation",),
        description="How they are combined.",
    )

    _forms: Final = {form.name: form for form in _FORMS}

    def forms(self) -> Mapping[str, Form]:
        """Return one form an operator."""
        return self._forms
