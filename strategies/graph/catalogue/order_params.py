"""How an order trades: its type, its prices, and how long it waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from core.engine.program import OrderKind, PriceKind, TimeInForce
from strategies.graph.catalogue.bound import BoundNode, OrderDraft, PriceDraft
from strategies.graph.catalogue.forms import Port, PortType
from strategies.graph.catalogue.typed import TypedValue
from strategies.graph.faults import BadValueError
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import Choice, Integer, Number

_KINDS: Final = {kind.name.lower(): kind for kind in OrderKind}
_NEEDED: Final = {
    OrderKind.MARKET: (),
    OrderKind.LIMIT: ("price",),
    OrderKind.STOP: ("price",),
    OrderKind.STOP_LIMIT: ("price", "limit_price"),
    OrderKind.TRAILING_STOP: ("price",),
}
_LONGEST_WAIT: Final = MAX_SHIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPrice(TypedValue):
    """A price: a number, an offset from the close, or the series on the port of that name."""

    kind: ClassVar[str] = "order_price"
    bare: ClassVar[str] = "number"
    types: ClassVar[tuple[str, ...]] = ("number", "offset_percent", "price", "multiple")
    written: ClassVar[str] = 'a number, or {"type": "offset_percent", "value": -0.01}'

    def _typed(self, kind: str, found: Mapping[str, Any]) -> PriceDraft:
        name = f"{self.name}.value"
        if kind == "price":
            return PriceDraft(PriceKind.SERIES)
        if kind == "multiple":
            factor = self._number(found, Number(name=name, above=0.0, maximum=1_000.0))
            return PriceDraft(PriceKind.SERIES, factor, multiple=True)
        if kind == "offset_percent":
            offset = self._number(found, Number(name=name, above=-1.0, maximum=10.0))
            return PriceDraft(PriceKind.OFFSET, offset)
        return PriceDraft(PriceKind.NUMBER, self._number(found, Number(name=name, above=0.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(TypedValue):
    """How long an order waits: "gtc", "day", or a number of bars."""

    kind: ClassVar[str] = "time_in_force"
    bare: ClassVar[str] = "bars"
    types: ClassVar[tuple[str, ...]] = ("gtc", "day", "bars")
    written: ClassVar[str] = '"gtc", "day" or a number of bars'

    def canonical(self, value: Any) -> Any:
        """Return a word or a number of bars as an object."""
        if not isinstance(value, str):
            return TypedValue.canonical(self, value)
        word = _WORDS.get("_".join(value.strip().lower().replace("-", " ").split()))
        return value if word is None else {"type": word}

    def _typed(self, kind: str, found: Mapping[str, Any]) -> tuple[TimeInForce, int]:
        if kind != "bars":
            return _FORCES[kind], 0
        bounds = Integer(name=f"{self.name}.value", minimum=1, maximum=_LONGEST_WAIT)
        return TimeInForce.BARS, int(self._number(found, bounds))


_FORCES: Final = {"gtc": TimeInForce.GOOD_TILL_CANCELLED, "day": TimeInForce.DAY}
_WORDS: Final = {
    **dict.fromkeys(("gtc", "good_till_cancelled", "good_till_canceled"), "gtc"),
    "day": "day",
}

ORDER: Final = (
    Choice(
        name="order_type",
        choices=tuple(_KINDS),
        default="market",
        description="How the order is filled: at the next open, or once its price is reached.",
    ),
    OrderPrice(
        name="price",
        description="Price of a limit or stop order, and the stop of a stop_limit: a number, "
        '{"type": "offset_percent", "value": -0.01} from the close of the decision (-0.01 is 1 % '
        'below), or {"type": "price"} with an edge. Of a trailing_stop the distance: a number, a '
        'fraction as offset_percent, or {"type": "multiple", "value": 2} of the series.',
    ),
    OrderPrice(name="limit_price", description="The limit of a stop_limit order, likewise."),
    Waiting(
        name="time_in_force",
        description='How long an order waits: "gtc" until it is cancelled (if absent), "day" for '
        "the session of the next bar, or for so many bars. A new order of the same action replaces "
        "one that waits.",
    ),
)
ORDER_PORTS: Final = (
    Port("price", PortType.NUMBER, required=False, description="Series of the price."),
    Port("limit_price", PortType.NUMBER, required=False, description="Series of the limit."),
)


def order_draft(node: BoundNode) -> OrderDraft | None:
    """Return how an action trades; None at the market."""
    kind = _KINDS[node.values["order_type"]]
    if kind is OrderKind.MARKET:
        return None
    first, limit = (_price(node, name) for name in ("price", "limit_price"))
    if kind is OrderKind.LIMIT:
        first, limit = None, first
    force, bars = node.values.get("time_in_force") or (TimeInForce.GOOD_TILL_CANCELLED, 0)
    return OrderDraft(kind=kind, limit=limit, stop=first, time_in_force=force, bars=bars)


def order_faults(node: BoundNode) -> Iterator[tuple[str, BadValueError]]:
    """Yield what is wrong between an order's type, its prices and the edges to their ports."""
    word = node.values["order_type"]
    needed = _NEEDED[_KINDS[word]]
    for name in ("price", "limit_price"):
        price: PriceDraft | None = node.values.get(name)
        if price is None and name in needed:
            message = f"A {word} order needs {name!r}: a number, an offset, or a series."
            yield f"params.{name}", BadValueError("required", message, expected="a price")
        elif name not in needed and (price is not None or name in node.inputs):
            message = f"A {word} order has no {name!r}: remove it, or set another order_type."
            yield f"params.{name}", BadValueError("unexpected", message, expected=list(needed))
        elif price is not None:
            yield from _price_faults(node, name, price)
    if not needed and node.values.get("time_in_force") is not None:
        message = "A market order does not wait: remove 'time_in_force', or set an order_type."
        yield "params.time_in_force", BadValueError("unexpected", message)


def _price_faults(
    node: BoundNode, name: str, price: PriceDraft
) -> Iterator[tuple[str, BadValueError]]:
    wired, series = name in node.inputs, price.kind is PriceKind.SERIES
    trails = _KINDS[node.values["order_type"]] is OrderKind.TRAILING_STOP
    if series and not wired:
        message = f"{name!r} is a series, so it needs an edge to the port {name!r}."
        yield f"params.{name}", BadValueError("required", message, expected=f"an edge to {name}")
    if wired and not series:
        message = f"There is an edge to the port {name!r}, but {name!r} is no series: set it to "
        message += '{"type": "price"}, or remove the edge.'
        yield f"params.{name}", BadValueError("unexpected_edge", message, expected="price")
    if price.multiple and not trails:
        message = "A multiple is a distance, which only a trailing_stop has: set a price."
        yield f"params.{name}.type", BadValueError("mismatch", message, expected="price")
    if trails and price.kind is PriceKind.OFFSET and not 0.0 < price.value < 1.0:
        message = f"The distance of a trailing stop must be a fraction, not {price.value:g}."
        bad = BadValueError("out_of_range", message, expected="0 to 1", received=price.value)
        yield f"params.{name}.value", bad


def _price(node: BoundNode, name: str) -> PriceDraft | None:
    price: PriceDraft | None = node.values.get(name)
    if price is None or price.kind is not PriceKind.SERIES:
        return price
    return replace(price, wire=node.wire(name))
