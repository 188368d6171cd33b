"""Bars and documents that the tests of the graph share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.bars import Bars
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.schema import graph_parse

DAY_NS = 86_400 * 10**9


def bars_of(close: Any) -> Bars:
    """Daily bars with the given closes; high and low are a tenth away."""
    close = np.asarray(close, dtype=np.float64)
    return Bars.from_arrays(
        ts=np.arange(len(close), dtype=np.int64) * DAY_NS,
        open=close,
        high=close * 1.1,
        low=close * 0.9,
        close=close,
        volume=np.arange(len(close), dtype=np.float64) + 100,
    )


class Drawing:
    """A document in the making: `add(id, type, params, port=source)`."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.parameters: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {}

    def add(self, node_id: str, type_: str, params: Any = None, **ports: str) -> Drawing:
        self.nodes.append({"id": node_id, "type": type_, "params": params or {}})
        for port, end in ports.items():
            source, _, output = end.partition(".")
            edge = {"source": source, "target": node_id, "target_port": port}
            self.edges.append(edge | ({"source_port": output} if output else {}))
        return self

    @property
    def document(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters,
            "nodes": self.nodes,
            "edges": self.edges,
            "settings": self.settings,
        }

    def compile(self, parameters: Any = None, **options: Any) -> Any:
        return graph_compile(graph_parse(self.document), parameters, **options)

    def evaluate(self, close: Any, **options: Any) -> Evaluation:
        return plan_evaluate(self.compile(), bars_of(close), **options)


@pytest.fixture
def drawing() -> Drawing:
    return Drawing()


@pytest.fixture
def sma_cross(drawing: Drawing) -> Drawing:
    """SMA 2 over SMA 3 on the close, entry and exit."""
    drawing.add("close", "price", {"field": "close"})
    drawing.add("fast", "indicator", {"name": "sma", "period": 2}, source="close")
    drawing.add("slow", "indicator", {"name": "sma", "period": 3}, source="close")
    drawing.add("up", "condition", {"operator": "crosses_above"}, left="fast", right="slow")
    drawing.add("down", "condition", {"operator": "crosses_below"}, left="fast", right="slow")
    drawing.add("enter", "entry", {"side": "long"}, when="up")
    drawing.add("leave", "exit", {}, when="down")
    return drawing


@pytest.fixture
def judge(drawing: Drawing) -> Any:
    """Return where a condition on the close is true."""

    def where(params: dict[str, Any], close: Any, **options: Any) -> list[int]:
        drawing.add("close", "price")
        drawing.add("c", "condition", params, left="close")
        drawing.add("e", "entry", {}, when="c")
        return np.flatnonzero(drawing.evaluate(close, **options).columns[0]).tolist()

    return where
