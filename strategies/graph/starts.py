"""Where the series of a plan start, before they are computed: data that cannot do are refused."""

from __future__ import annotations

from core.errors import Detail, InvalidInput
from strategies.graph.frames import Frames
from strategies.graph.plan import Plan
from strategies.graph.scope import RUN


def scopes_check(plan: Plan, frames: Frames) -> None:
    """Refuse a plan whose frames cannot be made.

    Raises
    ------
    InvalidInput
        Naming the node that asks for the instrument or the time frame.
    """
    for step in plan.steps:
        # What is carried from a scope comes from a node that names it.
        if step.source is None:
            continue
        try:
            frames.get(step.source)
        except InvalidInput as error:
            details = [
                Detail(
                    one.path,
                    one.code,
                    one.message,
                    expected=one.expected,
                    received=one.received,
                    node_id=step.node_id,
                )
                for one in error.details
            ]
            raise InvalidInput(error.message, code=error.code, details=details) from error


def starts_find(plan: Plan, frames: Frames) -> list[int]:
    """Return the bar of its own frame from which each slot should have a value.

    Of what decisions do not wait for it is the first one.

    Raises
    ------
    InvalidInput
        If a frame has too few bars for that, naming the node.
    """
    found = [0] * plan.slots
    for step in plan.steps:
        if not step.awaited:
            continue
        frame = frames.get(step.scope)
        start = max((found[slot] for slot in step.inputs), default=0)
        if step.source is not None:
            start = frame.first_known(start, step.source)
        start += step.own_lookback
        if start >= len(frame.bars):
            raise warmup_error(
                step.node_id,
                needed=start + 1,
                found=len(frame.bars),
                whose="" if step.scope == RUN else f" of {step.scope}",
            )
        for slot in step.outputs:
            found[slot] = start
    return found


def warmup_error(node_id: str, *, needed: int, found: int, whose: str = "") -> InvalidInput:
    """Return the error of a strategy that needs more bars than there are."""
    message = (
        f"The strategy needs {needed} bars{whose} before its first decision (because of "
        f"{node_id!r}), but there are {found}: start earlier, or shorten its periods."
    )
    detail = Detail(
        "nodes",
        "warmup_exceeds_data",
        message,
        expected=needed,
        received=found,
        node_id=node_id,
    )
    return InvalidInput(message, code="warmup_exceeds_data", details=[detail])
