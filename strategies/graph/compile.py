"""From a graph to a plan: steps in order, equal ones once, and the engine's program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.engine.option_rules import OptionRule
from core.engine.program import (
    MARKET,
    Operation,
    Order,
    Price,
    Program,
    Rule,
    Size,
    SizeKind,
    Stop,
)
from strategies.graph.catalogue.bound import (
    BoundNode,
    OptionDraft,
    OrderDraft,
    PriceDraft,
    RuleDraft,
    SizeDraft,
    StopDraft,
    Wire,
)
from strategies.graph.catalogue.flow import FlowForm
from strategies.graph.catalogue.forms import SeriesForm
from strategies.graph.catalogue.rank import lowest_first
from strategies.graph.catalogue.realised import VOLATILITY
from strategies.graph.codegen import Codegen
from strategies.graph.coder import Term
from strategies.graph.emitter import Emitter
from strategies.graph.faults import faults_raise
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
        Time frame of the run. Without it evaluation finds out whether the time frames that nodes
        name can be made of the bars.

    Raises
    ------
    InvalidInput
        With every fault that `graph_faults` finds.

    Notes
    -----
    What depends on data only becomes columns; what depends on the position becomes code. A rule
    with triggers of both kinds has a column for the ones and a register for the others.

    Of rules that open on one bar the first wins. They are ordered by the nodes' `priority`, then
    by operation, then by content, so that neither ids nor the order of nodes in the document
    make a difference: graphs with one hash trade alike.
    """
    resolved = graph_resolve(graph, parameters, interval=interval)
    faults_raise(resolved.faults, "The strategy cannot run")
    emitter = Emitter()
    for node in resolved.nodes:
        if isinstance(node.form, SeriesForm) and not node.coded:
            emitter.node(node)
    codegen = Codegen(emitter, resolved.max_open_entries)
    for node in resolved.nodes:
        if isinstance(node.form, (SeriesForm, FlowForm)) and node.coded:
            codegen.node(node)
    maker = _Rules(emitter, codegen)
    rules = maker.build(resolved.rules)
    option_rules = maker.build_options(resolved.option_rules)
    code = codegen.code()
    columns = emitter.columns
    lookback = max((emitter.lookback(slot) for slot in columns), default=0)
    awaited = tuple(columns)
    rank = -1 if resolved.rank is None else _rank_column(resolved.rank, emitter)
    program = Program(
        columns=tuple(emitter.name(slot) for slot in columns),
        rules=rules,
        warmup=lookback,
        max_open_entries=resolved.max_open_entries,
        code=code.instructions,
        registers=code.registers,
        cells=code.cells,
        option_rules=option_rules,
        rank=rank,
    )
    return Plan(
        program=program,
        steps=emitter.steps(awaited),
        slots=emitter.slots,
        columns=tuple(columns),
        charts=emitter.charts,
        parameters=resolved.parameters,
        warnings=tuple(resolved.warnings),
        lookback=lookback,
        timeframe=resolved.timeframe,
        messages={
            draft.node.id: draft.node.values["message"]
            for draft in resolved.rules
            if draft.operation is Operation.ALERT
        },
    )


def _rank_column(node: BoundNode, emitter: Emitter) -> int:
    """Return the column by which instruments are ranked, the highest first."""
    (wire,) = node.inputs["source"]
    slot = emitter.wire(wire)
    if lowest_first(node):
        slot = emitter.operation("math", "negate", [slot], node.id)
    return emitter.column(slot)


