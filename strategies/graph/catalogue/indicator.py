"""`indicator`: any indicator of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.errors import InvalidInput
from core.indicators.registry import compute, indicator_get, indicator_list, lookback, params_bind
from core.indicators.spec import PRICE_FIELDS, Parameter, Spec
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.catalogue.price import SYMBOL, TIMEFRAME
from strategies.graph.catalogue.time import CLOCK_FORMS
from strategies.graph.faults import BadValueError
from strategies.graph.params import REQUIRED, Choice, Integer, Number, Param


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorName(Param):
    """The name of an indicator, or one of its aliases, in any case."""

    def canonical(self, value: Any) -> Any:
        """Return the registry's name, or the value if there is no such indicator."""
        spec = _spec(value) if isinstance(value, str) else None
        return spec.name if spec is not None else value

    def read(self, value: Any) -> str:
        """Return the registry's name."""
        if not isinstance(value, str):
            raise BadValueError(
                "wrong_type",
                f"{self.name!r} must be the name of an indicator.",
                expected="a name such as 'ema'",
                received=value,
            )
        try:
            return indicator_get(value).name
        except InvalidInput as unknown:
            fault = unknown.details[0]
            raise BadValueError(
                fault.code, fault.message, expected=fault.expected, received=value
            ) from unknown

    def describe(self) -> dict[str, Any]:
        """Return the parameter with the names there are."""
        about = Param.describe(self)
        return about | {"type": "choice", "choices": [spec.name for spec in indicator_list()]}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorForm(SeriesForm):
    """One indicator of the registry as a form of the node."""

    spec: Spec

    def bind(self, given: Values) -> dict[str, Any]:
        """Return the parameters as the registry binds them: defaults may follow each other."""
        scoped = {SYMBOL.name, TIMEFRAME.name}
        own = {key: value for key, value in given.items() if key not in scoped}
        return dict(params_bind(self.spec, own))

    def describe(self) -> dict[str, Any]:
        """Return the form with the defaults that the registry fills in."""
        about = Form.describe(self)
        defaults = {parameter.name: parameter.default for parameter in self.spec.parameters}
        for shown in about["parameters"]:
            shown["default"] = defaults.get(shown["name"], shown["default"])
        return about | {"group": self.spec.group, "overlay": self.spec.overlay}


@cache
def _form(spec: Spec) -> IndicatorForm:
    def work(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
        columns = (frame.full(series) for series in inputs)
        outputs = compute(spec, dict(zip(spec.inputs, columns, strict=True)), values)
        return tuple(outputs[name] for name in spec.outputs)

    return IndicatorForm(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        params=(*(_param(parameter) for parameter in spec.parameters), SYMBOL, TIMEFRAME),
        inputs=tuple(_port(name) for name in spec.inputs),
        outputs=tuple(Port(name, PortType.NUMBER) for name in spec.outputs),
        compute=work,
        lookback=lambda values: lookback(spec, values),
        on_price=spec.overlay,
        spec=spec,
    )


@cache
def _index() -> dict[str, Spec]:
    """Return the specs by name and alias: the registry's own look-up searches for near matches."""
    return {word: spec for spec in indicator_list() for word in (*spec.aliases, spec.name)}


def _spec(name: str) -> Spec | None:
    """Return the spec of a name or alias in any spelling the registry takes."""
    spec = _index().get(name)
    return spec or _index().get("_".join(name.strip().lower().replace("-", " ").split()))


def _param(parameter: Parameter) -> Param:
    if parameter.kind == "choice":
        return Choice(
            name=parameter.name,
            choices=parameter.choices,
            aliases=parameter.aliases,
            description=parameter.description,
        )
    kind = {"int": Integer, "float": Number}[parameter.kind]
    return kind(
        name=parameter.name,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        aliases=parameter.aliases,
        description=parameter.description,
    )


def _port(name: str) -> Port:
    if name in PRICE_FIELDS:
        return Port(
            name,
            PortType.NUMBER,
            required=False,
            field=name,
            description=f"The instrument's own {name} if nothing is connected.",
        )
    if name in CLOCK_FORMS:
        return Port(
            name,
            PortType.NUMBER,
            required=False,
            field=name,
            description=f"{CLOCK_FORMS[name].description} if nothing is connected.",
        )
    return Port(name, PortType.NUMBER, description="The series it is computed from.")


class IndicatorNode(NodeType):
    """Any indicator of the registry; several outputs by source port."""

    name = "indicator"
    title = "Indicator"
    category = "data"
    description = (
        "An indicator over a series, or over the instrument's own prices. One with several outputs "
        "gives each on a port of its name."
    )
    charted = True
    selector = IndicatorName(
        name="name",
        default=REQUIRED,
        aliases=("indicator",),
        description="Which indicator; its parameters and ports follow from it.",
    )

    def forms(self) -> Mapping[str, Form]:
        """Return one form an indicator."""
        return {spec.name: _form(spec) for spec in indicator_list()}

    def form(self, choice: Any) -> Form | None:
        """Return the form of one indicator without building all the others."""
        spec = _spec(choice) if isinstance(choice, str) else None
        return None if spec is None else _form(spec)

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield a fault where a later bar may change what the indicator said before."""
        if isinstance(node.form, IndicatorForm) and node.form.spec.repaints:
            message = (
                f"{node.form.title} changes past values as new bars come in, so a backtest on it "
                "would know the future: use another indicator."
            )
            yield "params.name", BadValueError("repaints", message, received=node.form.name)
