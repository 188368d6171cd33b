"""Whether a graph can run: everything that is wrong, at once, and what is odd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Detail
from strategies.graph.model import Graph
from strategies.graph.resolve import graph_resolve


def graph_faults(
    graph: Graph, parameters: Mapping[str, Any] | None = None, *, interval: str | None = None
) -> tuple[list[Detail], list[Detail]]:
    """Return what keeps a graph from running, and what is only worth a look.

    Parameters
    ----------
    graph : Graph
        From `graph_parse`: well-formed already.
    parameters : Mapping, optional
        Values for the strategy's parameters; the others keep their defaults.
    interval : str, optional
        Time frame of the run, if known: a time frame that cannot be made of it is a fault then.

    Returns
    -------
    faults, warnings : list of Detail
        Each with its path ("nodes[3].params.period", "edges[0]"), the node's id, and what was
        expected and received where that helps. Faults of unused nodes are warnings.
    """
    resolved = graph_resolve(graph, parameters, interval=interval)
    return resolved.faults, resolved.warnings
