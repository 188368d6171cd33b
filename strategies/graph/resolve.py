"""From a graph to nodes that are bound and wired, with everything that is wrong on the way.

Validation and compilation are two readers of this one pass, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.engine.program import Operation, SizeKind, StopKind
from core.errors import Detail
from strategies.graph.binding import node_bind, settings_bind
from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.bound import BoundNode, OptionDraft, RuleDraft, SizeDraft, StopDraft
from strategies.graph.catalogue.orders import OPENS
from strategies.graph.catalogue.rank import RankForm
from strategies.graph.coded import coded_check, nodes_mark
from strategies.graph.expand import graph_expand, has_groups
from strategies.graph.faults import MAX_FAULTS, Faults
from strategies.graph.limits import MAX_DEPTH
from strategies.graph.model import Graph, Node
from strategies.graph.ordering import cycles_find, order_find
from strategies.graph.parameters import parameters_bind
from strategies.graph.ports import node_form
from strategies.graph.scoping import scopes_assign
from strategies.graph.wiring import node_check, nodes_wire

_HALF: Final = 0.5
_ALL_EQUITY: Final = SizeDraft(SizeKind.PERCENT_OF_EQUITY)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A graph, bound and wired.

    Attributes
    ----------
    nodes : tuple of BoundNode
        The nodes that play a part, each after those that feed it.
    rules : tuple of RuleDraft
        What the strategy does, settings of the whole strategy filled in.
    option_rules : tuple of OptionDraft
        What it does in options.
    rank : BoundNode or None
        The node that says which instruments are served first.
    parameters : dict
        Values of the strategy's parameters.
    max_open_entries : int
        How often the strategy may add to a position on the same side.
    timeframe : str or None
        The time frame of the run, if it was given.
    faults, warnings : list of Detail
        `nodes` and `rules` are of use only where there is no fault.
    """

    nodes: tuple[BoundNode, ...]
    rules: tuple[RuleDraft, ...]
    option_rules: tuple[OptionDraft, ...]
    rank: BoundNode | None
    parameters: dict[str, Any]
    max_open_entries: int
    timeframe: str | None
    faults: list[Detail]
    warnings: list[Detail]


def graph_resolve(
    graph: Graph,
    parameters: Mapping[str, Any] | None = None,
    *,
    interval: str | None = None,
    most: int = MAX_FAULTS,
) -> Resolved:
    """Bind the parameters of a graph, wire its nodes, and find all that is wrong.

    Parameters
    ----------
    graph : Graph
        From `graph_parse`.
    parameters : Mapping, optional
        Values for parameters of the strategy; the others keep their defaults.
    interval : str, optional
        Time frame of the run, if it is known already.
    most : int, optional
        How many faults, and how many warnings of a kind, are kept.
    """
    if has_groups(graph):
        expansion = graph_expand(graph)
        found = graph_resolve(expansion.graph, parameters, interval=interval, most=most)
        return replace(
            found,
            faults=expansion.located(found.faults),
            warnings=expansion.located(found.warnings),
        )
    faults, aside = Faults(most), Faults(most)
    values = parameters_bind(graph.parameters, parameters, faults)
    settings = settings_bind(graph.settings, values, faults)
    used = _used(graph)
    bound: dict[str, BoundNode] = {}
    for index, node in enumerate(graph.nodes):
        one = node_bind(node, index, values, faults if node.id in used else aside)
        if one is not None:
            bound[node.id] = one
    nodes_wire(graph.edges, bound, used=used, faults=faults, aside=aside)
    for one in bound.values():
        node_check(one, faults if one.id in used else aside)
    order = _order(graph, faults)
    nodes_mark(bound[key] for key in order if key in bound)
    for one in bound.values():
        coded_check(one, faults if one.id in used else aside)
    nodes = tuple(bound[key] for key in order if key in used and key in bound)
    rank = _rank(nodes, faults)
    timeframe = scopes_assign(nodes, interval, faults)
    options = () if faults else tuple(one for node in nodes for one in node.type.option_rules(node))
    rules = () if faults else _rules(nodes, settings, faults, idle=not options)
    return Resolved(
        nodes=nodes,
        rules=rules,
        option_rules=options,
        rank=rank,
        parameters=values,
        max_open_entries=settings.get("max_open_entries", 1),
        timeframe=timeframe,
        faults=faults.details,
        warnings=_warnings(graph, used, aside, () if options else rules),
    )


def _used(graph: Graph) -> set[str]:
    """Return the ids of the nodes that act and of all that feeds them."""
    feeders: dict[str, list[str]] = {}
    for edge in graph.edges:
        feeders.setdefault(edge.target, []).append(edge.source)
    found: set[str] = set()
    waiting = []
    for node in graph.nodes:
        node_type = node_type_get(node.type)
        if node_type is not None and node_type.acting(node.params):
            waiting.append(node.id)
    while waiting:
        node_id = waiting.pop()
        if node_id not in found:
            found.add(node_id)
            waiting += feeders.get(node_id, ())
    return found


def _warnings(
    graph: Graph, used: Collection[str], aside: Faults, rules: Sequence[RuleDraft]
) -> list[Detail]:
    """Return what is odd: nodes that nothing depends on, faults of theirs, rules that are idle."""
    unused = Faults(aside.most)
    for index, node in enumerate(graph.nodes):
        if node.id not in used:
            unused.add(f"nodes[{index}]", "unused", _unused_message(node), node_id=node.id)
    return [*unused.details, *aside.details, *_oddities(rules)]


