"""What a strategy graph is once it is parsed: frozen data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Node:
    """One node.

    Attributes
    ----------
    id : str
        Unique in the graph.
    type : str
        A type of the catalogue.
    params : Mapping
        Literals and references `{"$param": name}`, by canonical names; not yet checked.
    label, position : str, Mapping or None
        Layout: what an editor shows and where. No part of the strategy's identity.
    """

    id: str
    type: str
    params: Mapping[str, Any]
    label: str = ""
    position: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection from an output port to an input port.

    Attributes
    ----------
    source, target : str
        Ids of nodes.
    source_port : str
        Empty for the default (first) output of the source.
    target_port : str
        Empty only where the target's sole input could not be told when the document was read.
    id : str
        Layout: what an editor calls the edge.
    """

    source: str
    target: str
    source_port: str = ""
    target_port: str = ""
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter of the whole strategy: nodes refer to it, a sweep varies it.

    Attributes
    ----------
    name, type : str
        `type` is "int", "float", "choice" or "bool".
    default : Any
        Within the bounds.
    minimum, maximum, step : float or None
        Bounds, and the step of a sweep; for numbers.
    choices : tuple
        For "choice".
    title, description : str
        For people.
    """

    name: str
    type: str
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A well-formed strategy graph: it can be saved, and perhaps run.

    Attributes
    ----------
    nodes, edges, parameters : tuple
        In the document's order, which means nothing.
    settings : Mapping
        Sizing, stops and `max_open_entries` of the whole strategy, by canonical names.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
