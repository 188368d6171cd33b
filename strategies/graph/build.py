"""Building a strategy step by step: each call appends a node, with its edges, to a draft.

What is appended must be right in itself: an unknown indicator, a period out of bounds or an edge
that does not fit is refused. What is only missing yet (an input without an edge), or what this
version cannot run, is a warning. The result is the very document that a full PUT would store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Detail, InvalidInput, NotFound
from strategies.graph.document import node_document
from strategies.graph.draft import Draft
from strategies.graph.edges import edges_parse
from strategies.graph.faults import MAX_FAULTS, Faults, said
from strategies.graph.kinds import kind_find
from strategies.graph.resolve import graph_resolve
from strategies.graph.schema import graph_document, graph_parse


@dataclass(frozen=True, slots=True)
class Appended:
    """What one step did.

    Attributes
    ----------
    document : dict
        The canonical document after the step.
    node_id, node : str, dict
        The node that was asked for; the first one where several were.
    warnings : list of Detail
        What is still missing on it, or cannot run in this version.
    nodes : tuple of dict
        All nodes that were asked for.
    """

    document: dict[str, Any]
    node_id: str
    node: dict[str, Any]
    warnings: list[Detail]
    nodes: tuple[dict[str, Any], ...] = ()


def indicator_append(document: Mapping[str, Any], *, body: Mapping[str, Any]) -> Appended:
    """Append an indicator, or another source of numbers.

    Parameters
    ----------
    document : Mapping
        The draft; not changed.
    body : Mapping
        ``{"name": "ema", "params": {"period": 20}, "source": "close"}``, or flat:
        ``{"type": "EMA", "period": 20, "time_frame": "1 hour"}``. A series is a price field, a
        node's id, ``"id.port"`` or ``{"node": id, "port": port}``; `source` is the close if
        absent. `id`, `label` and `position` are optional. `type` may name any node type:
        ``{"type": "price", "field": "high"}``, ``{"type": "position"}``.

    Raises
    ------
    InvalidInput
        With all faults; paths are those of the body.
    """
    return _append(document, [body], kinds=("indicator",), words=("name", "type"))


def condition_append(document: Mapping[str, Any], *, body: Mapping[str, Any]) -> Appended:
    """Append a condition, the logic of several, or a calculation.

    ``{"operator": "crosses_above", "left": ID, "right": ID or number}``; otherwise as
    `indicator_append`. With an operator of the logic node (``"and"``), `inputs` is a list of ids.
    `type` may name any node type: ``{"type": "hold", "in_1": ID, "n": 3}``.
    """
    words = ("operator", "operation", "type")
    return _append(document, [body], kinds=("condition", "logic", "math"), words=words)


def action_append(
    document: Mapping[str, Any], *, body: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> Appended:
    """Append one action or several.

    ``{"operation": "buy", "when": ID}``; a list of such; or one with a list of operations:
    ``{"operation": ["close", "short"], "when": ID}``. Options:
    ``{"action": "sell_put", "strike": "ATM", "expiry_days": 30, "when": ID}``. A stop may name its
    series: ``{"stop_loss": {"type": "multiple", "value": 2, "source": ID}}``. `type` may name any
    node type: ``{"type": "entry", "when": ID}``, ``{"type": "loop", "every": 5, "when": ID}``;
    `exec` names what runs an action: ``{"operation": "buy", "exec": ID}``.
    """
    bodies = list(body) if isinstance(body, (list, tuple)) else [body]
    words = ("operation", "operations", "action", "type")
    spread = [one for given in bodies for one in _spread(given, words)]
    return _append(document, spread, kinds=("action",), words=words)


def edge_append(document: Mapping[str, Any], *, body: Mapping[str, Any]) -> Appended:
    """Append an edge: ``{"source", "source_port"?, "target", "target_port"?}``.

    Returns
    -------
    Appended
        With the node that the edge goes to.
    """
    graph = graph_parse(document)
    faults = Faults()
    before = graph_document(graph)
    (*_, edge) = edges_parse([*before["edges"], body], graph.nodes, faults) or (None,)
    details = [_at_body(detail, f"edges[{len(graph.edges)}]") for detail in faults.details]
    if details or edge is None:
        raise InvalidInput(f"The edge cannot be added: {details[0].message}", details=details)
    return _checked(before | {"edges": [*before["edges"], dict(body)]}, [edge.target], "The edge")


def node_remove(document: Mapping[str, Any], *, node_id: str) -> dict[str, Any]:
    """Return the document without a node and its edges.

    Raises
    ------
    NotFound
        If the graph has no such node.
    """
    graph = graph_parse(document)
    if all(node.id != node_id for node in graph.nodes):
        raise NotFound(f"The strategy has no node {said(node_id)}.")
    found = graph_document(graph)
    found["nodes"] = [node for node in found["nodes"] if node["id"] != node_id]
    found["edges"] = [
        edge for edge in found["edges"] if node_id not in {edge["source"], edge["target"]}
    ]
    return found


def _append(
    document: Mapping[str, Any],
    bodies: Sequence[Any],
    *,
    kinds: tuple[str, ...],
    words: tuple[str, ...],
) -> Appended:
    """Append nodes, of the first of the `kinds` where nothing says of which type they are.

    `words` are the keys that may hold the name of the node's form, or of its type.
    """
    draft = Draft(graph_parse(document))
    faults = Faults()
    new, what = [], kinds[0]
    for index, body in enumerate(bodies):
        place = faults.at(f"[{index}]" if len(bodies) > 1 else "")
        if isinstance(body, Mapping):
            meant = kind_find(body, kinds, words)
            what = meant.type.name
            new.append(draft.append(meant, body, place))
        else:
            place.add("", "wrong_type", f"A JSON object is expected, not {said(body)}.")
    if not bodies:
        faults.add("", "required", "The list is empty: give at least one object.")
    faults.raise_if_any(f"The {what} cannot be added")
    return _checked(draft.document(), new, f"The {what}")


# What a step may leave for later or as it is, besides inputs that have no edge yet.
_LATER: Final = ("not_supported", "unused", "unaffordable")
_EVERY: Final = 1_000_000


def _checked(document: Mapping[str, Any], new: Sequence[str], what: str) -> Appended:
    """Parse the document with the new nodes in it; refuse what is wrong with these."""
    graph = graph_parse(document)
    found = {node.id: node for node in graph.nodes}
    # Of a large draft much is missing yet; what is wrong with the new nodes must not hide in it.
    resolved = graph_resolve(graph, most=_EVERY)
    details = (*resolved.faults, *resolved.warnings)
    owners = {node_id: _owner(node_id, new) for node_id in _ids(details)}
    about = [
        detail for detail in details if owners.get(detail.node_id or "") or detail.code == "cycle"
    ]
    later = [
        detail
        for detail in about
        if detail.code in _LATER or (detail.code == "required" and ".inputs." in detail.path)
    ]
    bad = [detail for detail in about if detail not in later]
    if bad:
        places = {node.id: f"nodes[{index}]" for index, node in enumerate(graph.nodes)}
        wrong = [
            _at_body(detail, places.get(owners.get(detail.node_id or "") or "", ""))
            for detail in bad[:MAX_FAULTS]
        ]
        raise InvalidInput(f"{what} cannot be added: {wrong[0].message}", details=wrong)
    nodes = tuple(node_document(found[node_id]) for node_id in new)
    return Appended(
        document=graph_document(graph),
        node_id=new[0],
        node=nodes[0],
        warnings=[detail for detail in later if detail.code != "unused"],
        nodes=nodes,
    )


def _ids(details: Sequence[Detail]) -> set[str]:
    return {detail.node_id for detail in details if detail.node_id is not None}


def _owner(node_id: str, new: Sequence[str]) -> str | None:
    """Return which of the new nodes a node is, or is in."""
    return next((one for one in new if node_id == one or node_id.startswith(f"{one}/")), None)


def _at_body(detail: Detail, prefix: str) -> Detail:
    """Return a fault with its path as the body of the step has it."""
    path = detail.path.removeprefix(prefix).lstrip(".") if prefix else detail.path
    return Detail(
        path, detail.code, detail.message, detail.expected, detail.received, detail.node_id
    )


def _spread(body: Any, words: tuple[str, ...]) -> list[Any]:
    """Return a body with a list of operations as one body an operation."""
    if not isinstance(body, Mapping):
        return [body]
    word = next((word for word in words if isinstance(body.get(word), list)), None)
    if word is None:
        return [body]
    rest = {key: value for key, value in body.items() if key != word}
    return [
        rest | dict(one) if isinstance(one, Mapping) else rest | {words[0]: one}
        for one in body[word]
    ]
