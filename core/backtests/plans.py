"""Compiled strategies, kept by what they were compiled from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from core.sessions.timeframe import timeframe_parse
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.frames import Frames
from strategies.graph.plan import Plan
from strategies.graph.schema import graph_parse
from strategies.graph.starts import scopes_check, starts_find

KEPT = 256


class _Document:
    """A graph document that can key a cache: found by its hash, told apart by its content.

    The hash alone is not enough. Graphs that differ in the ids of their nodes, in labels or in
    layout have one hash, but rules, faults and charts name the nodes of the graph they came from.
    """

    __slots__ = ("graph", "graph_hash")

    def __init__(self, graph_hash: str, graph: Mapping[str, Any]) -> None:
        self.graph_hash = graph_hash
        self.graph = graph

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Document)
            and self.graph_hash == other.graph_hash
            and self.graph == other.graph
        )

    def __hash__(self) -> int:
        return hash(self.graph_hash)


def plan_get(
    *,
    graph_hash: str,
    graph: Mapping[str, Any],
    parameters: Mapping[str, Any],
    interval: str | None = None,
) -> Plan:
    """Return the plan of a stored graph with these parameters; a second call costs nothing.

    Raises
    ------
    InvalidInput
        With every fault of the graph and of the parameters; failures are not kept.
    """
    return _compile(
        _Document(graph_hash, graph),
        orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS),
        interval,
    )


@lru_cache(maxsize=KEPT)
def _compile(document: _Document, parameters: bytes, interval: str | None) -> Plan:
    return graph_compile(graph_parse(document.graph), orjson.loads(parameters), interval=interval)


def data_check(*, plan: Plan, bars: Bars, context: Context) -> None:
    """Refuse data that are too short for the strategy's warm-up, on any of its time frames.

    Raises
    ------
    InvalidInput
        Saying how many bars it takes.
    """
    length_check(plan=plan, bar_count=len(bars))
    if plan.timeframes or plan.symbols:
        frames = Frames(bars, context, interval=plan.timeframe)
        scopes_check(plan, frames)
        starts_find(plan, frames)


def length_check(*, plan: Plan, bar_count: int) -> None:
    """Refuse a range that is too short for the strategy's warm-up.

    Raises
    ------
    InvalidInput
        Saying how many bars it takes.
    """
    if plan.lookback < bar_count:
        return
    message = (
        f"The strategy needs {plan.lookback + 1} bars before its first decision, and the range has "
        f"{bar_count}: start earlier, choose a shorter interval, or shorten its periods."
    )
    detail = Detail("start", "too_few_bars", message, plan.lookback + 1, bar_count)
    raise InvalidInput(message, code="too_few_bars", details=[detail])


def warmup_bars(plan: Plan, interval: str | None) -> int:
    """Return how many of the run's bars the first decision takes at most, gaps apart.

    Longer time frames count by the clock, as if there were no nights: what is put together from
    sessions takes fewer bars.
    """
    if interval is None or not plan.timeframes:
        return plan.lookback
    own = timeframe_parse(interval).seconds
    longest = max(timeframe_parse(timeframe).seconds for timeframe in plan.timeframes)
    return (plan.lookback + 1) * max(1, -(-longest // own))
