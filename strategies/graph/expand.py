"""Expanding groups: what runs, and what is hashed, is the graph without them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.errors import Detail
from strategies.graph.catalogue.group import GroupNode
from strategies.graph.document import edge_read, node_read
from strategies.graph.limits import MAX_EDGES
from strategies.graph.model import Edge, Graph, Node

_PART: Final = re.compile(r"^(nodes|edges)\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Expansion:
    """A graph without groups, and where its parts stand in the document.

    Attributes
    ----------
    graph : Graph
        A node of a group has the id "group/node".
    paths : dict
        Of "nodes" and "edges" the paths in the document, in the order of the graph.
    clashes : tuple of str
        Ids that two of its nodes have.
    too_many : bool
        Whether ports that feed several nodes make more edges than there may be.
    """

    graph: Graph
    paths: dict[str, list[str]]
    clashes: tuple[str, ...] = ()
    too_many: bool = False

    def located(self, details: Iterable[Detail]) -> list[Detail]:
        """Return details with paths of the expanded graph as those of the document."""
        return [replace(one, path=_PART.sub(self._path, one.path)) for one in details]

    def _path(self, match: re.Match[str]) -> str:
        return self.paths[match[1]][int(match[2])]


def graph_expand(graph: Graph) -> Expansion:
    """Return the graph with every group replaced by its nodes and edges.

    Parameters
    ----------
    graph : Graph
        From `graph_parse`.
    """
    expander = _Expander()
    expander.level(graph.nodes, graph.edges, owner="", path="")
    ids = [node.id for node in expander.nodes]
    clashes = {one for one in ids if ids.count(one) > 1} if len(set(ids)) < len(ids) else set()
    return Expansion(
        graph=replace(graph, nodes=tuple(expander.nodes), edges=tuple(expander.edges)),
        paths={"nodes": expander.node_paths, "edges": expander.edge_paths},
        clashes=tuple(sorted(clashes)),
        too_many=expander.too_many,
    )


def has_groups(graph: Graph) -> bool:
    """Return whether there is anything to expand."""
    return any(node.type == GroupNode.name for node in graph.nodes)


Ends = list[tuple[str, str]]


class _Expander:
    """Collects the nodes and edges of all levels, the innermost first."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.node_paths: list[str] = []
        self.edge_paths: list[str] = []
        self.too_many = False
        self._inputs: dict[tuple[str, str], Ends] = {}
        self._outputs: dict[str, dict[str, tuple[str, str]]] = {}

    def level(self, nodes: Sequence[Node], edges: Sequence[Edge], *, owner: str, path: str) -> None:
        """Add the nodes and edges of the document, or of one group."""
        for index, node in enumerate(nodes):
            where = f"{path}nodes[{index}]"
            if node.type == GroupNode.name:
                self._group(node, owner + node.id, where)
            else:
                self.nodes.append(replace(node, id=owner + node.id) if owner else node)
                self.node_paths.append(where)
        for index, edge in enumerate(edges):
            source, source_port = self._source(owner + edge.source, edge.source_port)
            for target, target_port in self._targets(owner + edge.target, edge.target_port):
                if len(self.edges) >= MAX_EDGES:
                    self.too_many = True
                    return
                self.edges.append(Edge(source, target, source_port, target_port, edge.id))
                self.edge_paths.append(f"{path}edges[{index}]")

    def _group(self, node: Node, node_id: str, where: str) -> None:
        params = node.params
        inner = [node_read(about) for about in params["nodes"]]
        edges = [edge_read(about) for about in params["edges"]]
        self.level(inner, edges, owner=f"{node_id}/", path=f"{where}.params.")
        for port in params["inputs"]:
            ends = self._inputs.setdefault((node_id, port["name"]), [])
            ends += self._targets(f"{node_id}/{port['node']}", port["port"])
            if len(ends) > MAX_EDGES:
                self.too_many = True
                del ends[MAX_EDGES:]
        self._outputs[node_id] = {
            port["name"]: self._source(f"{node_id}/{port['node']}", port.get("port", ""))
            for port in params["outputs"]
        }

    def _source(self, node_id: str, port: str) -> tuple[str, str]:
        """Return the node and port that an edge starts at."""
        outputs = self._outputs.get(node_id)
        if outputs is None:
            return node_id, port
        return outputs[port] if port else next(iter(outputs.values()))

    def _targets(self, node_id: str, port: str) -> Ends:
        """Return the nodes and ports that an edge ends at: several where a group's port forks."""
        if node_id in self._outputs:
            return self._inputs[node_id, port]
        return [(node_id, port)]
