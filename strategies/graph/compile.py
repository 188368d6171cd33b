"""From a graph to a plan: steps in order, equal ones once, and the engine's program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.engine.program import Program, Rule, Size, Stop
from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.bound import RuleDraft, StopDraft, Wire
from strategies.graph.catalogue.forms import SeriesForm
from strategies.graph.emitter import Emitter
from strategies.graph.faults import Faults
from strategies.graph.model import Graph
from strategies.graph.plan import Plan
from strategies.graph.resolve import graph_resolve


def graph_compile(
    graph: Graph, parameters: Mapping[str, Any] | None = None, *, interval: str | None = None
) -> Plan:
    """Compile a graph with the given parameters.

    Parameters
    ----------
    graph : Graph
        From `graph_parse`.
    parameters : Mapping, optional
        Values for the strategy's parameters; the others keep their defaults.
    interval : str, optional
        Time frame of the run. Without it the bars must show, at evaluation, that nodes which
        name a time frame get the one they name.

    Raises
    ------
    InvalidInput
        With every fault that `graph_faults` finds.

    Notes
    -----
    Of rules that open on one bar the first wins. They are ordered by the nodes' `priority`, then
    by operation, then by content, so that neither ids nor the order of nodes in the document
    make a difference: graphs with one hash trade alike.
    """
    resolved = graph_resolve(graph, parameters, interval=interval)
    faults = Faults()
    faults.details = resolved.faults
    faults.raise_if_any("The strategy cannot run")
    emitter = Emitter()
    for node in resolved.nodes:
        if isinstance(node.form, SeriesForm):
            emitter.node(node)
    rules = _Rules(emitter).build(resolved.rules)
    columns = emitter.columns
    lookback = max((emitter.lookback(slot) for slot in columns), default=0)
    program = Program(
        columns=tuple(emitter.name(slot) for slot in columns),
        rules=rules,
        warmup=lookback,
        max_open_entries=resolved.max_open_entries,
    )
    return Plan(
        program=program,
        steps=emitter.steps(),
        slots=emitter.slots,
        columns=tuple(columns),
        charts=emitter.charts,
        parameters=resolved.parameters,
        warnings=tuple(resolved.warnings),
        lookback=lookback,
        timeframe=resolved.timeframe,
    )


class _Rules:
    """Makes the engine's rules from drafts; columns are numbered as rules ask for them."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter

    def build(self, drafts: Sequence[RuleDraft]) -> tuple[Rule, ...]:
        """Return the rules in order of priority."""
        ranked = sorted(
            ((draft, self._trigger(draft.triggers)) for draft in drafts), key=self._rank
        )
        return tuple(self._rule(draft, trigger) for draft, trigger in ranked)

    def _rank(self, pair: tuple[RuleDraft, int]) -> tuple[Any, ...]:
        draft, trigger = pair
        stops = [self._stop_content(stop) for stop in (draft.stop_loss, draft.take_profit)]
        content = (self.emitter.name(trigger), repr(draft.size), draft.fraction, *stops)
        return (draft.priority, draft.operation, *content)

    def _stop_content(self, stop: StopDraft | None) -> str:
        if stop is None:
            return ""
        column = "" if stop.wire is None else self.emitter.name(self.emitter.wire(stop.wire))
        return f"{stop.kind}:{stop.value!r}:{column}"

    def _trigger(self, wires: Sequence[Wire]) -> int:
        """Return the slot that is true where all wires are."""
        slots = sorted({self.emitter.wire(wire) for wire in wires}, key=self.emitter.name)
        if len(slots) == 1:
            return slots[0]
        logic = node_type_get("logic")
        form = logic.form("and") if logic is not None else None
        if not isinstance(form, SeriesForm):
            raise TypeError("the catalogue has no conjunction")
        return self.emitter.step("logic", form, {}, slots, wires[0].node.id)[0]

    def _rule(self, draft: RuleDraft, trigger: int) -> Rule:
        return Rule(
            operation=draft.operation,
            trigger=self.emitter.column(trigger),
            size=draft.size or Size(),
            fraction=draft.fraction,
            stop_loss=self._stop(draft.stop_loss),
            take_profit=self._stop(draft.take_profit),
            source=draft.node.id,
        )

    def _stop(self, stop: StopDraft | None) -> Stop | None:
        if stop is None:
            return None
        if stop.wire is None:
            return Stop(stop.kind, stop.value)
        return Stop(stop.kind, stop.value, self.emitter.column(self.emitter.wire(stop.wire)))
