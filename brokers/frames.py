"""Telling the user about an order: on the socket always, as an alert where it matters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from brokers.choices import AccountState, OrderStatus
from brokers.models import BrokerAccount, Order
from core.db import uuid7
from core.realtime.services import event_publish
from notifications.services import event_notify

ALERTS = {
    OrderStatus.FILLED: "order.filled",
    OrderStatus.REJECTED: "order.rejected",
    OrderStatus.DENIED: "order.rejected",
    OrderStatus.UNKNOWN: "order.unknown",
}


def order_frame(order: Order) -> dict[str, Any]:
    """Return an order as the socket shows it; amounts are decimal strings."""
    return {
        "trade_id": str(order.id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "strategy_id": str(order.strategy_id) if order.strategy_id else None,
        "side": order.side,
        "quantity": f"{order.quantity.normalize():f}",
        "status": order.status,
        "filled_quantity": f"{order.filled_quantity.normalize():f}",
        "executed_price": (
            None if order.average_price is None else f"{order.average_price.normalize():f}"
        ),
        "reason": order.reason,
    }


def order_tell(*, order_id: UUID) -> None:
    """Publish where the order is now; call it inside the transaction that moved it."""
    order = Order.objects.get(id=order_id)
    frame = order_frame(order)
    event_publish(user_id=order.owner_id, topic="orders", type=f"order.{order.status}", data=frame)
    event = ALERTS.get(OrderStatus(order.status))
    if event is None:
        return
    event_notify(
        owner_id=order.owner_id,
        event=event,
        key=f"{event}:{order.id}",
        subject=f"{order.side} {frame['quantity']} {order.symbol}: {order.status}",
        text=order.reason or f"Executed at {frame['executed_price']}.",
        data={"ticker": order.symbol, **frame},
    )


def account_tell(*, account_id: UUID) -> None:
    """Tell that an account was halted; call it inside the transaction that halted it."""
    account = BrokerAccount.objects.get(id=account_id)
    data = {
        "account_id": str(account.id),
        "name": account.name,
        "kind": account.kind,
        "state": account.state,
        "reason": account.state_reason,
    }
    event_publish(user_id=account.owner_id, topic="account", type="account.state", data=data)
    if account.state == AccountState.HALTED:
        event_notify(
            owner_id=account.owner_id,
            event="account.halted",
            key=f"account.halted:{account.id}:{uuid7()}",
            subject=f"{account}: halted",
            text=account.state_reason,
            data=data,
        )
