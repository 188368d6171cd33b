"""`action`: one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.engine.program import Operation
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode, OptionDraft, RuleDraft, Wire
from strategies.graph.catalogue.flow import EXEC_IN, WHEN_OR_EXEC, FlowForm, trigger_faults
from strategies.graph.catalogue.forms import Form
from strategies.graph.catalogue.options import OptionForm, option_forms
from strategies.graph.catalogue.orders import (
    CLOSES,
    FRACTION,
    OPENING,
    PRIORITY,
    STOP_PORTS,
    opening_rule,
    speaker_faults,
    speakers,
    stop_faults,
)
from strategies.graph.catalogue.wait import wait_faults, wait_form
from strategies.graph.faults import BadValueError
from strategies.graph.params import REQUIRED, Choice, Param, Text

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
        inputs=(EXEC_IN, WHEN_OR_EXEC, *STOP_PORTS),
    )


def _closing(name: str, operation: Operation, description: str) -> OrderForm:
    return OrderForm(
        name=name,
        title=name.capitalize(),
        description=description,
        operation=operation,
        params=(*_ORDER, FRACTION),
        inputs=(EXEC_IN, WHEN_OR_EXEC),
    )


def _later(name: str, title: str, description: str, *params: Param) -> Form:
    return Form(
        name=name,
        title=title,
        description=description,
        params=params,
        inputs=(EXEC_IN, WHEN_OR_EXEC),
        supported=False,
    )


_FORMS: Final = (
    _opening("buy", Operation.OPEN_LONG, "Opens a long position, or reverses a short one."),
    _closing("sell", Operation.CLOSE_LONG, "Closes a long position; to go short use short."),
    _opening("short", Operation.OPEN_SHORT, "Opens a short position, or reverses a long one."),
    _closing("cover", Operation.CLOSE_SHORT, "Closes a short position."),
    _closing("close", Operation.CLOSE, "Closes whatever position is open."),
    _later("cancel_orders", "Cancel orders", "Cancels the orders that wait."),
    wait_form("wait"),
    _later("alert", "Alert", "Tells the owner.", Text(name="message", default=REQUIRED)),
    *option_forms(inputs=(EXEC_IN, WHEN_OR_EXEC)),
)


class ActionNode(NodeType):
    """One order: run by an entry or exit, or by its own condition."""

    name = "action"
    title = "Action"
    category = "orders"
    description = (
        "Sends one order: run through exec by an entry, exit, loop or wait, or alone with a "
        "condition on its `when` port."
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

    def acting(self, params: Mapping[str, Any]) -> bool:
        """Return whether it trades: a wait does not."""
        return not isinstance(self.form(params.get(self.selector.name)), FlowForm)

    def faults(self, node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
        """Yield what is wrong with the stops, the triggers, and what runs it."""
        if isinstance(node.form, FlowForm):
            yield from wait_faults(node)
            return
        yield from stop_faults(node)
        yield from trigger_faults(node, "action")
        if not isinstance(node.form, OrderForm):
            return
        for wire in node.inputs.get("exec", ()):
            source = wire.node
            allowed = source.type.operations(source)
            if node.form.operation in allowed:
                yield from speaker_faults(node, source, node.form.operation)
            else:
                yield "params.operation", _mismatch(node, source, allowed)

    def rules(self, node: BoundNode) -> Iterable[RuleDraft]:
        """Return the order once for each node that runs it, or once for its own condition."""
        form = node.form
        if not isinstance(form, OrderForm):
            return ()
        when = tuple(node.inputs.get("when", ()))
        if not node.inputs.get("exec"):
            return (_rule(node, form, when, None),)
        return tuple(
            _rule(node, form, (*wire.node.type.triggers(wire.node), *when), wire.node)
            for wire in node.inputs["exec"]
        )

    def option_rules(self, node: BoundNode) -> Iterable[OptionDraft]:
        """Return the option rule once for each node that runs it, or for its own condition."""
        form = node.form
        if not isinstance(form, OptionForm):
            return ()
        rule = form.rule(node.values, source=node.id)
        when = tuple(node.inputs.get("when", ()))
        above = node.inputs.get("exec")
        if not above:
            return (OptionDraft(rule=rule, triggers=when),)
        return tuple(
            OptionDraft(rule=rule, triggers=(*wire.node.type.triggers(wire.node), *when))
            for wire in above
        )


def _rule(
    node: BoundNode, form: OrderForm, triggers: tuple[Wire, ...], source: BoundNode | None
) -> RuleDraft:
    if form.opens:
        return opening_rule(node, form.operation, triggers, source=source)
    above = () if source is None else speakers(source, form.operation)
    fractions = (one.values.get("fraction") for one in (node, *above))
    return RuleDraft(
        operation=form.operation,
        triggers=triggers,
        node=node,
        fraction=next((one for one in fractions if one is not None), 1.0),
    )


def _mismatch(node: BoundNode, source: BoundNode, allowed: frozenset[Operation]) -> BadValueError:
    names = sorted(
        form.name for form in _FORMS if isinstance(form, OrderForm) and form.operation in allowed
    )
    return BadValueError(
        "mismatch",
        f"The {source.type.name} {source.id!r} cannot run {node.form.name!r}; it can run: "
        f"{', '.join(names)}.",
        expected=names,
        received=node.form.name,
    )
