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
from strategies.graph.document import edge_document, node_document
from strategies.graph.expand import graph_expand, has_groups
from strategies.graph.faults import Faults, said
from strategies.graph.groups import parts_parse
from strategies.graph.identity import graph_hash
from strategies.graph.limits import MAX_DOCUMENT_BYTES, MAX_EDGES
from strategies.graph.model import SCHEMA_VERSION, Graph
from strategies.graph.nodes import params_plain
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
    nodes, edges = parts_parse(document.get("nodes"), _edges_given(document, faults), faults)
    settings = _settings_parse(document.get("settings"), faults)
    faults.raise_if_any("The strategy graph cannot be read")
    graph = Graph(nodes=nodes, edges=edges, parameters=parameters, settings=settings)
    if has_groups(graph):
        _check_expansion(graph, faults)
        faults.raise_if_any("The strategy graph cannot be read")
    return graph


def graph_document(graph: Graph) -> dict[str, Any]:
    """Return the canonical document of a graph, layout included; JSON-able.

    `graph_parse(graph_document(graph)) == graph`, always.
    """
    return {
        "schema_version": graph.schema_version,
        "parameters": [parameter_document(spec) for spec in graph.parameters],
        "nodes": [node_document(node) for node in graph.nodes],
        "edges": [edge_document(edge) for edge in graph.edges],
        "settings": dict(graph.settings),
    }


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


def _check_expansion(graph: Graph, faults: Faults) -> None:
    """Note what only shows once the groups are replaced by what is in them."""
    expansion = graph_expand(graph)
    for node_id in expansion.clashes:
        message = f"Two nodes are {node_id!r} once the groups are expanded: rename one of them."
        faults.add("nodes", "duplicate", message, received=node_id, node_id=node_id)
    if expansion.too_many:
        message = f"With its groups expanded the graph has more than {MAX_EDGES} edges."
        faults.add("edges", "too_many", message, expected=MAX_EDGES)


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