def _unused_message(node: Node) -> str:
    form = node_form(node)
    if form is not None and form.output("exec") is not None:
        return f"No action follows {node.id!r}, so it does nothing: connect its exec to an action."
    return f"Nothing that trades depends on {node.id!r}: connect it or remove it."


def _oddities(rules: Sequence[RuleDraft]) -> list[Detail]:
    opening = [rule for rule in rules if rule.operation in OPENS.values()]
    if rules and not opening:
        message = "Nothing opens a position: add an entry, or an action that buys or shorts."
        return [Detail("nodes", "never_opens", message)]
    return [
        Detail(
            f"nodes[{rule.node.index}].params.sizing",
            "unaffordable",
            f"A loop runs {rule.node.id!r} again and again, but each order takes "
            f"{rule.size.value:.0%} of equity: without credit the second one is rejected. Set a "
            "smaller size.",
            expected="at most half of the equity",
            received=rule.size.value,
            node_id=rule.node.id,
        )
        for rule in opening
        if rule.entries_added > 1
        and rule.size is not None
        and rule.size.kind is SizeKind.PERCENT_OF_EQUITY
        and rule.size.value > _HALF
    ]


def _order(graph: Graph, faults: Faults) -> tuple[str, ...]:
    """Return the ids in computing order; note cycles and too great a depth."""
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    order = order_find([node.id for node in graph.nodes], pairs)
    for cycle in cycles_find(order.rest, pairs):
        way = " -> ".join((*cycle, cycle[0]))
        faults.add(
            "edges",
            "cycle",
            f"The nodes feed each other in a circle: {way}. Remove one of these edges.",
            expected="no circle",
            received=way,
            node_id=cycle[0],
        )
    if order.depth > MAX_DEPTH:
        message = f"The longest path has {order.depth} nodes, but at most {MAX_DEPTH} are allowed."
        faults.add("nodes", "too_deep", message, expected=MAX_DEPTH, received=order.depth)
    return order.sorted


def _rank(nodes: Sequence[BoundNode], faults: Faults) -> BoundNode | None:
    """Return the node that ranks the instruments; note others beside it."""
    found = sorted(
        (node for node in nodes if isinstance(node.form, RankForm)), key=lambda node: node.index
    )
    for node in found[1:]:
        faults.add(
            f"nodes[{node.index}]",
            "too_many",
            f"{found[0].id!r} ranks the instruments already: remove {node.id!r}, or make one "
            "number of both.",
            expected="one rank at most",
            received=len(found),
            node_id=node.id,
        )
    return found[0] if found else None


def _rules(
    nodes: Sequence[BoundNode], settings: Mapping[str, Any], faults: Faults, *, idle: bool
) -> tuple[RuleDraft, ...]:
    """Return what the nodes order, with the strategy's settings where they leave something open.

    `idle` is whether nothing else is ordered: then having no rules is a fault.
    """
    drafts = [rule for node in nodes for rule in node.type.rules(node)]
    if idle and not drafts:
        faults.add(
            "nodes",
            "no_action",
            "The strategy does nothing: add an entry, an exit or an action and connect its `when`.",
            expected="an entry, exit or action",
        )
    rules = tuple(_with_settings(draft, settings) for draft in drafts)
    for rule in rules:
        risky = rule.size is not None and rule.size.kind is SizeKind.RISK_PERCENT
        if risky and rule.stop_loss is None and rule.trailing is None:
            faults.add(
                f"nodes[{rule.node.index}].params.stop_loss",
                "required",
                f"{rule.node.id!r} is sized by risk, so it needs a stop-loss to risk to.",
                expected="a stop_loss or trailing stop on the node or in the settings",
                node_id=rule.node.id,
            )
        _guards_check(rule, faults)
    return rules


def _guards_check(rule: RuleDraft, faults: Faults) -> None:
    """Note guards that no price can reach: 100 % or more below the fill."""
    below = {
        Operation.OPEN_LONG: ("long", {"stop_loss": rule.stop_loss, "trailing": rule.trailing}),
        Operation.OPEN_SHORT: ("short", {"take_profit": rule.take_profit}),
    }.get(rule.operation)
    if below is None:
        return
    side, guards = below
    for name, stop in guards.items():
        if stop is None or stop.kind is not StopKind.PERCENT or stop.value < 1.0:
            continue
        faults.add(
            f"nodes[{rule.node.index}].params.{name}",
            "out_of_range",
            f"The {name} of the {side} order {rule.node.id!r} is a fraction {stop.value:g} below "
            "its fill, where no price can be: it must be below 1 (0.03 is 3 %).",
            expected="below 1",
            received=stop.value,
            node_id=rule.node.id,
        )


def _with_settings(draft: RuleDraft, settings: Mapping[str, Any]) -> RuleDraft:
    if draft.operation not in OPENS.values():
        return draft
    loss: StopDraft | None = draft.stop_loss or settings.get("stop_loss")
    profit: StopDraft | None = draft.take_profit or settings.get("take_profit")
    return replace(
        draft,
        size=draft.size or settings.get("sizing") or _ALL_EQUITY,
        stop_loss=loss,
        take_profit=profit,
        trailing=draft.trailing or settings.get("trailing"),
        time_stop=draft.time_stop or settings.get("time_stop"),
    )
