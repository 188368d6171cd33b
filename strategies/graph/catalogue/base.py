"""What a node type is.

A node type has one or more *forms*. A condition's form follows from its `operator`, an
indicator's from its `name`: the parameter that chooses is the *selector*. A form says everything
about itself in one value, so the catalogue, the validation and the compiler read the same facts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from core.engine.program import Operation
from strategies.graph.catalogue.bound import BoundNode, OptionDraft, RuleDraft, Wire
from strategies.graph.catalogue.flow import FlowForm, flow_triggers
from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.faults import BadValueError
from strategies.graph.params import Param


class NodeType(ABC):
    """One type of node; the catalogue holds one instance of each class.

    Attributes
    ----------
    name, title, category, description : str
        The `type` of a node in the document, and what a palette shows.
    selector : Param or None
        The parameter that chooses the form.
    acts : bool
        Whether the node trades, or says how to trade: what no acting node depends on is unused.
    charted : bool
        Whether a chart shows the node's outputs.
    nested : tuple of str
        Parameters that hold nodes, edges and ports of a graph of their own.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str]
    description: ClassVar[str]
    selector: ClassVar[Param | None] = None
    acts: ClassVar[bool] = False
    charted: ClassVar[bool] = False
    nested: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def forms(self) -> Mapping[str, Form]:
        """Return all forms by the selector's value; the sole form has the key ""."""

    def form(self, choice: Any) -> Form | None:
        """Return the form that a bound value of the selector chooses."""
        return self.forms().get(choice) if isinstance(choice, str) else None

    def choice(self, params: Mapping[str, Any]) -> Any:
        """Return the selector's value among canonical parameters; "" without a selector."""
        if self.selector is None:
            return ""
        return params.get(self.selector.name, self.selector.default)

    def canonical(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters by canonical names in canonical spelling, nothing added."""
        found = dict(params)
        if self.selector is not None:
            found = renamed(found, dict.fromkeys(self.selector.aliases, self.selector))
            if self.selector.name in found:
                choice = self.selector.canonical(found[self.selector.name])
                found = {self.selector.name: choice} | found | {self.selector.name: choice}
        form = self.form(self.choice(found))
        return renamed(found, form.by_name) if form is not None else found

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:  # noqa: ARG002 - for overriding
        """Yield what is wrong beyond single parameters and ports, each with a relative path."""
        return iter(())

    def acting(self, params: Mapping[str, Any]) -> bool:  # noqa: ARG002 - for overriding
        """Return whether a node with these canonical parameters trades."""
        return self.acts

    def rules(self, node: BoundNode) -> Iterable[RuleDraft]:  # noqa: ARG002 - for overriding
        """Return what the node orders, if it acts."""
        return ()

    def option_rules(self, node: BoundNode) -> Iterable[OptionDraft]:  # noqa: ARG002 - for overriding
        """Return what the node orders in options, if it does."""
        return ()

    def triggers(self, node: BoundNode) -> tuple[Wire, ...]:
        """Return the wires that must all be true for actions on the exec output to run."""
        if isinstance(node.form, FlowForm):
            return flow_triggers(node)
        return tuple(node.inputs.get("when", ()))

    def operations(self, node: BoundNode) -> frozenset[Operation]:
        """Return what actions on the exec output may do; nothing without such an output."""
        return frozenset(Operation if isinstance(node.form, FlowForm) else ())

    def describe(self) -> dict[str, Any]:
        """Return the type as the catalogue shows it."""
        forms = list(self.forms().values())
        about: dict[str, Any] = {
            "type": self.name,
            "title": self.title,
            "category": self.category,
            "description": self.description,
        }
        if self.selector is None:
            return about | {"selector": None, "forms": []} | _without_value(forms[0].describe())
        return about | {
            "selector": self.selector.name,
            "parameters": [self.selector.describe()],
            "inputs": _union([form.inputs for form in forms]),
            "outputs": _union([form.outputs for form in forms]),
            "forms": [form.describe() for form in forms],
        }


def renamed(params: Mapping[str, Any], by_name: Mapping[str, Param]) -> dict[str, Any]:
    """Return the parameters by canonical name and spelling; unknown ones stay as they are.

    A value given by its name and again by an alias stays under both, for validation to see.
    """
    found: dict[str, Any] = {}
    for word, value in params.items():
        param = by_name.get(word)
        if param is None:
            found[word] = value
            continue
        name = word if param.name in params or param.name in found else param.name
        found[name] = value if is_reference(value) else param.canonical(value)
    return found


REFERENCE: Final = "$param"


def is_reference(value: Any) -> bool:
    """Return whether a value is `{"$param": name}`."""
    return isinstance(value, dict) and REFERENCE in value


def _without_value(about: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in about.items() if key in {"parameters", "inputs", "outputs"}
    }


def _union(ports_of_forms: list[tuple[Port, ...]]) -> list[dict[str, Any]]:
    """Return each port once; required where every form that exists requires it."""
    found: dict[str, dict[str, Any]] = {}
    for ports in ports_of_forms:
        for port in ports:
            found.setdefault(port.name, port.describe())
    for name, about in found.items():
        about["required"] = all(
            any(port.name == name and port.required for port in ports) for ports in ports_of_forms
        )
    return list(found.values())
