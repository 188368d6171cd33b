"""When a waiting order fills inside a bar, and at what price: the engine's rules, in decimals.

A bar that opens beyond the price fills there: better than a limit, worse than a stop. Where a bar
touches a stop, what it did before and after is not known: a stop-limit order fills in that bar only
where its stop is inside its limit, and otherwise waits as a limit order from the next bar on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from brokers.choices import OrderType


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar, as decimals."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a waiting order decides when it fills.

    Attributes
    ----------
    sign : int
        1 buys, -1 sells.
    triggered : bool
        Whether the stop of a stop-limit order was touched before.
    """

    order_type: OrderType
    sign: int
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    triggered: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """What a bar does to a waiting order.

    Attributes
    ----------
    price : Decimal or None
        Where it fills; None where it does not.
    slips : bool
        Whether slippage comes on top: for market and stop orders.
    order : Waiting
        How it goes into the next bar.
    """

    price: Decimal | None
    slips: bool
    order: Waiting


def match(order: Waiting, bar: Candle) -> Matched:
    """Return what one bar does to an order that waited when it opened."""
    if order.order_type == OrderType.MARKET:
        return Matched(bar.open, slips=True, order=order)
    if order.order_type == OrderType.LIMIT or order.triggered:
        return Matched(_limit_price(order, bar), slips=False, order=order)
    if not _stop_touched(order, bar):
        return Matched(None, slips=False, order=trailed(order, bar))
    price = _stop_price(order, bar)
    if order.order_type != OrderType.STOP_LIMIT:
        return Matched(price, slips=True, order=order)
    inside = (_set(order.limit) - price) * order.sign >= 0
    return Matched(price if inside else None, slips=False, order=replace(order, triggered=True))


def trailed(order: Waiting, bar: Candle) -> Waiting:
    """Return the order with its stop drawn after the bar's extreme; a stop never goes back."""
    if order.order_type != OrderType.TRAILING_STOP or order.stop is None:
        return order
    extreme = bar.high if order.sign < 0 else bar.low
    stop = trail_stop(order, extreme)
    better = max(order.stop, stop) if order.sign < 0 else min(order.stop, stop)
    return replace(order, stop=better)


def trail_stop(order: Waiting, price: Decimal) -> Decimal:
    """Return where a trailing stop lies when the market's best price was `price`."""
    distance = order.trail_amount
    if distance is None:
        distance = price * (order.trail_fraction or Decimal(0))
    return price + order.sign * distance


def marketable(order: Waiting, price: Decimal) -> bool:
    """Tell whether an order would fill at once where the market is at `price`."""
    if order.order_type == OrderType.MARKET:
        return True
    if order.order_type == OrderType.LIMIT:
        return (_set(order.limit) - price) * order.sign >= 0
    return False


def rests(order: Waiting) -> bool:
    """Tell whether others trade with an order that waits: one at a limit, with no stop to come."""
    return order.order_type == OrderType.LIMIT or order.triggered


def _set(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("An order of this type has this price.")
    return price


def _limit_price(order: Waiting, bar: Candle) -> Decimal | None:
    if order.sign > 0:
        return min(bar.open, _set(order.limit)) if bar.low <= _set(order.limit) else None
    return max(bar.open, _set(order.limit)) if bar.high >= _set(order.limit) else None


def _stop_touched(order: Waiting, bar: Candle) -> bool:
    return bar.high >= _set(order.stop) if order.sign > 0 else bar.low <= _set(order.stop)


def _stop_price(order: Waiting, bar: Candle) -> Decimal:
    return max(bar.open, _set(order.stop)) if order.sign > 0 else min(bar.open, _set(order.stop))
