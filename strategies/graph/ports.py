"""The ports of a node as far as its parameters tell before they are bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.catalogue.group import GroupNode
from strategies.graph.model import Node


def node_form(node: Node) -> Form | None:
    """Return the form of a node; of a group one with the ports that it lists.

    None if the parameter that chooses the form says nothing that is known, or refers to a
    parameter of the strategy.
    """
    return _form(node.type, node.params)


def _form(type_name: str, params: Mapping[str, Any]) -> Form | None:
    node_type = node_type_get(type_name)
    if node_type is None:
        return None
    if type_name == GroupNode.name:
        return _group_form(params)
    return node_type.form(node_type.choice(params))


def _group_form(params: Mapping[str, Any]) -> Form:
    """Return the form of a group with canonical parameters."""
    forms = {one["id"]: _form(one["type"], one["params"]) for one in params["nodes"]}
    inputs: dict[str, Port] = {}
    for port in params["inputs"]:
        form = forms[port["node"]]
        inner = form.input(port["port"]) if form else None
        inputs.setdefault(port["name"], _outer(port["name"], inner))
    outputs = []
    for port in params["outputs"]:
        form = forms[port["node"]]
        inner = form.output(port.get("port", "")) if form else None
        outputs.append(_outer(port["name"], inner))
    return Form(title=params.get("name", ""), inputs=tuple(inputs.values()), outputs=tuple(outputs))


def _outer(name: str, inner: Port | None) -> Port:
    """Return the port of a group that stands for one inside; a number's where that is unknown."""
    if inner is None:
        return Port(name, PortType.NUMBER)
    required = inner.required and not inner.literal
    return replace(inner, name=name, required=required, literal=False, numbered=False, field="")
