"""From a JSON document to a `Graph` and back: the level at which a draft may be saved.

A well-formed document has known node types, unique ids, edges whose ends exist, declared
parameters that make sense, and keeps the limits. Whether it is complete enough to run is the
business of `strategies.graph.validate`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from core.errors import Detail, InvalidInput
from strategies.graph.catalogue.base import renamed
from strategies.graph.catalogue.orders import SETTINGS
from strategies.graph.edges import edges_parse
from strategies.graph.faults import Faults, said
from strategies.graph.identity import graph_hash
from strategies.graph.limits import MAX_DOCUMENT_BYTES
from strategies.graph.model import SCHEMA_VERSION, Edge, Graph, Node
from strategies.graph.nodes import nodes_parse, params_plain
from strategies.graph.parameters import parameter_document, parameters_parse

__all__ = ["graph_document", "graph_hash", "graph_parse"]

_KEYS: Final = ("schema_version", "parameters", "nodes", "edges", "settings")
_ACCEPTED: Final = {*_KEYS, "connections", "viewport"}
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def graph_parse(document: Mapping[str, Any]) -> Graph:
    """Return the graph that a document describes.

    Parameters
    ----------
    document : Mapping
        JSON data in the canonical spelling or in React Flow's: `connections` for `edges`,
        `sourceHandle` and `targetHandle` for the ports, a node's `params` inside `data`.

    Raises
    ------
    InvalidInput
        With one `Detail` per fault, all of them at once. The code is "malformed" where the
        document is not JSON data or too large to look into.
    """
    _check_document(document)
    faults = Faults()
    for key in sorted(document.keys() - _ACCEPTED):
        message = f"A strategy graph has no {said(key)}; it has: {', '.join(_KEYS)}."
        faults.add(said(key).strip("'"), "unknown_key", message + faults.near(key, _KEYS))
    _check_version(document.get("schema_version", SCHEMA_VERSION), faults)
    parameters = parameters_parse(document.get("parameters"), faults)
    nodes = nodes_parse(document.get("nodes"), faults)
    edges = edges_parse(_edges_given(document, faults), nodes, faults)
    settings = _settings_parse(document.get("settings"), faults)
    faults.raise_if_any("The strategy graph cannot be read")
    return Graph(nodes=nodes, edges=edges, parameters=parameters, settings=settings)


def graph_document(graph: Graph) -> dict[str, Any]:
    """Return the canonical document of a graph, layout included; JSON-able.

    `graph_parse(graph_document(graph)) == graph`, always.
    """
    return {
        "schema_version": graph.schema_version,
        "parameters": [parameter_document(spec) for spec in graph.parameters],
        "nodes": [node_document(node) for node in graph.nodes],
        "edges": [_edge_document(edge) for edge in graph.edges],
        "settings": dict(graph.settings),
    }


def node_document(node: Node) -> dict[str, Any]:
    """Return one node as the canonical document has it."""
    found: dict[str, Any] = {"id": node.id, "type": node.type, "params": dict(node.params)}
    if node.position is not None:
        found["position"] = dict(node.position)
    if node.label:
        found["data"] = {"label": node.label}
    return found


def _edge_document(edge: Edge) -> dict[str, Any]:
    found = {
        "id": edge.id,
        "source": edge.source,
        "source_port": edge.source_port,
        "target": edge.target,
        "target_port": edge.target_port,
    }
    return {key: value for key, value in found.items() if value}


def _check_document(document: Any) -> None:
    """Raise at once where looking further would be no use, or harm."""
    if not isinstance(document, Mapping):
        raise _malformed(f"A strategy graph must be a JSON object, but is {said(document)}.")
    if not all(isinstance(key, str) for key in document):
        raise _malformed("The keys of a strategy graph must be texts.")
    try:
        text = json.dumps(dict(document), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _malformed("The strategy graph holds text that is not valid Unicode.") from error
    except (TypeError, ValueError, RecursionError) as error:
        message = f"The strategy graph is not JSON data: {error}."[:300]
        raise _malformed(message) from error
    if size > MAX_DOCUMENT_BYTES:
        detail = Detail(
            "",
            "too_large",
            f"A strategy graph may have {MAX_DOCUMENT_BYTES} bytes, but this one has {size}.",
            expected=MAX_DOCUMENT_BYTES,
            received=size,
        )
        raise InvalidInput(detail.message, details=[detail])
    if _NUL.search(text):
        raise _malformed("The strategy graph holds a NUL character: remove it.")


def _malformed(message: str) -> InvalidInput:
    return InvalidInput(message, code="malformed", details=[Detail("", "malformed", message)])


def _check_version(version: Any, faults: Faults) -> None:
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        faults.add(
            "schema_version",
            "unknown_choice",
            f"This version reads strategy graphs of schema version {SCHEMA_VERSION}, not "
            f"{said(version)}.",
            expected=SCHEMA_VERSION,
            received=version,
        )


def _edges_given(document: Mapping[str, Any], faults: Faults) -> Any:
    edges, connections = document.get("edges"), document.get("connections")
    if edges and connections:
        message = "Give the edges once: 'edges' and 'connections' mean the same."
        faults.add("connections", "duplicate", message)
    return edges or connections


def _settings_parse(given: Any, faults: Faults) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        message = f"'settings' must be an object, but is {said(given)}."
        faults.add("settings", "wrong_type", message)
        return {}
    by_name = {word: param for param in SETTINGS for word in (param.name, *param.aliases)}
    known = [param.name for param in SETTINGS]
    for key in sorted(given.keys() - by_name.keys()):
        message = f"There is no setting {said(key)}; there are: {', '.join(known)}."
        faults.add(
            f"settings.{key[:100]}",
            "unknown_key",
            message + faults.near(key, known),
            expected=known,
        )
    return params_plain(renamed(given, by_name), faults.at("settings"))
