"""Telling the user about an order: on the socket always, as an alert where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from brokers.choices import REFUSED, AccountState, OrderStatus
from brokers.models import BrokerAccount, Fill, Order, RiskDecision
from core.db import uuid7
from core.realtime.publishing import News, news_publish
from core.realtime.services import event_publish
from core.transactions import atomic
from notifications.events import EVENTS
from notifications.services import Telling, event_notify, events_notify, events_wanted

# All others are called as the status is.
ALERTS = {OrderStatus.DENIED: "order.rejected"}
# What every order goes through is told to those who have a rule on it; the rest to everybody.
TOLD_TO_ALL = frozenset({"order.filled", "order.rejected", "order.unknown", "risk.denied"})

RECEIVED: Final = "fill.received"


def order_frame(order: Order) -> dict[str, Any]:
    """Return an order as the socket shows it; amounts are decimal strings."""
    return {
        "trade_id": str(order.id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "asset_type": order.asset_type,
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
    orders_tell([order_id])


def orders_show(orders: Sequence[Order]) -> None:
    """Publish what orders are now that have not moved; nobody is alerted."""
    if orders:
        news_publish([_order_news(order) for order in orders])


def orders_tell(order_ids: Sequence[UUID]) -> None:
    """Publish where orders are now; call it inside the transaction that moved them."""
    if not order_ids:
        return
    rows = Order.objects.select_related("decision").defer("decision__facts")
    found = {order.id: order for order in rows.filter(id__in=order_ids)}
    orders = [found[each] for each in order_ids]
    news_publish([_order_news(order) for order in orders])
    told = [(order, *_event_of(order)) for order in orders]
    told = [one for one in told if one[1] in EVENTS]
    wanted = events_wanted({(one[0].owner_id, one[1]) for one in told if one[1] not in TOLD_TO_ALL})
    events_notify(
        [
            _order_alert(order, event, data)
            for order, event, data in told
            if event in TOLD_TO_ALL or (order.owner_id, event) in wanted
        ]
    )


def _order_news(order: Order) -> News:
    return News(order.owner_id, "orders", f"order.{order.status}", order_frame(order))


def _order_alert(order: Order, event: str, data: dict[str, Any]) -> Telling:
    frame = order_frame(order)
    return Telling(
        owner_id=order.owner_id,
        event=event,
        key=_key(order, event),
        subject=f"{order.side} {frame['quantity']} {order.symbol}: {order.status}",
        text=order.reason or _done(frame),
        data={"ticker": order.symbol, **frame, **data},
    )


def _key(order: Order, event: str) -> str:
    """Name an alert: what a deployment tries again and again is refused once a day."""
    if order.deployment_id is None or order.status not in REFUSED:
        return f"{event}:{order.id}"
    what = f"{order.deployment_id}|{order.bar_ts}|{order.node}|{order.symbol}"
    return f"{event}:{sha256(what.encode()).hexdigest()[:32]}:{order.created_at:%Y-%m-%d}"


def _event_of(order: Order) -> tuple[str, dict[str, Any]]:
    """Return what an order's status is called as an event, and what belongs to it besides."""
    decision: RiskDecision | None = getattr(order, "decision", None)
    if order.status == OrderStatus.DENIED and decision is not None and not decision.admitted:
        return "risk.denied", {"account_id": str(order.account_id), "code": order.reason_code}
    return ALERTS.get(OrderStatus(order.status), f"order.{order.status}"), {}


def _done(frame: dict[str, Any]) -> str:
    price = frame["executed_price"]
    return f"It is {frame['status']}." if price is None else f"Executed at {price}."


def fills_tell(fills: Sequence[tuple[Order, Fill]]) -> None:
    """Tell of executions whoever has asked for it; call it in the transaction that took them."""
    wanted = events_wanted({(order.owner_id, RECEIVED) for order, _ in fills})
    events_notify(
        [_fill_alert(order, fill) for order, fill in fills if (order.owner_id, RECEIVED) in wanted]
    )


def _fill_alert(order: Order, fill: Fill) -> Telling:
    quantity, price = (f"{each.normalize():f}" for each in (fill.quantity, fill.price))
    return Telling(
        owner_id=order.owner_id,
        event=RECEIVED,
        key=f"{RECEIVED}:{fill.id}",
        subject=f"{order.side} {quantity} {order.symbol} at {price}",
        text=f"Order {order.client_order_id}.",
        data={"ticker": order.symbol, "side": order.side, "quantity": quantity, "price": price},
    )


@atomic
def mismatch_tell(*, account_id: UUID) -> None:
    """Tell who has a rule on it what differs between an account and its broker, once a day."""
    account = BrokerAccount.objects.get(id=account_id)
    if not events_wanted({(account.owner_id, "account.mismatch")}):
        return
    event_notify(
        owner_id=account.owner_id,
        event="account.mismatch",
        key=f"account.mismatch:{account.id}:{timezone.now():%Y-%m-%d}",
        subject=f"{account} is not as its broker says",
        text="; ".join(
            f"{row['symbol']}: we have {row['ours']}, the broker {row['theirs']}"
            for row in account.mismatch
        ),
        data=_account_data(account),
    )


def account_tell(*, account_id: UUID) -> None:
    """Tell that an account was halted; call it inside the transaction that halted it."""
    account = BrokerAccount.objects.get(id=account_id)
    data = _account_data(account)
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


def _account_data(account: BrokerAccount) -> dict[str, Any]:
    return {
        "account_id": str(account.id),
        "name": account.name,
        "kind": account.kind,
        "state": account.state,
        "reason": account.state_reason,
    }
