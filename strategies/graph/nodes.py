"""Reading the nodes of a document, in the canonical spelling or in React Flow's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from strategies.graph.catalogue import node_type_get, node_type_names
from strategies.graph.faults import BadValueError, Faults, Place, said
from strategies.graph.limits import MAX_NAME_LENGTH
from strategies.graph.model import Node
from strategies.graph.params import Number, plain

_KEYS: Final = ("id", "type", "params", "position", "label", "data")
_DEEPEST_VALUE: Final = 8

EDITOR_KEYS: Final = frozenset(
    (
        *("animated", "ariaLabel", "ariaRole", "className", "color", "connectable", "deletable"),
        *("description", "domAttributes", "dragHandle", "draggable", "dragging", "expandParent"),
        *("extent", "focusable", "handles", "height", "hidden", "icon", "initialHeight"),
        *("initialWidth", "interactionWidth", "label", "labelBgBorderRadius", "labelBgPadding"),
        *("labelBgStyle", "labelShowBg", "labelStyle", "markerEnd", "markerStart", "measured"),
        *("name", "notes", "origin", "parentId", "parentNode", "pathOptions", "positionAbsolute"),
        *("reconnectable", "resizing", "selectable", "selected", "sourcePosition", "style"),
        *("targetPosition", "title", "width", "zIndex"),
    )
)
"""What React Flow keeps beside a node or an edge: no part of the strategy, so not kept."""

# `name` stays a parameter: an indicator's. `params` itself may be there and be null.
_DATA_OF_EDITOR: Final = (EDITOR_KEYS - {"name"}) | {"params"}


@dataclass(frozen=True, slots=True)
class Level:
    """Where a list of nodes or edges stands: in the document, or in a group of it.

    Attributes
    ----------
    path : str
        What paths of faults begin with, such as ``"nodes[3].params."``.
    owner : str
        What ids of nodes begin with in faults, such as ``"group/"``.
    depth : int
        How many groups it is in.
    """

    path: str = ""
    owner: str = ""
    depth: int = 0

    def id(self, node_id: str | None) -> str | None:
        """Return a node's id as faults say it."""
        return None if node_id is None else f"{self.owner}{node_id}"


OUTER: Final = Level()
"""The document itself."""


def nodes_parse(given: Any, faults: Faults, *, level: Level = OUTER) -> list[tuple[int, Node]]:
    """Return the nodes that can be read, with their places; what is wrong is noted in `faults`."""
    if given is None:
        return []
    if not isinstance(given, list):
        message = f"'nodes' must be a list, but is {said(given)}."
        faults.add(f"{level.path}nodes", "wrong_type", message)
        return []
    found: dict[str, tuple[int, Node]] = {}
    for index, item in enumerate(given):
        path = f"{level.path}nodes[{index}]"
        node = _parse_one(item, path, faults, level)
        if node is None:
            continue
        if node.id in found:
            message = f"Two nodes have the id {node.id!r}: give one another id."
            faults.at(path, level.id(node.id)).add("id", "duplicate", message, received=node.id)
        found[node.id] = index, node
    return list(found.values())


def id_canonical(value: Any) -> str | None:
    """Return a node's id as text; whole numbers are taken as such; None if it is no id."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    if isinstance(value, str) and value.strip() and len(value) <= MAX_NAME_LENGTH:
        return value if value.isprintable() else None
    return None


def params_plain(params: Mapping[str, Any], place: Place, where: str = "") -> dict[str, Any]:
    """Return canonical parameters with their numbers in the one spelling of the document."""
    found = {}
    for name, value in params.items():
        try:
            found[name] = _plain(value)
        except BadValueError as bad:
            place.add_bad_value(where + name, bad)
    return found


def _parse_one(item: Any, path: str, faults: Faults, level: Level) -> Node | None:
    if not isinstance(item, dict):
        faults.add(path, "wrong_type", f"A node must be an object, but is {said(item)}.")
        return None
    node_id = id_canonical(item.get("id"))
    place = faults.at(path, level.id(node_id))
    if node_id is None:
        message = f"A node needs an 'id' of 1 to {MAX_NAME_LENGTH} printable characters."
        place.add("id", "required", message, received=item.get("id"))
    node_type = node_type_get(item.get("type"))
    if node_type is None:
        kind, names = item.get("type"), list(node_type_names())
        message = f"There is no node type {said(kind)}; there are: {', '.join(names)}."
        message += place.near(kind, names)
        place.add("type", "unknown_node_type", message, expected=names, received=kind)
    for key in sorted(item.keys() - EDITOR_KEYS - set(_KEYS)):
        message = f"A node has no {said(key)}; it has: id, type, params, position, data."
        message += place.near(key, _KEYS) or " A parameter of the node belongs into 'params'."
        place.add(key, "unknown_key", message, expected=list(_KEYS))
    data = item.get("data") or {}
    if not isinstance(data, dict):
        message = f"A node's 'data' must be an object, but is {said(data)}."
        place.add("data", "wrong_type", message)
        data = {}
    params = _params(item, data, place)
    position = _position(item.get("position"), place)
    if node_id is None or node_type is None:
        return None
    params = node_type.canonical(params)
    nested = {key: params.pop(key) for key in node_type.nested if key in params}
    params = params_plain(params, place, "params.") | nested
    return Node(node_id, node_type.name, params, _label(item, data), position)


def _params(item: Mapping[str, Any], data: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return the parameters: in `params`, in `data.params`, or all of `data` but the editor's."""
    given, where = item.get("params"), "params"
    if given is None and "params" in data:
        given, where = data["params"], "data.params"
    if given is None:
        given = {key: value for key, value in data.items() if key not in _DATA_OF_EDITOR}
    if isinstance(given, dict):
        return given
    place.add(where, "wrong_type", f"A node's 'params' must be an object, but is {said(given)}.")
    return {}


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with whole numbers as such, so that 20.0 and 20 are one document."""
    if depth > _DEEPEST_VALUE:
        raise BadValueError("too_deep", f"A value may be nested {_DEEPEST_VALUE} levels deep.")
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, dict):
        return {key: _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    return value


def _label(item: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    label = data.get("label", item.get("label"))
    return label[:MAX_NAME_LENGTH] if isinstance(label, str) else ""


def _position(given: Any, place: Place) -> dict[str, float] | None:
    if given is None:
        return None
    try:
        if isinstance(given, dict):
            return {axis: plain(Number(name=axis).read(given.get(axis))) for axis in ("x", "y")}
    except BadValueError as bad:
        place.add_bad_value("position", bad)
        return None
    message = "A node's 'position' must be an object of the numbers x and y."
    place.add("position", "wrong_type", message, received=given)
    return None
