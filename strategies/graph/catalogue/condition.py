"""`condition`: numbers to a truth. A comparison with NaN is false."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.coding import Coding, coded, operation
from strategies.graph.catalogue.forms import (
    Form,
    Frame,
    Port,
    PortType,
    Series,
    SeriesForm,
    Values,
    no_lookback,
)
from strategies.graph.coder import Coder, Term
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Choice, Integer, Param
from strategies.graph.rolling import rolling_max, rolling_min
from strategies.graph.series import crossed, rising

_LEFT: Final = Port("left", PortType.NUMBER, literal=True, description="What is looked at.")
_RIGHT: Final = Port("right", PortType.NUMBER, literal=True, description="What it is held against.")
_SERIES: Final = Port("left", PortType.NUMBER, description="What is looked at.")
_LOWER: Final = Port("lower", PortType.NUMBER, literal=True, description="The lower bound.")
_UPPER: Final = Port("upper", PortType.NUMBER, literal=True, description="The upper bound.")
_N: Final = Integer(
    name="n",
    minimum=1,
    maximum=MAX_SHIFT,
    default=REQUIRED,
    aliases=("period", "bars"),
    description="How many bars.",
)

Judge = Callable[[Frame, Values, Sequence[Series]], Any]


def _form(
    name: str,
    title: str,
    description: str,
    judge: Judge,
    *,
    inputs: tuple[Port, ...] = (_LEFT, _RIGHT),
    params: tuple[Param, ...] = (),
    lookback: Callable[[Values], int] = no_lookback,
    code: Coding | None = None,
) -> SeriesForm:
    def compute(frame: Frame, values: Values, series: Sequence[Series]) -> tuple[Series, ...]:
        return (frame.full(np.asarray(judge(frame, values, series))),)

    return SeriesForm(
        name=name,
        title=title,
        description=description,
        params=params,
        inputs=inputs,
        outputs=(Port("value", PortType.BOOL),),
        compute=compute,
        lookback=lookback,
        code=code,
    )


def _compare(
    name: str, title: str, description: str, judge: Callable[[Any, Any], Any], op: Op
) -> SeriesForm:
    """Return the form of one comparison of two numbers."""

    def both(_frame: Frame, _values: Values, series: Sequence[Series]) -> Any:
        return judge(series[0], series[1])

    return _form(name, title, description, both, code=operation(op))


def _crosses_above(frame: Frame, _values: Values, series: Sequence[Series]) -> Series:
    return crossed(series[0], series[1], len(frame.bars), strict=frame.strict_cross)


def _crosses_below(frame: Frame, _values: Values, series: Sequence[Series]) -> Series:
    return crossed(series[1], series[0], len(frame.bars), strict=frame.strict_cross)


def _between(_frame: Frame, _values: Values, series: Sequence[Series]) -> Any:
    return np.logical_and(series[0] >= series[1], series[0] <= series[2])


def _outside(_frame: Frame, _values: Values, series: Sequence[Series]) -> Any:
    return np.logical_or(series[0] < series[1], series[0] > series[2])


def _rising(frame: Frame, values: Values, series: Sequence[Series]) -> Series:
    return rising(frame.full(series[0]), values["n"])


def _falling(frame: Frame, values: Values, series: Sequence[Series]) -> Series:
    return rising(-frame.full(series[0]), values["n"])


def _is_highest(frame: Frame, values: Values, series: Sequence[Series]) -> Any:
    column = frame.full(series[0])
    return column >= rolling_max(column, values["n"])


def _is_lowest(frame: Frame, values: Values, series: Sequence[Series]) -> Any:
    column = frame.full(series[0])
    return column <= rolling_min(column, values["n"])


def _code_below(coder: Coder, _values: Values, left: Term, right: Term) -> Term:
    return coder.term(Op.CROSS_ABOVE, right, left)


def _code_between(coder: Coder, _values: Values, left: Term, lower: Term, upper: Term) -> Term:
    high = coder.term(Op.GREATER_EQUAL, left, lower)
    return coder.term(Op.AND, high, coder.term(Op.LESS_EQUAL, left, upper))


def _code_outside(coder: Coder, _values: Values, left: Term, lower: Term, upper: Term) -> Term:
    low = coder.term(Op.LESS, left, lower)
    return coder.term(Op.OR, low, coder.term(Op.GREATER, left, upper))


def _code_run(change: Op) -> Coding:
    """Return the coding of so many changes running."""

    def work(coder: Coder, values: Values, series: Term) -> Term:
        changed = coder.term(change, series, coder.term(Op.SHIFT, series, value=1))
        run = coder.term(Op.RUN_LENGTH, changed)
        return coder.term(Op.GREATER_EQUAL, run, coder.push(values["n"]))

    return coded(work)


def _one(_values: Values) -> int:
    return 1


def _n(values: Values) -> int:
    return int(values["n"])


def _n_less_one(values: Values) -> int:
    return int(values["n"]) - 1


_OVER_N: Final[dict[str, Any]] = {"inputs": (_SERIES,), "params": (_N,)}
_RANGE: Final[dict[str, Any]] = {"inputs": (_LEFT, _LOWER, _UPPER)}

_FORMS: Final = (
    _form(
        "crosses_above",
        "Crosses above",
        "Was below and is above now. Where the two were equal in between, the last bar at which "
        "they differed counts.",
        _crosses_above,
        lookback=_one,
        code=operation(Op.CROSS_ABOVE),
    ),
    _form(
        "crosses_below",
        "Crosses below",
        "Was above and is below now. Where the two were equal in between, the last bar at which "
        "they differed counts.",
        _crosses_below,
        lookback=_one,
        code=coded(_code_below),
    ),
    _compare("gt", "Greater than", "Left is above right.", np.greater, Op.GREATER),
    _compare(
        "gte", "Greater or equal", "Left is at or above right.", np.greater_equal, Op.GREATER_EQUAL
    ),
    _compare("lt", "Less than", "Left is below right.", np.less, Op.LESS),
    _compare("lte", "Less or equal", "Left is at or below right.", np.less_equal, Op.LESS_EQUAL),
    _compare("eq", "Equal", "Left is exactly right.", np.equal, Op.EQUAL),
    _form(
        "between",
        "Between",
        "Within the bounds or on one.",
        _between,
        code=coded(_code_between),
        **_RANGE,
    ),
    _form(
        "outside",
        "Outside",
        "Below the lower or above the upper bound.",
        _outside,
        code=coded(_code_outside),
        **_RANGE,
    ),
    _form(
        "rising",
        "Rising",
        "Rose at each of the last n bars.",
        _rising,
        lookback=_n,
        code=_code_run(Op.GREATER),
        **_OVER_N,
    ),
    _form(
        "falling",
        "Falling",
        "Fell at each of the last n bars.",
        _falling,
        lookback=_n,
        code=_code_run(Op.LESS),
        **_OVER_N,
    ),
    _form(
        "is_highest",
        "Highest of n",
        "No value of the last n bars, this one included, is higher.",
        _is_highest,
        lookback=_n_less_one,
        **_OVER_N,
    ),
    _form(
        "is_lowest",
        "Lowest of n",
        "No value of the last n bars, this one included, is lower.",
        _is_lowest,
        lookback=_n_less_one,
        **_OVER_N,
    ),
)

_SYNONYMS: Final = {
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "==": "eq",
    "=": "eq",
    "greater_than": "gt",
    "less_than": "lt",
    "equals": "eq",
    "cross_above": "crosses_above",
    "cross_below": "crosses_below",
    "crossover": "crosses_above",
    "crossunder": "crosses_below",
}


class ConditionNode(NodeType):
    """Numbers to a truth."""

    name = "condition"
    title = "Condition"
    category = "logic"
    description = (
        "Compares series at every bar. Where a value is missing the condition is false, so nothing "
        "happens before the indicators have warmed up."
    )
    selector = Choice(
        name="operator",
        choices=tuple(form.name for form in _FORMS),
        default=REQUIRED,
        aliases=("operation",),
        synonyms=_SYNONYMS,
        description="What is asked.",
    )

    _forms: Final = {form.name: form for form in _FORMS}

    def forms(self) -> Mapping[str, Form]:
        """Return one form an operator."""
        return self._forms
