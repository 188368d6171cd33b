"""`math`: numbers to a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from core.engine.program import Op
from core.indicators.registry import compute as indicator_compute
from core.indicators.registry import indicator_get, params_bind
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.coding import MAX_CODE_SHIFT, Coding, coded, operation
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
from strategies.graph.faults import BadValueError
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import REQUIRED, Choice, Integer, Number, Param
from strategies.graph.rolling import rolling_max, rolling_min
from strategies.graph.series import changed, divided, shifted

_TWO: Final = (
    Port("left", PortType.NUMBER, literal=True, description="The first number."),
    Port("right", PortType.NUMBER, literal=True, description="The second number."),
)
_ONE: Final = (Port("source", PortType.NUMBER, description="What is worked on."),)

Work = Callable[[Frame, Values, Sequence[Series]], Any]


def _form(
    name: str,
    title: str,
    description: str,
    work: Work,
    *,
    inputs: tuple[Port, ...],
    params: tuple[Param, ...] = (),
    lookback: Callable[[Values], int] = no_lookback,
    code: Coding | None = None,
) -> SeriesForm:
    def compute(frame: Frame, values: Values, series: Sequence[Series]) -> tuple[Series, ...]:
        return (np.asarray(work(frame, values, series), dtype=np.float64),)

    return SeriesForm(
        name=name,
        title=title,
        description=description,
        params=params,
        inputs=inputs,
        outputs=(Port("value", PortType.NUMBER),),
        compute=compute,
        lookback=lookback,
        code=code,
    )


def _two(
    name: str, title: str, description: str, work: Callable[[Any, Any], Any], op: Op
) -> SeriesForm:
    def both(_frame: Frame, _values: Values, series: Sequence[Series]) -> Any:
        return work(series[0], series[1])

    return _form(name, title, description, both, inputs=_TWO, code=operation(op))


def _one(name: str, title: str, description: str, work: Callable[[Any], Any], op: Op) -> SeriesForm:
    def alone(_frame: Frame, _values: Values, series: Sequence[Series]) -> Any:
        return work(series[0])

    return _form(name, title, description, alone, inputs=_ONE, code=operation(op))


def _over_n(
    name: str,
    title: str,
    description: str,
    work: Callable[[Series, int], Series],
    *,
    minimum: int,
    looks_back: int,
    code: Coding | None = None,
) -> SeriesForm:
    """Return a form over n bars whose lookback is n plus `looks_back`."""
    bars = Integer(
        name="n",
        minimum=minimum,
        maximum=MAX_SHIFT,
        default=REQUIRED,
        aliases=("period", "bars"),
        description="How many bars.",
    )
    return _form(
        name,
        title,
        description,
        lambda frame, values, s: work(frame.full(s[0]), values["n"]),
        inputs=_ONE,
        params=(bars,),
        lookback=lambda values: values["n"] + looks_back,
        code=code,
    )


def _from_indicator(name: str) -> Callable[[Series, int], Series]:
    """Return a rolling statistic as the indicator of that name computes it."""

    def work(series: Series, bars: int) -> Series:
        spec = indicator_get(name)
        outputs = indicator_compute(
            spec, {spec.inputs[0]: series}, params_bind(spec, {"period": bars})
        )
        return outputs[spec.outputs[0]]

    return work


def _logarithm(series: Series) -> Series:
    return np.log(np.where(series > 0, series, np.nan))


def _clip(_frame: Frame, values: Values, series: Sequence[Series]) -> Any:
    return np.clip(series[0], values["minimum"], values["maximum"])


def _shifted(coder: Coder, values: Values, source: Term) -> Term:
    return coder.term(Op.SHIFT, source, value=values["n"]) if values["n"] else source


def _changed(coder: Coder, values: Values, source: Term) -> Term:
    ratio = coder.term(Op.DIVIDE, source, _shifted(coder, values, source))
    return coder.term(Op.SUBTRACT, ratio, coder.push(1.0))


def _clipped(coder: Coder, values: Values, source: Term) -> Term:
    raised = coder.term(Op.MAXIMUM, source, coder.push(values["minimum"]))
    return coder.term(Op.MINIMUM, raised, coder.push(values["maximum"]))


_BOUNDS: Final = (
    Number(name="minimum", default=REQUIRED, aliases=("min", "lower"), description="Not below."),
    Number(name="maximum", default=REQUIRED, aliases=("max", "upper"), description="Not above."),
)

_FORMS: Final = (
    _two("add", "Add", "Left plus right.", np.add, Op.ADD),
    _two("subtract", "Subtract", "Left minus right.", np.subtract, Op.SUBTRACT),
    _two("multiply", "Multiply", "Left times right.", np.multiply, Op.MULTIPLY),
    _two("divide", "Divide", "Left by right; undefined where right is zero.", divided, Op.DIVIDE),
    _two("min", "Lesser", "The lesser of the two.", np.minimum, Op.MINIMUM),
    _two("max", "Greater", "The greater of the two.", np.maximum, Op.MAXIMUM),
    _one("abs", "Absolute", "Without its sign.", np.absolute, Op.ABSOLUTE),
    _one("negate", "Negate", "With the other sign.", np.negative, Op.NEGATE),
    _one(
        "log",
        "Logarithm",
        "Natural logarithm; undefined at and below zero.",
        _logarithm,
        Op.LOGARITHM,
    ),
    _one("sqrt", "Square root", "Undefined below zero.", np.sqrt, Op.SQUARE_ROOT),
    _over_n(
        "percent_change",
        "Percent change",
        "Change against n bars ago, as a fraction: 0.01 is one percent.",
        changed,
        minimum=1,
        looks_back=0,
        code=coded(_changed, most={"n": MAX_CODE_SHIFT}),
    ),
    _over_n(
        "shift",
        "Shift",
        "The value of n bars ago.",
        shifted,
        minimum=0,
        looks_back=0,
        code=coded(_shifted, most={"n": MAX_CODE_SHIFT}),
    ),
    _over_n(
        "rolling_sum",
        "Rolling sum",
        "Sum of the last n values.",
        _from_indicator("sum"),
        minimum=2,
        looks_back=-1,
    ),
    _over_n(
        "rolling_mean",
        "Rolling mean",
        "Mean of the last n values.",
        _from_indicator("sma"),
        minimum=2,
        looks_back=-1,
    ),
    _over_n(
        "rolling_max",
        "Rolling maximum",
        "Highest of the last n values, this one included.",
        rolling_max,
        minimum=1,
        looks_back=-1,
    ),
    _over_n(
        "rolling_min",
        "Rolling minimum",
        "Lowest of the last n values, this one included.",
        rolling_min,
        minimum=1,
        looks_back=-1,
    ),
    _over_n(
        "rolling_std",
        "Rolling standard deviation",
        "Standard deviation of the last n values, of the population.",
        _from_indicator("stddev"),
        minimum=2,
        looks_back=-1,
    ),
    _form(
        "clip",
        "Clip",
        "Kept within bounds.",
        _clip,
        inputs=_ONE,
        params=_BOUNDS,
        code=coded(_clipped),
    ),
)

_SYNONYMS: Final = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "sum": "rolling_sum",
    "mean": "rolling_mean",
    "std": "rolling_std",
    "ln": "log",
}


class MathNode(NodeType):
    """Numbers to a number."""

    name = "math"
    title = "Math"
    category = "data"
    description = "Calculates with series; where an input is undefined so is the result."
    selector = Choice(
        name="operation",
        choices=tuple(form.name for form in _FORMS),
        default=REQUIRED,
        aliases=("operator",),
        synonyms=_SYNONYMS,
        description="What is calculated.",
    )

    _forms: Final = {form.name: form for form in _FORMS}

    def forms(self) -> Mapping[str, Form]:
        """Return one form an operation."""
        return self._forms

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield a fault where the bounds of a clip are the wrong way round."""
        low, high = node.values.get("minimum"), node.values.get("maximum")
        if low is not None and high is not None and low > high:
            yield (
                "params.maximum",
                BadValueError(
                    "out_of_range",
                    f"'maximum' {high:g} is below 'minimum' {low:g}: exchange them.",
                    expected=f"at least {low:g}",
                    received=high,
                ),
            )
