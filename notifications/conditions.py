"""Conditions on bars: a price against a level, or a boolean node of a strategy graph."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.model import Edge, Graph, Node
from strategies.graph.plan import Plan
from strategies.graph.schema import graph_parse

PRICE_FIELDS: Final = ("close", "open", "high", "low")
COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
ON_CHANGE: Final = "on_change"
EVERY_BAR: Final = "every_bar"
REPEATS: Final = (ON_CHANGE, EVERY_BAR)
KEPT_PLANS: Final = 256


def price_column(condition: Mapping[str, Any], bars: Bars) -> NDArray[np.bool_]:
    """Return where a price is beyond the level.

    Parameters
    ----------
    condition : Mapping
        ``{"operator": "gt", "level": 800, "field": "close"}``.
    """
    series = getattr(bars, condition.get("field", PRICE_FIELDS[0]))
    found: NDArray[np.bool_] = COMPARE[condition["operator"]](series, float(condition["level"]))
    return found


def node_column(plan: Plan, bars: Bars, context: Context) -> NDArray[np.bool_]:
    """Return where the node of a plan of `node_plan` is true; false before it is defined."""
    evaluation = plan_evaluate(plan, bars, context=context, charts=False)
    found = np.array(evaluation.columns[evaluation.program.rules[0].trigger], dtype=np.bool_)
    found[: evaluation.program.warmup] = False
    return found


def fires(column: NDArray[np.bool_], *, repeat: str) -> NDArray[np.bool_]:
    """Return at which bars a condition tells: where it becomes true, or wherever it is."""
    if repeat == EVERY_BAR:
        return column
    before = np.zeros_like(column)
    before[1:] = column[:-1]
    told: NDArray[np.bool_] = column & ~before
    return told


def node_plan(
    *,
    version_id: str,
    graph: Mapping[str, Any],
    node_id: str,
    port: str,
    parameters: Mapping[str, Any],
    interval: str,
) -> Plan:
    """Return a plan that computes one boolean node of a strategy's graph, and no more.

    Raises
    ------
    InvalidInput
        When there is no such node, it is not boolean, it depends on the position, or what feeds it
        cannot run.
    """
    wanted = _Wanted(version_id, node_id, port, interval, graph)
    return _compiled(wanted, orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS))


class _Wanted:
    """What is compiled; versions never change, so that their ids stand for their graphs."""

    def __init__(
        self, version_id: str, node_id: str, port: str, interval: str, graph: Mapping[str, Any]
    ) -> None:
        self.key = (version_id, node_id, port, interval)
        self.graph = graph

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Wanted) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=KEPT_PLANS)
def _compiled(wanted: _Wanted, parameters: bytes) -> Plan:
    _, node_id, port, interval = wanted.key
    graph = node_graph(graph_parse(wanted.graph), node_id=node_id, port=port)
    plan = graph_compile(graph, orjson.loads(parameters), interval=interval)
    rule = plan.program.rules[0]
    if rule.trigger < 0 or rule.guard >= 0:
        raise _node_error(
            f"{node_id!r} depends on the position, which an alert has none of: choose a node that "
            "is computed from prices alone.",
            node_id,
        )
    return plan


def node_graph(graph: Graph, *, node_id: str, port: str) -> Graph:
    """Return the graph of a node and all that feeds it, which enters where the node is true."""
    ids = {node.id for node in graph.nodes}
    if node_id not in ids:
        known = ", ".join(sorted(ids)[:20])
        raise _node_error(f"The strategy has no node {node_id!r}; it has {known}.", node_id)
    feeders: dict[str, list[str]] = {}
    for edge in graph.edges:
        feeders.setdefault(edge.target, []).append(edge.source)
    kept: set[str] = set()
    waiting = [node_id]
    while waiting:
        one = waiting.pop()
        if one not in kept:
            kept.add(one)
            waiting += feeders.get(one, ())
    name = "alert"
    while name in ids:
        name += "_"
    return Graph(
        nodes=(*(node for node in graph.nodes if node.id in kept), Node(name, "entry", {})),
        edges=(
            *(edge for edge in graph.edges if {edge.source, edge.target} <= kept),
            Edge(node_id, name, port, "when"),
        ),
        parameters=graph.parameters,
        schema_version=graph.schema_version,
    )


def _node_error(message: str, node_id: str) -> InvalidInput:
    detail = Detail("condition.node", "invalid_node", message, "a boolean node", node_id)
    return InvalidInput(message, code="invalid_node", details=[detail])
