"""`action`: one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from core.engine.program import Operation
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode, RuleDraft, Wire
from strategies.graph.catalogue.forms import Form, Port, PortType
from strategies.graph.catalogue.options import option_forms
from strategies.graph.catalogue.orders import (
    CLOSES,
    FRACTION,
    OPENING,
    PRIORITY,
    STOP_PORTS,
    opening_rule,
    stop_faults,
)
from strategies.graph.faults import BadValueError
from strategies.graph.params import REQUIRED, Choice, Integer, Param, Text

_EXEC_IN: Final = Port(
    "exec",
    PortType.EXEC,
    required=False,
    many=True,
    description="Runs when the entry or exit at the other end does.",
)
_WHEN: Final = Port(
    "when",
    PortType.BOOL,
    required=False,
    description="Acts where this is true: alone, or as a guard of what comes in through exec.",
)
_ORDER: Final = (
    Choice(
        name="order_type",
        choices=("market",),
        later=("limit", "stop", "stop_limit", "trailing_stop"),
        default="market",
        description="How the order is filled: at the next open.",
    ),
    Param(name="price", supported=False, description="Price of a limit or stop order."),
    Param(name="time_in_force", supported=False, description="How long the order waits."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForm(Form):
    """A form that sends one order."""

    operation: Operation

    @property
    def opens(self) -> bool:
        """Whether the order opens a position."""
        return self.operation not in CLOSES.values()


def _opening(name: str, operation: Operation, description: str) -> OrderForm:
    return OrderForm(
        name=name,
        title=name.capitalize(),
        description=description,
        operation=operation,
        params=(*_ORDER, *OPENING, PRIORITY),
        inputs=(_EXEC_IN, _WHEN, *STOP_PORTS),
    )


def _closing(name: str, operation: Operation, description: str) -> OrderForm:
    return OrderForm(
        name=name,
        title=name.capitalize(),
        description=description,
        operation=operation,
        params=(*_ORDER, FRACTION),
        inputs=(_EXEC_IN, _WHEN),
    )


def _later(name: str, title: str, description: str, *params: Param) -> Form:
    return Form(
        name=name,
        title=title,
        description=description,
        params=params,
        inputs=(_EXEC_IN, _WHEN),
        supported=False,
    )


_FORMS: Final = (
    _opening("buy", Operation.OPEN_LONG, "Opens a long position, or reverses a short one."),
    _closing("sell", Operation.CLOSE_LONG, "Closes a long position; to go short use short."),
    _opening("short", Operation.OPEN_SHORT, "Opens a short position, or reverses a long one."),
    _closing("cover", Operation.CLOSE_SHORT, "Closes a short position."),
    _closing("close", Operation.CLOSE, "Closes whatever position is open."),
    _later("cancel_orders", "Cancel orders", "Cancels the orders that wait."),
    _later(
        "wait",
        "Wait",
        "Lets the next action run later.",
        Integer(name="bars", minimum=1, default=REQUIRED, aliases=("n",)),
    ),
    _later("alert", "Alert", "Tells the owner.", Text(name="message", default=REQUIRED)),
    *option_forms(inputs=(_EXEC_IN, _WHEN)),
)


class ActionNode(NodeType):
    """One order: run by an entry or exit, or by its own condition."""

    name = "action"
    title = "Action"
    category = "orders"
    description = (
        "Sends one order: attached to an entry or exit through exec, or alone with a condition on "
        "its `when` port."
    )
    acts = True
    selector = Choice(
        name="operation",
        choices=tuple(form.name for form in _FORMS),
        default=REQUIRED,
        aliases=("action",),
        description="What the order does.",
    )

    _forms: Final = {form.name: form for form in _FORMS}

    def forms(self) -> Mapping[str, Form]:
        """Return one form an operation."""
        return self._forms

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield what is wrong with the stops, the triggers, and the entry or exit above."""
        yield from stop_faults(node)
        if not node.inputs.keys() & {"exec", "when"}:
            message = "The action never runs: connect `when` to a condition, or `exec` to an entry."
            yield (
                "inputs.when",
                BadValueError("required", message, expected="an edge to when or exec"),
            )
        if not isinstance(node.form, OrderForm):
            return
        for wire in node.inputs.get("exec", ()):
            source = wire.node
            allowed = source.type.operations(source)
            if node.form.operation not in allowed:
                names = sorted(
                    form.name
                    for form in _FORMS
                    if isinstance(form, OrderForm) and form.operation in allowed
                )
                yield (
                    "params.operation",
                    BadValueError(
                        "mismatch",
                        f"The {source.type.name} {source.id!r} cannot run {node.form.name!r}; it "
                        f"can run: {', '.join(names)}.",
                        expected=names,
                        received=node.form.name,
                    ),
                )

    def rules(self, node: BoundNode) -> Iterable[RuleDraft]:
        """Return the order once for each entry or exit above, or once for its own condition."""
        when = tuple(node.inputs.get("when", ()))
        if not node.inputs.get("exec"):
            return (self._rule(node, when, None),)
        return tuple(
            self._rule(node, (*wire.node.type.triggers(wire.node), *when), wire.node)
            for wire in node.inputs["exec"]
        )

    def _rule(
        self, node: BoundNode, triggers: tuple[Wire, ...], source: BoundNode | None
    ) -> RuleDraft:
        form = node.form
        if not isinstance(form, OrderForm):
            raise TypeError(f"{form.name} sends no order")
        if form.opens:
            return opening_rule(node, form.operation, triggers, entry=source)
        fraction = node.values.get("fraction") or (source and source.values.get("fraction"))
        return RuleDraft(
            operation=form.operation, triggers=triggers, node=node, fraction=fraction or 1.0
        )