class _Rules:
    """Makes the engine's rules from drafts; columns are numbered as rules ask for them."""

    def __init__(self, emitter: Emitter, codegen: Codegen) -> None:
        self.emitter = emitter
        self.codegen = codegen

    def build(self, drafts: Sequence[RuleDraft]) -> tuple[Rule, ...]:
        """Return the rules in order of priority."""
        judged = [
            _Judged(draft, self._trigger(draft.triggers), self._guard(draft.triggers))
            for draft in drafts
        ]
        return tuple(self._rule(one) for one in sorted(judged, key=self._rank))

    def build_options(self, drafts: Sequence[OptionDraft]) -> tuple[OptionRule, ...]:
        """Return the option rules, ordered by what they are and what triggers them."""
        judged = [
            (draft.rule, self._trigger(draft.triggers), self._guard(draft.triggers))
            for draft in drafts
        ]
        judged.sort(key=lambda one: (repr(replace(one[0], source="")), *self._content(*one[1:])))
        return tuple(
            replace(rule, trigger=self._column(trigger), guard=self._register(guard))
            for rule, trigger, guard in judged
        )

    def _rank(self, judged: _Judged) -> tuple[Any, ...]:
        draft = judged.draft
        trigger, guard = self._content(judged.trigger, judged.guard)
        order = draft.order
        prices = (order.limit, order.stop) if order is not None else ()
        stops = (draft.stop_loss, draft.take_profit, draft.trailing)
        levels = [self._level_content(level) for level in (*stops, *prices)]
        terms = "" if order is None else repr((order.kind, order.time_in_force, order.bars))
        numbers = (repr(draft.size), draft.fraction, draft.time_stop or 0, draft.entries_added)
        return (draft.priority, draft.operation, trigger, guard, *numbers, terms, *levels)

    def _content(self, trigger: int | None, guard: Term | None) -> tuple[str, str]:
        """Return what triggers a rule, by content."""
        return (
            "" if trigger is None else self.emitter.name(trigger),
            "" if guard is None else self.codegen.coder.content(guard),
        )

    def _column(self, trigger: int | None) -> int:
        return -1 if trigger is None else self.emitter.column(trigger)

    def _register(self, guard: Term | None) -> int:
        return -1 if guard is None else self.codegen.coder.register(guard)

    def _level_content(self, level: StopDraft | PriceDraft | None) -> str:
        if level is None:
            return ""
        series = "" if level.wire is None else self.codegen.content(level.wire)
        return f"{level.kind}:{level.value!r}:{series}"

    def _trigger(self, wires: Sequence[Wire]) -> int | None:
        """Return the slot that is true where all wires of data are; None if there are none."""
        data = [wire for wire in wires if not wire.node.coded]
        slots = sorted({self.emitter.wire(wire) for wire in data}, key=self.emitter.name)
        if len(slots) < 2:
            return slots[0] if slots else None
        return self.emitter.operation("logic", "and", slots, data[0].node.id)

    def _guard(self, wires: Sequence[Wire]) -> Term | None:
        """Return the term that is true where all wires of code are; None if there are none."""
        return self.codegen.guard([wire for wire in wires if wire.node.coded])

    def _rule(self, judged: _Judged) -> Rule:
        draft, coder = judged.draft, self.codegen.coder
        return Rule(
            operation=draft.operation,
            trigger=self._column(judged.trigger),
            guard=self._register(judged.guard),
            size=self._size(draft.size, draft.node.id),
            fraction=draft.fraction,
            stop_loss=self._stop(draft.stop_loss),
            take_profit=self._stop(draft.take_profit),
            order=self._order(draft.order),
            trailing=self._stop(draft.trailing),
            max_bars=draft.time_stop or 0,
            max_entries=draft.entries_added and coder.max_open_entries + draft.entries_added,
            source=draft.node.id,
        )

    def _size(self, size: SizeDraft | None, node_id: str) -> Size:
        if size is None:
            return Size()
        column = -1
        if size.kind is SizeKind.VOLATILITY_TARGET:
            values = {"period": size.period}
            slot = self.emitter.step("sizing", VOLATILITY, values, (), node_id)[0]
            column = self.emitter.column(slot)
        return Size(size.kind, size.value, column, size.start, size.most)

    def _stop(self, stop: StopDraft | None) -> Stop | None:
        if stop is None:
            return None
        column, register = self._series(stop.wire)
        return Stop(stop.kind, stop.value, column, register)

    def _order(self, order: OrderDraft | None) -> Order:
        if order is None:
            return MARKET
        return Order(
            kind=order.kind,
            limit=self._price(order.limit),
            stop=self._price(order.stop),
            time_in_force=order.time_in_force,
            bars=order.bars,
        )

    def _price(self, price: PriceDraft | None) -> Price | None:
        if price is None:
            return None
        column, register = self._series(price.wire)
        return Price(price.kind, price.value, column, register)

    def _series(self, wire: Wire | None) -> tuple[int, int]:
        """Return the column and the register of a series, each -1 where it is not that."""
        if wire is None:
            return -1, -1
        if wire.node.coded:
            return -1, self.codegen.coder.register(self.codegen.term(wire))
        return self.emitter.column(self.emitter.wire(wire)), -1


@dataclass(frozen=True, slots=True)
class _Judged:
    """A rule's draft with the slot and the term that its triggers come to."""

    draft: RuleDraft
    trigger: int | None
    guard: Term | None
