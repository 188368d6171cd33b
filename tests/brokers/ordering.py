"""An order on its way, for tests: sending it, and what became of it."""

from __future__ import annotations

from brokers.dispatch import account_send
from brokers.models import Order, OrderEvent


def sent(order):
    account_send(account_id=order.account_id)
    return fresh(order)


def fresh(order):
    return Order.objects.get(id=order.id)


def history(order):
    return [
        (event.old_status, event.new_status)
        for event in OrderEvent.objects.filter(order=order).order_by("created_at", "id")
    ]
