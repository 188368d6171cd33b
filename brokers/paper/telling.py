"""Entries of the paper venue's book as a venue tells them."""

from __future__ import annotations

from brokers.adapters.base import Execution, VenueOrder
from brokers.choices import OrderStatus, OrderType, Side
from brokers.models import PaperExecution, PaperOrder


def order_told(order: PaperOrder) -> VenueOrder:
    """Return an entry of the book that was not executed as a venue tells it."""
    return VenueOrder(
        broker_order_id=f"paper-{order.id}",
        status=OrderStatus(order.status),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        reason=order.reason,
    )


def execution_told(execution: PaperExecution) -> VenueOrder:
    """Return an execution, and with it that its order is filled."""
    return VenueOrder(
        broker_order_id=f"paper-{execution.id}",
        status=OrderStatus.FILLED,
        client_order_id=execution.client_order_id,
        symbol=execution.symbol,
        side=Side.BUY if execution.quantity > 0 else Side.SELL,
        quantity=abs(execution.quantity),
        executions=(
            Execution(
                execution_id=f"paper-{execution.id}",
                quantity=abs(execution.quantity),
                price=execution.price,
                commission=execution.commission,
                executed_at=execution.executed_at or execution.created_at,
            ),
        ),
    )
