"""Emitting steps: nodes become computations over numbered slots, equal ones only once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.bound import BoundNode, Wire
from strategies.graph.catalogue.constant import ConstantNode
from strategies.graph.catalogue.forms import (
    Form,
    Frame,
    Port,
    PortType,
    Series,
    SeriesForm,
    Values,
)
from strategies.graph.catalogue.price import PriceNode
from strategies.graph.catalogue.time import CLOCK_FORMS
from strategies.graph.plan import Chart, Step
from strategies.graph.scope import RUN, Scope

_CARRY: Final = "carry"


def _carry(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    """Return a series of other bars as it is known when each bar of the frame is over."""
    return (frame.carried(inputs[0], values["source"]),)


_CARRY_FORMS: Final = {
    number: SeriesForm(
        name=_CARRY,
        outputs=(Port("value", PortType.NUMBER if number else PortType.BOOL),),
        compute=_carry,
        on_price=True,
    )
    for number in (True, False)
}


@dataclass(slots=True)
class _Slot:
    """What is known of a column before it is computed.

    `scope` is None where it has one value at every bar, whosever bars they are.
    """

    name: str
    scope: Scope | None
    step: int
    number: bool
    lookback: int
    on_price: bool
    eventual: bool
    label: str


@dataclass(slots=True)
class _Draft:
    """A step whose last readers are not known yet."""

    key: str
    node_id: str
    scope: Scope
    form: SeriesForm
    values: Values
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    lookback: int


class Emitter:
    """Collects the steps of one plan.

    Attributes
    ----------
    columns : list of int
        Slots that rules ask for, in the order of asking.
    charts : dict
        What to chart, by the key of the step.
    """

    def __init__(self) -> None:
        self.columns: list[int] = []
        self.charts: dict[str, Chart] = {}
        self._slots: list[_Slot] = []
        self._drafts: list[_Draft] = []
        self._by_key: dict[str, tuple[int, ...]] = {}
        self._by_node: dict[tuple[str, Scope], tuple[int, ...]] = {}

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return len(self._slots)

    def name(self, slot: int) -> str:
        """Return the content's name of a slot."""
        return self._slots[slot].name

    def lookback(self, slot: int) -> int:
        """Return the bars before a slot's first value on clean data."""
        return self._slots[slot].lookback

    def column(self, slot: int) -> int:
        """Return the index of a slot among the program's columns, adding it if it is new."""
        if slot not in self.columns:
            self.columns.append(slot)
        return self.columns.index(slot)

    def wire(self, wire: Wire, scope: Scope = RUN) -> int:
        """Return the slot that a node of a scope reads from a wire.

        The node at its source must have been emitted. Where that is computed on other bars, what
        is read is carried to the bars of the scope.
        """
        node = wire.node
        form = _series_form(node)
        source = node.scopes.get(scope, scope)
        if form.parts:
            part = form.parts[wire.port]
            slot = self.step(node.type.name, part, {}, (), node.id, scope=source)[0]
        else:
            names = [port.name for port in form.outputs]
            slot = self._by_node[node.id, source][names.index(wire.port)]
        return self._carried(slot, scope, node.id)

    def node(self, node: BoundNode) -> None:
        """Emit the steps of a node, one a scope, and those of its literal and default inputs."""
        form = _series_form(node)
        if form.parts:
            return
        literals = {port.name for port in form.inputs if port.literal}
        values = {key: value for key, value in node.values.items() if key not in literals}
        for scope in dict.fromkeys(node.scopes.values()):
            inputs = [slot for port in form.inputs for slot in self._inputs(node, port, scope)]
            outputs = self.step(node.type.name, form, values, inputs, node.id, scope=scope)
            self._by_node[node.id, scope] = outputs
            if node.type.charted:
                self._chart(node, values, inputs, outputs)

    def step(
        self,
        type_name: str,
        form: SeriesForm,
        values: Mapping[str, Any],
        inputs: Sequence[int],
        node_id: str,
        *,
        scope: Scope = RUN,
    ) -> tuple[int, ...]:
        """Return the slots of a computation, adding the step if there is no equal one yet."""
        everywhere = type_name == ConstantNode.name
        scope = RUN if everywhere else scope
        feeds = ",".join(self._slots[slot].name for slot in inputs)
        content = f"{type_name}|{form.name}|{sorted(values.items())!r}|{feeds}"
        if scope != RUN:
            content += f"|{scope!r}"
        key = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        found = self._by_key.get(key)
        if found is not None:
            return found
        lookback = form.lookback(values) + self._fed_from(inputs, scope)
        first = len(self._slots)
        on_price = (form.on_price and scope.symbol is None) and all(
            self._slots[slot].on_price
            for slot, port in zip(inputs, form.inputs, strict=False)
            if not port.field
        )
        eventual = form.eventual or any(self._slots[slot].eventual for slot in inputs)
        for port in form.outputs:
            self._slots.append(
                _Slot(
                    name=f"{key}.{port.name}",
                    scope=None if everywhere else scope,
                    step=len(self._drafts),
                    number=port.type is PortType.NUMBER,
                    lookback=lookback,
                    on_price=on_price,
                    eventual=eventual,
                    label=form.name or node_id,
                )
            )
        outputs = tuple(range(first, len(self._slots)))
        self._drafts.append(
            _Draft(key, node_id, scope, form, values, tuple(inputs), outputs, lookback)
        )
        self._by_key[key] = outputs
        return outputs

    def operation(self, type_name: str, choice: str, inputs: Sequence[int], node_id: str) -> int:
        """Return the slot of a computation of the catalogue that has no parameters."""
        return self.step(type_name, _form_of(type_name, choice), {}, inputs, node_id)[0]

    def steps(self, awaited: Sequence[int]) -> tuple[Step, ...]:
        """Return the steps, each knowing which slots nobody reads after it.

        Decisions wait for the slots in `awaited`, and for all that feeds them.
        """
        last_reader = {slot: info.step for slot, info in enumerate(self._slots)}
        readers = set(self.columns)
        for place, draft in enumerate(self._drafts):
            last_reader |= dict.fromkeys(draft.inputs, place)
            readers.update(draft.inputs)
        aside = self._computing(self.columns) - self._computing(awaited)
        frees: list[list[int]] = [[] for _ in self._drafts]
        for slot, place in last_reader.items():
            if slot not in self.columns:
                frees[place].append(slot)
        return tuple(
            Step(
                key=draft.key,
                node_id=draft.node_id,
                compute=draft.form.compute,
                values=draft.values,
                inputs=draft.inputs,
                outputs=draft.outputs,
                measured=tuple(
                    slot
                    for slot in draft.outputs
                    if slot in readers and place not in aside and self._waits_for(slot)
                ),
                frees=tuple(frees[place]),
                own_lookback=draft.form.lookback(draft.values),
                lookback=draft.lookback,
                scope=draft.scope,
                source=draft.values["source"] if draft.form.name == _CARRY else None,
                awaited=place not in aside,
            )
            for place, draft in enumerate(self._drafts)
        )

    def _computing(self, slots: Sequence[int]) -> set[int]:
        """Return the places of the steps that slots are computed by."""
        found: set[int] = set()
        waiting = list(slots)
        while waiting:
            place = self._slots[waiting.pop()].step
            if place not in found:
                found.add(place)
                waiting += self._drafts[place].inputs
        return found

    def _waits_for(self, slot: int) -> bool:
        """Return whether decisions wait for a slot's first value."""
        return self._slots[slot].number and not self._slots[slot].eventual

    def _fed_from(self, inputs: Sequence[int], scope: Scope) -> int:
        """Return the bars before all inputs have a value; other instruments may have older ones."""
        feeds = (self._slots[slot] for slot in inputs)
        return max(
            (one.lookback for one in feeds if one.scope and one.scope.symbol == scope.symbol),
            default=0,
        )

    def _carried(self, slot: int, scope: Scope, node_id: str) -> int:
        """Return a slot on the bars of a scope."""
        info = self._slots[slot]
        if info.scope is None or info.scope == scope:
            return slot
        form = _CARRY_FORMS[info.number]
        carried = self.step(_CARRY, form, {"source": info.scope}, (slot,), node_id, scope=scope)[0]
        self._slots[carried].label = f"{info.label} {info.scope}"
        return carried

    def _inputs(self, node: BoundNode, port: Port, scope: Scope) -> list[int]:
        """Return the slots that feed a port: wires, the number given instead, or the price."""
        if port.numbered:
            names = sorted((name for name in node.inputs if port.matches(name)), key=_number)
            return [self.wire(wire, scope) for name in names for wire in node.inputs[name]]
        wire = node.wire(port.name)
        if wire is not None:
            return [self.wire(wire, scope)]
        if port.field:
            form = CLOCK_FORMS.get(port.field)
            if form is not None:
                return list(self.step("clock", form, {}, (), node.id, scope=scope))
            form = _form_of(PriceNode.name, port.field)
            return list(self.step(PriceNode.name, form, {}, (), node.id, scope=scope))
        value = {"value": node.values[port.name]}
        return list(self.step("constant", _form_of(ConstantNode.name, ""), value, (), node.id))

    def _chart(
        self, node: BoundNode, values: Values, inputs: Sequence[int], outputs: Sequence[int]
    ) -> None:
        """Label the outputs as a legend does: "sma(10,volume)", "macd(12,26,9).signal"."""
        said = [_shown(value) for value in values.values()]
        for slot, port in zip(inputs, node.form.inputs, strict=True):
            usual = port.field or "close"
            if self._slots[slot].label != usual:
                said.append(self._slots[slot].label)
        label = f"{node.form.name}({','.join(said)})"
        ports = node.form.outputs
        labels = tuple(label if len(ports) == 1 else f"{label}.{port.name}" for port in ports)
        for slot, text in zip(outputs, labels, strict=True):
            self._slots[slot].label = text
        info = self._slots[outputs[0]]
        if info.scope is not None and info.scope != RUN:
            labels = tuple(f"{text} {info.scope}" for text in labels)
        self.charts[self._drafts[info.step].key] = Chart(labels, info.on_price)


def _series_form(node: BoundNode) -> SeriesForm:
    if not isinstance(node.form, SeriesForm):
        raise TypeError(f"{node.id} computes no series")
    return node.form


def _form_of(type_name: str, choice: str) -> SeriesForm:
    node_type = node_type_get(type_name)
    form: Form | None = node_type.form(choice) if node_type is not None else None
    if not isinstance(form, SeriesForm):
        raise TypeError(f"the catalogue has no series form {type_name} {choice}")
    return form


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
