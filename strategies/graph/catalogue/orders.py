"""What entries, exits and actions share: sizing, stops, and how they become rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from core.engine.program import Operation, Size, SizeKind, StopKind
from strategies.graph.catalogue.bound import BoundNode, RuleDraft, StopDraft, Wire
from strategies.graph.catalogue.forms import Port, PortType
from strategies.graph.faults import BadValueError, near, said
from strategies.graph.params import Choice, Integer, Number, Param

_STOP_KINDS: Final = {
    "percent": StopKind.PERCENT,
    "multiple": StopKind.MULTIPLE,
    "price": StopKind.PRICE,
}
_SIZE_KINDS: Final = {
    "units": (SizeKind.UNITS, None),
    "cash": (SizeKind.CASH, None),
    "percent_of_equity": (SizeKind.PERCENT_OF_EQUITY, 1.0),
    "risk_percent": (SizeKind.RISK_PERCENT, 1.0),
}
_CREDIT: Final = (
    " It is a fraction: 1 is all equity. To trade on credit set the run's `margin`: at 0.5, 1 buys "
    "twice the equity."
)
_LATER_SIZES: Final = ("volatility_target", "kelly")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedValue(Param):
    """A JSON object of a `type` and mostly a `value`; a bare number is the type `bare`."""

    bare: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    later: ClassVar[tuple[str, ...]] = ()

    def canonical(self, value: Any) -> Any:
        """Return a bare number as an object of the usual type."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"type": self.bare, "value": value}
        return value

    def read(self, value: Any) -> Any:
        """Return the object read by its type."""
        Param.read(self, value)
        found = self.canonical(value)
        if not isinstance(found, dict):
            raise BadValueError(
                "wrong_type",
                f"{self.name!r} must be an object such as "
                f'{{"type": "{self.bare}", "value": …}}, but is {said(value)}.',
                expected="an object",
                received=value,
            )
        kind = self._kind(found)
        extra = sorted(str(key) for key in found if key not in {"type", "value"})
        if extra:
            raise BadValueError(
                "unknown_key",
                f"{self.name!r} has no {extra[0]!r}; it has 'type' and 'value'.",
                expected=["type", "value"],
                received=extra[0],
                within=f".{extra[0]}",
            )
        return self._typed(kind, found)

    def _typed(self, kind: str, found: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def _kind(self, found: Mapping[str, Any]) -> str:
        kind = found.get("type")
        if isinstance(kind, str) and kind in self.types:
            return kind
        known = ", ".join(self.types)
        if isinstance(kind, str) and kind in self.later:
            message = f"{self.name} {kind!r} cannot run in this version; use one of: {known}."
            code = "not_supported"
        else:
            message = f"{self.name} has the type {said(kind)}, but needs one of: {known}."
            message += near(kind, self.types)
            code = "unknown_choice"
        raise BadValueError(code, message, expected=list(self.types), received=kind, within=".type")

    def _number(self, found: Mapping[str, Any], bounds: Number) -> float:
        if "value" not in found:
            raise BadValueError(
                "required",
                f"{self.name!r} of type {found['type']!r} needs a 'value'.",
                expected="a number",
                within=".value",
            )
        try:
            return bounds.read(found["value"])
        except BadValueError as bad:
            bad.within = ".value"
            raise

    def describe(self) -> dict[str, Any]:
        """Return the parameter with the types it may be."""
        about = Param.describe(self) | {"types": list(self.types)}
        return about | {"unsupported_types": list(self.later)} if self.later else about


@dataclass(frozen=True, slots=True, kw_only=True)
class StopValue(TypedValue):
    """Where a stop-loss or take-profit stands: a fraction, a multiple of a series, or a price."""

    kind: ClassVar[str] = "stop"
    bare: ClassVar[str] = "percent"
    types: ClassVar[tuple[str, ...]] = tuple(_STOP_KINDS)

    largest: float = 1.0
    """Greatest fraction of `percent`."""

    def _typed(self, kind: str, found: Mapping[str, Any]) -> StopDraft:
        if kind == "price":
            return StopDraft(StopKind.PRICE)
        limits = {"percent": self.largest, "multiple": 1_000.0}
        bounds = Number(name=f"{self.name}.value", above=0.0, maximum=limits[kind])
        return StopDraft(_STOP_KINDS[kind], self._number(found, bounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentStop(StopValue):
    """A stop of the whole strategy: a fraction only, for settings have no ports."""

    types: ClassVar[tuple[str, ...]] = ("percent",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing(TypedValue):
    """How much an opening order trades; a bare number is units."""

    kind: ClassVar[str] = "sizing"
    bare: ClassVar[str] = "units"
    types: ClassVar[tuple[str, ...]] = tuple(_SIZE_KINDS)
    later: ClassVar[tuple[str, ...]] = _LATER_SIZES

    def _typed(self, kind: str, found: Mapping[str, Any]) -> Size:
        size_kind, most = _SIZE_KINDS[kind]
        bounds = Number(name=f"{self.name}.value", above=0.0, maximum=most)
        try:
            return Size(size_kind, self._number(found, bounds))
        except BadValueError as bad:
            if size_kind is SizeKind.PERCENT_OF_EQUITY and bad.code == "out_of_range":
                bad.message += _CREDIT
            raise


SIZING: Final = Sizing(
    name="sizing",
    aliases=("size", "quantity"),
    description="How much an opening order trades: units, cash, a fraction of equity (1.0 is all "
    "of it), or a fraction of equity to lose at the stop-loss. The strategy's setting if absent.",
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
TRAILING: Final = Param(
    name="trailing", supported=False, description="A stop that follows the price."
)
TIME_STOP: Final = Param(
    name="time_stop", supported=False, description="Closes the position after so many bars."
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
)
"""Settings of the whole strategy; entries and actions may override the first three."""

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
        supported=False,
        description="Series of the trailing stop.",
    ),
)


def opening_rule(
    node: BoundNode,
    operation: Operation,
    triggers: tuple[Wire, ...],
    *,
    entry: BoundNode | None = None,
) -> RuleDraft:
    """Return the rule of an opening order; what its node leaves open its entry may say."""
    speakers = (node,) if entry is None else (node, entry)

    def first(found: Iterable[Any]) -> Any:
        return next((one for one in found if one is not None), None)

    return RuleDraft(
        operation=operation,
        triggers=triggers,
        node=node,
        size=first(one.values.get("sizing") for one in speakers),
        stop_loss=first(stop_draft(one, "stop_loss") for one in speakers),
        take_profit=first(stop_draft(one, "take_profit") for one in speakers),
        priority=first(one.values.get("priority") for one in speakers) or 0,
    )


def stop_draft(node: BoundNode, name: str) -> StopDraft | None:
    """Return the node's own stop of that name with its wire, if it has one."""
    stop: StopDraft | None = node.values.get(name)
    if stop is None or stop.kind is StopKind.PERCENT:
        return stop
    return StopDraft(stop.kind, stop.value, node.wire(name))


def stop_faults(node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
    """Yield what is wrong between the node's stops and the edges to their ports."""
    for name in ("stop_loss", "take_profit"):
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
