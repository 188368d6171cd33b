"""Orders that wait, for tests: options of a signal."""

from __future__ import annotations

from typing import Any

from core.engine.program import Operation, Order, OrderKind, Price, PriceKind
from tests.engine.scenario import Signal


def number(price: float) -> Price:
    return Price(PriceKind.NUMBER, price)


def limit(price: float, **options: Any) -> dict[str, Any]:
    return {"order": Order(OrderKind.LIMIT, limit=number(price), **options)}


def stop(price: float, **options: Any) -> dict[str, Any]:
    return {"order": Order(OrderKind.STOP, stop=number(price), **options)}


def stop_limit(at: float, to: float, **options: Any) -> dict[str, Any]:
    prices = {"stop": number(at), "limit": number(to)}
    return {"order": Order(OrderKind.STOP_LIMIT, **prices, **options)}


def trailing(fraction: float, **options: Any) -> dict[str, Any]:
    distance = Price(PriceKind.OFFSET, fraction)
    return {"order": Order(OrderKind.TRAILING_STOP, stop=distance, **options)}


def cancel(*bars: int) -> Signal:
    return Signal(bars, Operation.CANCEL_ORDERS, {})


def alert(*bars: int) -> Signal:
    return Signal(bars, Operation.ALERT, {})
