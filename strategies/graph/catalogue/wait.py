"""`wait`: what follows runs later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from core.engine.program import Op
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.coding import Coding, Inputs, Values
from strategies.graph.catalogue.flow import (
    EXEC_IN,
    FLOW_OUT,
    WHEN_OR_EXEC,
    FlowForm,
    started,
    trigger_faults,
)
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.coder import Coder, Term
from strategies.graph.faults import BadValueError
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import Integer

_TEXT: Final = (
    "Lets what follows it run so many bars later, or at the first bar after that at which `until` "
    "is true, but not after the timeout. It begins where `when` is true or what comes in through "
    "exec could act; while it waits it does not begin anew."
)


def _write(coder: Coder, values: Values, inputs: Inputs) -> Sequence[Term]:
    bars = max(values["bars"], 1)
    until = coder.all_of(inputs["until"]) if inputs["until"] else coder.push(1)
    timeout = values["timeout"] if inputs["until"] else bars
    times = coder.push(bars), coder.push(timeout)
    return (coder.term(Op.WAIT, started(coder, inputs), until, *times),)


def wait_form(name: str = "") -> FlowForm:
    """Return the form of a wait, of the name that chooses it."""
    return FlowForm(
        name=name,
        title="Wait",
        description=_TEXT,
        params=(
            Integer(
                name="bars",
                minimum=0,
                maximum=MAX_SHIFT,
                default=1,
                aliases=("n",),
                description="How many bars later at least; the next bar is the earliest.",
            ),
            Integer(
                name="timeout",
                minimum=1,
                maximum=MAX_SHIFT,
                description="With `until`: after how many bars the wait ends without effect.",
            ),
        ),
        inputs=(
            EXEC_IN,
            WHEN_OR_EXEC,
            Port("until", PortType.BOOL, required=False, description="What is waited for."),
        ),
        outputs=(FLOW_OUT,),
        code=Coding(_write, always=True),
    )


def wait_faults(node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
    """Yield what is wrong between the bars, the timeout and `until`."""
    yield from trigger_faults(node, "wait")
    timeout, waits = node.values.get("timeout"), "until" in node.inputs
    if waits and timeout is None:
        message = "Waiting for something needs an end: say after how many bars with 'timeout'."
        yield "params.timeout", BadValueError("required", message, expected="a number of bars")
    elif timeout is not None and not waits:
        message = "A timeout needs something to wait for: connect `until`, or remove the timeout."
        yield "inputs.until", BadValueError("required", message, expected="an edge to until")
    elif timeout is not None and timeout < node.values["bars"]:
        least = node.values["bars"]
        message = f"The wait times out after {timeout} bars, before the {least} it lasts at least."
        bad = BadValueError("out_of_range", message, expected=f"at least {least}", received=timeout)
        yield "params.timeout", bad


class WaitNode(NodeType):
    """Lets the next action run later."""

    name = "wait"
    title = "Wait"
    category = "orders"
    description = _TEXT

    _forms: Final = {"": wait_form()}

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield what is wrong between the bars, the timeout and `until`."""
        return wait_faults(node)
