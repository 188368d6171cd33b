"""What entries, exits and actions share: sizing, stops, and how they become rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from core.engine.program import Operation, StopKind
from strategies.graph.catalogue.bound import BoundNode, RuleDraft, StopDraft, Wire
from strategies.graph.catalogue.flow import entries_added, starters
from strategies.graph.catalogue.forms import Port, PortType
from strategies.graph.catalogue.typed import PercentStop, Sizing, StopValue
from strategies.graph.faults import BadValueError
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import Choice, Integer, Number

SIZING: Final = Sizing(
    name="sizing",
    aliases=("size", "quantity"),
    description="How much an opening order trades: units, cash, a fraction of equity (1.0 is all "
    "of it), a fraction of equity to lose at the stop-loss, a volatility a year to aim at (0.15 is "
    "15%), a fraction of Kelly's criterion of the closed trades, or one more contract for each "
    "further profit of a fixed amount. The strategy's setting if absent.",
)
STOP_LOSS: Final = StopValue(
    name="stop_loss",
    description="Closes the position at a loss: a fraction away from the fill (0.03 is 3%), a "
    "multiple of the series on the port, or the price on the port.",
)
TAKE_PROFIT: Final = StopValue(
    name="take_profit",
    largest=100.0,
    description="Closes the position at a profit: a fraction away from the fill, a multiple of the "
    "series on the port, or the price on the port.",
)
TRAILING: Final = StopValue(
    name="trailing",
    description="A stop that follows the best price since the entry: at a fraction of it, at a "
    "multiple of the series on the port, or the price on the port wherever that is nearer.",
)
TIME_STOP: Final = Integer(
    name="time_stop",
    minimum=1,
    maximum=MAX_SHIFT,
    aliases=("max_bars_held",),
    description="Closes what the order opened at the open so many bars after its fill.",
)
PRIORITY: Final = Integer(
    name="priority",
    minimum=-1_000,
    maximum=1_000,
    description="Of the orders that open on one bar the lowest number wins; 0 if absent.",
)
OPENING: Final = (SIZING, STOP_LOSS, TAKE_PROFIT, TRAILING, TIME_STOP)
FRACTION: Final = Number(
    name="fraction",
    above=0.0,
    maximum=1.0,
    description="Part of the position that is closed; all of it if absent.",
)

OPENS: Final = {"long": Operation.OPEN_LONG, "short": Operation.OPEN_SHORT}
CLOSES: Final = {
    "any": Operation.CLOSE,
    "long": Operation.CLOSE_LONG,
    "short": Operation.CLOSE_SHORT,
}

SETTINGS: Final = (
    SIZING,
    PercentStop(
        name="stop_loss",
        description="Closes a position at a loss of that fraction, where its entry says nothing.",
    ),
    PercentStop(
        name="take_profit",
        largest=100.0,
        description="Closes a position at a profit of that fraction, where its entry says nothing.",
    ),
    Integer(
        name="max_open_entries",
        minimum=1,
        maximum=1_000,
        description="How often the strategy may enter on the same side in a row; 1 if absent.",
    ),
    PercentStop(
        name="trailing",
        description="Follows the price at that fraction, where its entry says nothing.",
    ),
    Integer(
        name="time_stop",
        minimum=1,
        maximum=MAX_SHIFT,
        aliases=("max_bars_held",),
        description="Closes a position so many bars after its fill, where its entry says nothing.",
    ),
)
"""Settings of the whole strategy; entries and actions may override all but `max_open_entries`."""

WHEN: Final = Port("when", PortType.BOOL, description="Acts at every bar where this is true.")
EXEC_OUT: Final = Port(
    "exec",
    PortType.EXEC,
    required=False,
    description="Runs actions in place of its own order.",
)
STOP_PORTS: Final = (
    Port("stop_loss", PortType.NUMBER, required=False, description="Series of the stop-loss."),
    Port("take_profit", PortType.NUMBER, required=False, description="Series of the take-profit."),
    Port(
        "trailing",
        PortType.NUMBER,
        required=False,
        description="Series of the trailing stop.",
    ),
)


def opening_rule(
    node: BoundNode,
    operation: Operation,
    triggers: tuple[Wire, ...],
    *,
    source: BoundNode | None = None,
) -> RuleDraft:
    """Return the rule of an opening order; what its node leaves open its entry may say.

    Parameters
    ----------
    source : BoundNode, optional
        What runs the order: an entry, or a loop or wait that an entry may start.
    """
    entries = () if source is None else speakers(source, operation)
    stated = {name: _stated((node, *entries), name) for name in _INHERITED}
    return RuleDraft(
        operation=operation,
        triggers=triggers,
        node=node,
        size=stated["sizing"],
        stop_loss=stated["stop_loss"],
        take_profit=stated["take_profit"],
        trailing=stated["trailing"],
        time_stop=stated["time_stop"],
        priority=stated["priority"] or 0,
        entries_added=0 if source is None else entries_added(source),
    )


def speakers(source: BoundNode, operation: Operation) -> tuple[BoundNode, ...]:
    """Return the entries or exits whose word counts for an order that they start."""
    return tuple(one for one in starters(source) if operation in one.type.operations(one))


def speaker_faults(
    node: BoundNode, source: BoundNode, operation: Operation
) -> Iterator[tuple[str, BadValueError]]:
    """Yield where those that start one order through a loop or wait contradict each other."""
    entries = speakers(source, operation)
    for name in (*_INHERITED, FRACTION.name):
        if _own(node, name) is not None or len({repr(_content(one, name)) for one in entries}) < 2:
            continue
        names = ", ".join(sorted(repr(one.id) for one in entries))
        message = f"{names} start {node.id!r} and say different things about {name!r}: set it here."
        yield (
            f"params.{name}",
            BadValueError("ambiguous", message, expected=f"{name} on the action"),
        )


_INHERITED: Final = ("sizing", "stop_loss", "take_profit", "trailing", "time_stop", "priority")


def _stated(nodes: Sequence[BoundNode], name: str) -> Any:
    """Return what the first node that says something says."""
    found: Iterable[Any] = (_own(one, name) for one in nodes)
    return next((one for one in found if one is not None), None)


def _own(node: BoundNode, name: str) -> Any:
    value = node.values.get(name)
    return stop_draft(node, name) if isinstance(value, StopDraft) else value


def _content(node: BoundNode, name: str) -> Any:
    """Return what a node says in a form that can be compared."""
    value = _own(node, name)
    if not isinstance(value, StopDraft) or value.wire is None:
        return value
    return value.kind, value.value, value.wire.node.id, value.wire.port


def stop_draft(node: BoundNode, name: str) -> StopDraft | None:
    """Return the node's own stop of that name with its wire, if it has one."""
    stop: StopDraft | None = node.values.get(name)
    if stop is None or stop.kind is StopKind.PERCENT:
        return stop
    return StopDraft(stop.kind, stop.value, node.wire(name))


def stop_faults(node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
    """Yield what is wrong between the node's stops and the edges to their ports."""
    for name in ("stop_loss", "take_profit", "trailing"):
        stop: StopDraft | None = node.values.get(name)
        wired = name in node.inputs
        if stop is not None and stop.kind is not StopKind.PERCENT:
            if wired:
                continue
            kind = stop.kind.name.lower()
            message = f"{name} of type {kind!r} needs an edge from a series to the port {name!r}."
            bad = BadValueError("required", message, expected="an edge to " + name)
        elif wired:
            message = (
                f"There is an edge to the port {name!r}, but the parameter {name!r} does not say "
                'what it means: set it to {"type": "multiple", "value": …} or {"type": "price"}.'
            )
            bad = BadValueError("unexpected_edge", message, expected=["multiple", "price"])
        else:
            continue
        yield f"params.{name}", bad


def side_choice(*, default: str, choices: tuple[str, ...], description: str) -> Choice:
    """Return the parameter `side`."""
    synonyms = {"buy": "long", "sell": "short"}
    return Choice(
        name="side", choices=choices, default=default, synonyms=synonyms, description=description
    )
