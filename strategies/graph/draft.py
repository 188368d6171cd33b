"""A draft that grows: the body of a step becomes a node, edges and, where needed, a price node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from strategies.graph.catalogue.base import NodeType, is_reference
from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.catalogue.price import PriceNode
from strategies.graph.faults import Faults, Place, said
from strategies.graph.groups import parts_parse
from strategies.graph.kinds import Kind
from strategies.graph.model import Graph, Node
from strategies.graph.ports import node_form
from strategies.graph.schema import graph_document

_LAYOUT: Final = ("position", "label")


class Draft:
    """A canonical document to which nodes are appended.

    Parameters
    ----------
    graph : Graph
        What there is already.
    """

    def __init__(self, graph: Graph) -> None:
        self._document = graph_document(graph)
        self._nodes = {node.id: node for node in graph.nodes}
        self._ids = set(self._nodes)
        self._prices = {
            node.params.get("field", "close"): node.id
            for node in graph.nodes
            if node.type == PriceNode.name and not node.params.keys() - {"field"}
        }

    def document(self) -> dict[str, Any]:
        """Return the document as it is now."""
        return self._document

    def append(self, kind: Kind, body: Mapping[str, Any], place: Place) -> str:
        """Append the node that a body describes; return its id.

        Keys of the body that are ports of the node's form become edges, the others parameters.
        """
        node_type = kind.type
        given = self._flat(body, kind, place)
        word = next((word for word in kind.words if word in given), None)
        params: dict[str, Any] = {}
        if word is not None and node_type.selector is not None:
            params[node_type.selector.name] = given.pop(word)
        canonical = node_type.canonical(params)
        form = node_type.form(node_type.choice(canonical))
        if node_type.nested:
            form = _nested_form(node_type, given, place)
        params |= {key: given[key] for key in given if form is None or form.input(key) is None}
        stem = _stem(canonical.values(), node_type.name)
        node_id = self._new_id(body.get("id"), stem, place)
        node: dict[str, Any] = {"id": node_id, "type": node_type.name, "params": params}
        node |= {key: body[key] for key in _LAYOUT if key in body}
        if form is not None:
            self._connect(node, form, given, place)
        self._document["nodes"].append(node)
        return node_id

    def _flat(self, body: Mapping[str, Any], kind: Kind, place: Place) -> dict[str, Any]:
        """Return parameters and ports of a body in one, whether `params` holds them or not."""
        apart = {"params", "id", "inputs", kind.spent, *_LAYOUT} - set(kind.type.nested)
        own = {key: body[key] for key in body if key not in apart}
        nested = body.get("params")
        if nested is not None and not isinstance(nested, Mapping):
            message = f"'params' must be an object, but is {said(nested)}."
            place.add("params", "wrong_type", message)
            nested = None
        inputs = None if "inputs" in kind.type.nested else body.get("inputs")
        if isinstance(inputs, list):
            own |= {f"in_{number}": one for number, one in enumerate(inputs, start=1)}
        elif inputs is not None:
            place.add("inputs", "wrong_type", f"'inputs' must be a list, but is {said(inputs)}.")
        return own | dict(nested or {})

    def _connect(
        self, node: dict[str, Any], form: Form, given: Mapping[str, Any], place: Place
    ) -> None:
        """Turn the values given for ports into edges, or into parameters of the node."""
        values = {key: given[key] for key in given if form.input(key) is not None}
        if form.input("source") is not None:
            values.setdefault("source", "close")
        for key, value in values.items():
            port = form.input(key)
            if port is None or value is None:
                continue
            if port.literal and (is_reference(value) or _is_number(value)):
                node["params"][key] = value
            elif key in form.by_name and not port.literal:
                self._connect_stop(node, key, value, place)
            elif port.many and isinstance(value, list):
                for one in value:
                    self._edge(one, node["id"], port, key, place)
            else:
                self._edge(value, node["id"], port, key, place)

    def _connect_stop(self, node: dict[str, Any], key: str, value: Any, place: Place) -> None:
        """Keep a stop as a parameter; a `source` in it is the series of the port of that name."""
        if isinstance(value, Mapping) and "source" in value:
            self._edge(value["source"], node["id"], None, key, place)
            value = {word: value[word] for word in value if word != "source"}
        node["params"][key] = value

    def _edge(self, value: Any, target: str, port: Port | None, key: str, place: Place) -> None:
        """Append the edge from what a value names; note it where it names nothing."""
        source, source_port = self._source(value)
        if source is None:
            expected = (
                "the id of a node" if port is None else f"the id of a node giving {port.type}"
            )
            message = f"{key!r} is {said(value)}, which is no node of the strategy and no price."
            place.add(key, "unknown_node", message, expected=expected, received=value)
            return
        edge = {"source": source, "source_port": source_port, "target": target, "target_port": key}
        self._document["edges"].append({word: edge[word] for word in edge if edge[word]})

    def _source(self, value: Any) -> tuple[str | None, str]:
        """Return the node and port that a value names: an id, "id.port", an object, a price."""
        if isinstance(value, Mapping):
            port = value.get("port")
            return self._source(value.get("node"))[0], port if isinstance(port, str) else ""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            value = str(value)
        if not isinstance(value, str):
            return None, ""
        node = self._nodes.get(value)
        form = node_form(node) if node is not None else None
        if value in self._ids and (form is None or form.outputs):
            return value, ""
        field = value.strip().lower()
        if PriceNode().form(field) is not None:
            return self._price(field), ""
        if value in self._ids:
            return value, ""
        head, _, tail = value.rpartition(".")
        return (head, tail) if head in self._ids else (None, "")

    def _price(self, field: str) -> str:
        """Return the price node of a field, appending it if there is none."""
        if field not in self._prices:
            node_id = self._free_id(field)
            self._ids.add(node_id)
            self._prices[field] = node_id
            price = {"id": node_id, "type": PriceNode.name, "params": {"field": field}}
            self._document["nodes"].append(price)
        return self._prices[field]

    def _new_id(self, wanted: Any, stem: str, place: Place) -> str:
        """Return the id asked for, or a free one that says what the node is."""
        node_id = self._free_id(stem) if wanted is None else wanted
        if isinstance(node_id, str) and node_id in self._ids:
            message = f"There is a node {node_id!r} already: choose another id, or leave it out."
            place.add("id", "duplicate", message, received=node_id)
        if not isinstance(node_id, str):
            message = f"An id must be a text, but is {said(node_id)}."
            place.add("id", "wrong_type", message, received=node_id)
            return ""
        self._ids.add(node_id)
        return node_id

    def _free_id(self, stem: str) -> str:
        tried, number = stem, 1
        while tried in self._ids:
            number += 1
            tried = f"{stem}_{number}"
        return tried


def _nested_form(node_type: NodeType, given: Mapping[str, Any], place: Place) -> Form | None:
    """Return the form of a node that holds a graph, with the ports that it lists."""
    graph = {key: given[key] for key in given if key in node_type.nested}
    form = node_form(_alone(node_type, graph, Faults()))
    faults = Faults()
    ports = () if form is None else [key for key in given if form.input(key) is not None]
    _alone(node_type, {key: given[key] for key in given if key not in ports}, faults)
    for fault in faults.details:
        where = fault.path.removeprefix("nodes[0].")
        place.add(where, fault.code, fault.message, expected=fault.expected)
    return form


def _alone(node_type: NodeType, params: Mapping[str, Any], faults: Faults) -> Node:
    """Return a node read by itself."""
    about = {"id": node_type.name, "type": node_type.name, "params": dict(params)}
    ((node, *_), _) = parts_parse([about], None, faults)
    return node


def _stem(choices: Any, type_name: str) -> str:
    """Return what a node's id starts with: the name of its form."""
    word = next((one for one in choices if isinstance(one, str)), type_name)
    return word[:40] if word.isidentifier() else type_name


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
