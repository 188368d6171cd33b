"""`action`: one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from core.engine.program import Operation
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.bound import BoundNode, OptionDraft, RuleDraft, Wire
from strategies.graph.catalogue.flow import (
    EXEC_IN,
    WHEN_OR_EXEC,
    FlowForm,
    NoticeForm,
    trigger_faults,
)
from strategies.graph.catalogue.forms import Form
from strategies.graph.catalogue.options import OptionForm, option_forms
from strategies.graph.catalogue.order_params import ORDER, ORDER_PORTS, order_draft, order_faults
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
from strategies.graph.params import REQUIRED, Choice, Text


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
        params=(*ORDER, *OPENING, PRIORITY),
        inputs=(EXEC_IN, WHEN_OR_EXEC, *ORDER_PORTS, *STOP_PORTS),
    )


def _closing(name: str, operation: Operation, description: str) -> OrderForm:
    return OrderForm(
        name=name,
        title=name.capitalize(),
        description=description,
        operation=operation,
        params=(*ORDER, FRACTION),
        inputs=(EXEC_IN, WHEN_OR_EXEC, *ORDER_PORTS),
    )


_FORMS: Final = (
    _opening("buy", Operation.OPEN_LONG, "Opens a long position, or reverses a short one."),
    _closing("sell", Operation.CLOSE_LONG, "Closes a long position; to go short use short."),
    _opening("short", Operation.OPEN_SHORT, "Opens a short position, or reverses a long one."),
    _closing("cover", Operation.CLOSE_SHORT, "Closes a short position."),
    _closing("close", Operation.CLOSE, "Closes whatever position is open."),
    NoticeForm(
        name="cancel_orders",
        title="Cancel orders",
        description="Cancels all orders that wait for their price.",
        operation=Operation.CANCEL_ORDERS,
        inputs=(EXEC_IN, WHEN_OR_EXEC),
    ),
    wait_form("wait"),
    NoticeForm(
        name="alert",
        title="Alert",
        description="Tells the owner, at every bar at which it runs.",
        operation=Operation.ALERT,
        params=(Text(name="message", default=REQUIRED, description="What is told."),),
        inputs=(EXEC_IN, WHEN_OR_EXEC),
    ),
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
        yield from order_faults(node)
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
        when = tuple(node.inputs.get("when", ()))
        if isinstance(form, NoticeForm):
            return _notices(node, form, when)
        if not isinstance(form, OrderForm):
            return ()
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
        rule = opening_rule(node, form.operation, triggers, source=source)
        return replace(rule, order=order_draft(node))
    above = () if source is None else speakers(source, form.operation)
    fractions = (one.values.get("fraction") for one in (node, *above))
    return RuleDraft(
        operation=form.operation,
        triggers=triggers,
        node=node,
        order=order_draft(node),
        fraction=next((one for one in fractions if one is not None), 1.0),
    )


def _notices(node: BoundNode, form: NoticeForm, when: tuple[Wire, ...]) -> Iterable[RuleDraft]:
    """Return the rule once for each node that runs it: where that could act, not just wants to."""
    above = node.inputs.get("exec")
    triggers = [(wire, *when) for wire in above] if above else [when]
    return [RuleDraft(operation=form.operation, triggers=one, node=node) for one in triggers]


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
