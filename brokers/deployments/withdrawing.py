"""The orders of a deployment that are not at their end, and taking them back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import OPEN_STATUSES, OrderStatus
from brokers.deployments.naming import Purpose, purpose_of
from brokers.deployments.waiting import opens_withdraw, ticks_waiting
from brokers.deployments.wanted import Role
from brokers.models import Deployment, Order
from brokers.services.orders import order_cancel
from core.errors import Conflict
from core.transactions import Overtaken

GUARDS: Final = (Role.STOP, Role.TAKE)
# What makes a position: without it nothing is held that nobody decides on.
OPENS: Final = (Role.ENTRY, Role.OPEN)


class OpenOrders:
    """The open orders of one deployment; its row is locked by the caller."""

    def __init__(self, deployment: Deployment, orders: Iterable[Order] | None = None) -> None:
        self.deployment = deployment
        self.can = ADAPTERS.get(deployment.account.kind).capabilities
        self._orders = list(self._read() if orders is None else orders)

    def _read(self) -> Iterable[Order]:
        rows = Order.objects.filter(deployment_id=self.deployment.id, status__in=OPEN_STATUSES)
        return rows.select_related("account").order_by("created_at")

    def open_orders(self) -> list[tuple[Purpose, Order]]:
        """Return the orders that are not at their end; what is only drafted is not among them.

        An order and what is about to take its place are one: the first stands for both.
        """
        there = {order.id for order in self._orders}
        return [
            (purpose_of(order.node), order)
            for order in self._orders
            if order.replaces_id not in there
        ]

    def withdraw(self, roles: Collection[Role] = tuple(Role)) -> None:
        """Take back what is open for some purposes, or all of it, and what waits to be placed.

        Where only what opens is, an option position that began is completed.
        """
        opening = set(roles) <= set(OPENS)
        for purpose, order in self.open_orders():
            if purpose.role in roles and not (opening and self._completes(purpose, order)):
                self.cancel(order)
        waiting = ticks_waiting(id=self.deployment.id)
        if opening:
            opens_withdraw(waiting)
        else:
            waiting.update(pending=False)

    def _completes(self, purpose: Purpose, order: Order) -> bool:
        """Tell whether an order opens a leg of a position of which another leg is filled."""
        legs = Order.objects.filter(
            deployment_id=self.deployment.id, bar_ts=order.bar_ts, node=order.node
        )
        others = legs.exclude(id=order.id).filter(filled_quantity__gt=0)
        return purpose.role == Role.OPEN and others.exists()

    def cancel(self, order: Order) -> None:
        """Take an order back, once.

        Raises
        ------
        Overtaken
            When it has ended since it was read: what was decided was decided without that.
        """
        if order.cancel_requested_at is not None or order.status == OrderStatus.PENDING_CANCEL:
            return
        try:
            order_cancel(order=order)
        except Conflict as error:
            raise Overtaken from error
        self._changed(order)

    def _changed(self, order: Order) -> None:
        """Look at an order again that was to be changed; our own venue does it right now."""
        if not self.can.remote:
            order_change(order_id=order.id)
        now = Order.objects.select_related("account").get(id=order.id)
        self._orders = [now if one.id == order.id else one for one in self._orders]
        self._orders = [one for one in self._orders if one.status in OPEN_STATUSES]
