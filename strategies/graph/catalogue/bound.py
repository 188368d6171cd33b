"""Bound nodes: nodes whose parameters and connections are known, and what they order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strategies.graph.catalogue.forms import Form
from strategies.graph.scope import Scope

if TYPE_CHECKING:
    from core.engine.option_rules import OptionRule
    from core.engine.program import (
        Operation,
        OrderKind,
        PriceKind,
        SizeKind,
        StopKind,
        TimeInForce,
    )
    from strategies.graph.catalogue.base import NodeType


@dataclass(slots=True, eq=False)
class BoundNode:
    """A node whose form, parameters and connections are known.

    Built step by step by `strategies.graph.binding` and `wiring`, then left alone.

    Attributes
    ----------
    id, index : str, int
        Its id, and its place in the document.
    type, form : NodeType, Form
        What it is.
    values : dict
        Its parameters, bound.
    timeframe, symbol : str or None
        The time frame and the instrument it asks for, if it does.
    sound : bool
        Whether its parameters had no fault.
    inputs : dict
        Wires by name of the input port.
    followers : list of BoundNode
        Nodes that its exec output runs.
    coded : bool
        Whether its outputs are computed bar by bar: it reads the position, or is fed by what does.
    scopes : dict
        The scope it is computed in by that of a node that reads it.
    """

    id: str
    index: int
    type: NodeType
    form: Form
    values: dict[str, Any]
    timeframe: str | None = None
    symbol: str | None = None
    sound: bool = True
    inputs: dict[str, list[Wire]] = field(default_factory=dict)
    followers: list[BoundNode] = field(default_factory=list)
    coded: bool = False
    scopes: dict[Scope, Scope] = field(default_factory=dict)

    def wire(self, port: str) -> Wire | None:
        """Return the wire into a port that takes one edge, if there is one."""
        wires = self.inputs.get(port)
        return wires[0] if wires else None


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """One end of an edge: the node and the port it comes from."""

    node: BoundNode
    port: str


@dataclass(frozen=True, slots=True)
class SizeDraft:
    """A size whose column is still to be computed.

    `kind`, `value`, `start` and `most` are those of `core.engine.program.Size`; `period` is the
    number of bars that the volatility is measured over.
    """

    kind: SizeKind
    value: float = 1.0
    start: float = 0.0
    most: float = 1.0
    period: int = 0


@dataclass(frozen=True, slots=True)
class StopDraft:
    """A stop whose series is still a wire."""

    kind: StopKind
    value: float = 0.0
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """The price of an order, or the distance of a trailing one, whose series is still a wire.

    `multiple` is whether `value` is a factor of the series, as distances have it.
    """

    kind: PriceKind
    value: float = 1.0
    multiple: bool = False
    wire: Wire | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """How a rule trades, as `core.engine.program.Order` has it."""

    kind: OrderKind
    limit: PriceDraft | None = None
    stop: PriceDraft | None = None
    time_in_force: TimeInForce
    bars: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A rule whose columns are still wires; it acts where all triggers are true.

    Attributes
    ----------
    order : OrderDraft or None
        How it trades; None is at the market.
    trailing : StopDraft or None
        A stop that follows the price, of the position that it opens.
    time_stop : int or None
        Bars after which the position that it opens is closed.
    entries_added : int
        How often it may add to a position beyond the strategy's setting.
    """

    operation: Operation
    triggers: tuple[Wire, ...]
    node: BoundNode
    size: SizeDraft | None = None
    fraction: float = 1.0
    stop_loss: StopDraft | None = None
    take_profit: StopDraft | None = None
    order: OrderDraft | None = None
    trailing: StopDraft | None = None
    time_stop: int | None = None
    priority: int = 0
    entries_added: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDraft:
    """An option rule whose trigger is still wires; it acts where all of them are true."""

    rule: OptionRule
    triggers: tuple[Wire, ...]
