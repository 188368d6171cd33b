"""What the random graphs of the fuzz tests trade with."""

from __future__ import annotations

from hypothesis import given, settings

from core.engine.program import OrderKind, PriceKind, TimeInForce
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_parse
from tests.strategies.graph.test_fuzz import valid_graphs

EVERY_WAY = {
    *OrderKind.__members__,
    *TimeInForce.__members__,
    *PriceKind.__members__,
    "trailing",
    "time_stop",
}


def test_random_graphs_wait_trail_and_are_guarded_in_every_way():
    found: set[str] = set()

    @given(valid_graphs())
    @settings(max_examples=400, database=None, derandomize=True)
    def look(document):
        for rule in graph_compile(graph_parse(document)).program.rules:
            found.update({rule.order.kind.name, rule.order.time_in_force.name})
            prices = (rule.order.limit, rule.order.stop)
            found.update(price.kind.name for price in prices if price is not None)
            if rule.trailing is not None:
                found.add("trailing")
            if rule.max_bars:
                found.add("time_stop")

    look()
    assert found >= EVERY_WAY
