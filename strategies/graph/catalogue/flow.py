"""Flow: nodes between what starts an order and the action that sends it.

An entry or exit runs what follows it at once; a `loop` or `wait` decides bar by bar when what
follows it runs. Chains of them end in actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.engine.program import AccountField, Op, Operation
from strategies.graph.catalogue.bound import BoundNode, Wire
from strategies.graph.catalogue.coding import Inputs
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.coder import Coder, Term
from strategies.graph.faults import BadValueError

EXEC_IN: Final = Port(
    "exec",
    PortType.EXEC,
    required=False,
    many=True,
    description="Runs when the entry, exit, loop or wait at the other end does.",
)
WHEN_OR_EXEC: Final = Port(
    "when",
    PortType.BOOL,
    required=False,
    description="Acts where this is true: alone, or as a guard of what comes in through exec.",
)
FLOW_OUT: Final = Port(
    "exec", PortType.EXEC, required=False, description="Runs actions, loops and waits."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowForm(Form):
    """A form whose exec output is a truth of its own: where what follows runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeForm(Form):
    """A form that trades nothing itself: an alert, or the cancelling of orders."""

    operation: Operation


def is_replaced(node: BoundNode) -> bool:
    """Return whether what follows an entry or exit acts in place of its own order."""
    return any(not isinstance(one.form, NoticeForm) for one in node.followers)


def flow_triggers(node: BoundNode) -> tuple[Wire, ...]:
    """Return what must be true for actions behind a loop or wait to run: its own output."""
    return (Wire(node, FLOW_OUT.name),)


def trigger_faults(node: BoundNode, what: str) -> Iterator[tuple[str, BadValueError]]:
    """Yield a fault if neither `when` nor `exec` ever starts a node."""
    if not node.inputs.keys() & {"exec", "when"}:
        message = (
            f"The {what} never runs: connect `when` to a condition, or `exec` to an entry, exit, "
            "loop or wait."
        )
        bad = BadValueError("required", message, expected="an edge to when or exec")
        yield "inputs.when", bad


def starters(node: BoundNode) -> tuple[BoundNode, ...]:
    """Return the entries and exits that start what a node runs: itself, or those above it."""
    return tuple(one for one in _chain(node) if not isinstance(one.form, FlowForm))


def entries_added(node: BoundNode) -> int:
    """Return how often what a node runs may add to a position beyond the strategy's setting."""
    added = (one.values.get("max_iterations", 0) for one in _chain(node, past_loops=False))
    return int(max(added))


def _chain(node: BoundNode, *, past_loops: bool = True) -> list[BoundNode]:
    """Return a node and what is above it on exec edges, each once, however many ways lead there."""
    found = [node]
    seen = {node.id}
    for one in found:
        looped = "max_iterations" in one.values and not past_loops
        if looped or not isinstance(one.form, FlowForm):
            continue
        for wire in one.inputs.get("exec", ()):
            if wire.node.id not in seen:
                seen.add(wire.node.id)
                found.append(wire.node)
    return found


def started(coder: Coder, inputs: Inputs) -> Term:
    """Return where a loop or wait is started: by any exec edge, and where `when` is true."""
    truths = list(inputs["when"])
    if inputs["exec"]:
        truths.append(coder.any_of(inputs["exec"]))
    return coder.all_of(truths)


def can_enter(coder: Coder, side: int) -> Term:
    """Return where an entry could act: not on its side yet, or with room for one more entry."""
    held = coder.term(Op.EQUAL, coder.field(AccountField.SIDE), coder.push(side))
    entries = coder.field(AccountField.ENTRIES)
    room = coder.term(Op.LESS, entries, coder.push(coder.max_open_entries))
    return coder.term(Op.OR, coder.term(Op.NOT, held), room)


def can_exit(coder: Coder, side: int) -> Term:
    """Return where an exit could act: a position of that side is open, of any with 0."""
    held = coder.term(Op.EQUAL, coder.field(AccountField.SIDE), coder.push(side))
    return held if side else coder.term(Op.NOT, held)
