"""Time stops: rules that close what has been held for long enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.engine.program import Operation
from strategies.graph.catalogue.bound import RuleDraft
from strategies.graph.faults import Faults

_CLOSING: Final = {
    Operation.OPEN_LONG: Operation.CLOSE_LONG,
    Operation.OPEN_SHORT: Operation.CLOSE_SHORT,
}


def time_stops(rules: Sequence[RuleDraft], faults: Faults) -> Iterator[RuleDraft]:
    """Yield the closing rules of the time stops that opening rules have, one a side.

    A position does not know which rule opened it, so the rules of one side must agree; where they
    do not it is noted in `faults`.
    """
    for opens, closes in _CLOSING.items():
        opening = [rule for rule in rules if rule.operation is opens]
        for rule in opening:
            if rule.time_stop != opening[0].time_stop:
                _note_mismatch(rule, opening[0], faults)
        bars = opening[0].time_stop if opening else None
        if bars is not None:
            yield RuleDraft(operation=closes, triggers=(), node=opening[0].node, bars_held=bars)


def _note_mismatch(rule: RuleDraft, other: RuleDraft, faults: Faults) -> None:
    faults.add(
        f"nodes[{rule.node.index}].params.time_stop",
        "mismatch",
        f"{rule.node.id!r} and {other.node.id!r} open the same side, so they need the same time "
        f"stop: one says {rule.time_stop or 'none'}, the other {other.time_stop or 'none'}.",
        expected=other.time_stop,
        received=rule.time_stop,
        node_id=rule.node.id,
    )
