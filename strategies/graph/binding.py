"""Binding: references become values, values are read by their kind, defaults are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput
from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.base import REFERENCE, NodeType, is_reference
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.forms import Form
from strategies.graph.catalogue.orders import SETTINGS
from strategies.graph.faults import BadValueError, Faults, Place, said
from strategies.graph.model import Node
from strategies.graph.params import Param


def node_bind(
    node: Node, index: int, parameters: Mapping[str, Any], faults: Faults
) -> BoundNode | None:
    """Return a node with its form and values, not wired yet; None if it has no form.

    A value that cannot be read is noted and left at its default, so that the search for faults
    goes on.
    """
    node_type = node_type_get(node.type)
    if node_type is None:
        raise ValueError(f"the graph holds a node of unknown type {node.type!r}: parse it first")
    binder = _Binder(node, node_type, parameters, faults.at(f"nodes[{index}]", node.id))
    form = binder.form()
    if form is None:
        return None
    values = binder.values(form)
    return BoundNode(
        id=node.id,
        index=index,
        type=node_type,
        form=form,
        timeframe=values.pop("timeframe", None),
        symbol=values.pop("symbol", None),
        values=binder.bound(form, values),
        sound=binder.place.sound,
    )


def settings_bind(
    given: Mapping[str, Any], parameters: Mapping[str, Any], faults: Faults
) -> dict[str, Any]:
    """Return the settings of the whole strategy, read; only those that are set."""
    found: dict[str, Any] = {}
    place = faults.at("settings")
    for param in SETTINGS:
        if given.get(param.name) is None:
            continue
        try:
            found[param.name] = param.read(_dereferenced(given[param.name], parameters))
        except BadValueError as bad:
            place.add_bad_value(param.name, bad)
    return found


class _Binder:
    """Binds one node."""

    def __init__(
        self, node: Node, node_type: NodeType, parameters: Mapping[str, Any], place: Place
    ) -> None:
        self.node = node
        self.type = node_type
        self.parameters = parameters
        self.place = place

    def form(self) -> Form | None:
        """Return the form that the selector chooses; note what is wrong with the selector."""
        form = self.type.form(self._choice())
        if form is not None and not form.supported:
            self.place.add(
                f"params.{self.type.selector.name if self.type.selector else ''}",
                "not_supported",
                f"{form.title} is kept in the document, but cannot be backtested by this version.",
                expected=[one.name for one in self.type.forms().values() if one.supported],
                received=form.name,
            )
        return form

    def values(self, form: Form) -> dict[str, Any]:
        """Return the given values, read; note those that are unknown, bad or missing."""
        found: dict[str, Any] = {}
        selector = self.type.selector
        for word, given in self.node.params.items():
            if selector is not None and word == selector.name:
                continue
            param = form.by_name.get(word)
            if param is None or param.name != word:
                self._note_unknown(word, param, form)
            elif given is not None or param.required:
                try:
                    found[word] = param.read(_dereferenced(given, self.parameters))
                except BadValueError as bad:
                    self.place.add_bad_value(f"params.{word}", bad)
        for param in form.params:
            if param.required and param.name not in self.node.params:
                title = form.title or self.type.title
                message = f"{title} needs {param.name!r}. {param.description}"
                self.place.add(f"params.{param.name}", "required", message, expected=param.kind)
        return found

    def bound(self, form: Form, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the form's defaults; note where they do not go together."""
        if not self.place.sound:
            return Form.bind(form, values)
        try:
            return form.bind(values)
        except InvalidInput as bad:
            for fault in bad.details:
                self.place.add(
                    fault.path,
                    fault.code,
                    fault.message,
                    expected=fault.expected,
                    received=fault.received,
                )
            return values

    def _choice(self) -> Any:
        """Return the selector's value; None, which chooses nothing, where it cannot be read."""
        selector = self.type.selector
        if selector is None:
            return ""
        where = f"params.{selector.name}"
        given = self.node.params.get(selector.name)
        if given is None:
            if selector.required:
                message = f"The {self.type.name} needs {selector.name!r}: {selector.description}"
                self.place.add(where, "required", message, expected=selector.name)
                return None
            return selector.default
        try:
            return selector.read(_dereferenced(given, self.parameters))
        except BadValueError as bad:
            self.place.add_bad_value(where, bad)
            return None

    def _note_unknown(self, word: str, param: Param | None, form: Form) -> None:
        where = f"params.{word}"
        if param is not None:
            message = f"{word!r} and {param.name!r} mean the same: give one of them."
            self.place.add(where, "duplicate", message, expected=param.name)
            return
        known = sorted({one.name for one in form.by_name.values()})
        self.place.add(
            where,
            "unknown_parameter",
            f"The {f'{self.type.name} {form.name}'.strip()} has no parameter {said(word)}; it "
            f"has: {', '.join(known) or 'none'}.{self.place.near(word, form.by_name)}",
            expected=known,
            received=word,
        )


def _dereferenced(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return a value with every `{"$param": name}` in it replaced."""
    if is_reference(value):
        return _referred(value, parameters)
    if isinstance(value, dict):
        return {key: _dereferenced(one, parameters) for key, one in value.items()}
    if isinstance(value, list):
        return [_dereferenced(one, parameters) for one in value]
    return value


def _referred(reference: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    name = reference[REFERENCE]
    if len(reference) > 1:
        message = f'A reference is {{"{REFERENCE}": name}} and nothing else.'
        raise BadValueError("wrong_type", message, expected=REFERENCE)
    if isinstance(name, str) and name in parameters:
        return parameters[name]
    known = ", ".join(parameters) or "none"
    raise BadValueError(
        "unknown_parameter",
        f"The strategy has no parameter {said(name)}; it has: {known}. Declare it in 'parameters'.",
        expected=list(parameters),
        received=name,
    )
