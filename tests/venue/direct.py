"""The matching engine as an adapter, without a network between: what goes wrong is said for each
call. For tests of the order path; the adapters themselves are tested over real connections."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from brokers.adapters.base import (
    Balance,
    Capabilities,
    Execution,
    Offer,
    OutcomeUnknown,
    Refused,
    Replacing,
    VenueOrder,
    VenuePosition,
)
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from tests.venue.exchange import Exchange, Refusal

STATUSES = {
    "new": OrderStatus.ACCEPTED, "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED, "canceled": OrderStatus.CANCELED,
    "replaced": OrderStatus.REPLACED,
}  # fmt: skip


class Killed(BaseException):
    """The sender dies in the middle of a call."""


class DirectBroker:
    title = "Direct"
    credential_fields = ()

    def __init__(self, replacing=Replacing.IN_PLACE):
        self.exchange = Exchange(unique="for_ever")
        self.exchange.prices["ACME"] = Decimal(100)
        self.plan = deque()
        self.sent = []
        self.during = None
        self.away = False
        self.capabilities = Capabilities(
            asset_types=frozenset({AssetType.STOCK}),
            usual=Offer(frozenset(OrderType), frozenset(TimeInForce), fractional=True),
            replacing=replacing,
        )

    def _done(self, action):
        """Do something at the venue as the plan for the next call says."""
        outcome = self.plan.popleft() if self.plan else "ok"
        if outcome == "lost":
            raise OutcomeUnknown("the request was lost")
        if outcome == "killed_before":
            raise Killed
        if outcome == "refused":
            raise Refused("refused", "the venue refuses")
        try:
            done = action()
        except Refusal as refusal:
            raise Refused(refusal.code, str(refusal)) from refusal
        if self.during:
            self.during()
        if outcome == "silent":
            raise OutcomeUnknown("the reply was lost")
        if outcome == "killed_after":
            raise Killed
        return done

    def submit(self, access, request):
        self.sent.append(request.client_order_id)
        return self.told(
            self._done(
                lambda: self.exchange.place(
                    client_id=request.client_order_id,
                    symbol=request.symbol,
                    side="buy" if request.side in {Side.BUY, Side.COVER} else "sell",
                    type=request.order_type.value,
                    quantity=request.quantity,
                    limit=request.limit_price,
                    stop=request.stop_price,
                )
            ),
            fills=False,
        )

    def cancel(self, access, ref):
        self._done(lambda: self.exchange.cancel(ref.broker_order_id))

    def replace(self, access, ref, change):
        if self.capabilities.replacing == Replacing.IN_PLACE:
            action = lambda: self.exchange.change(  # noqa: E731
                ref.broker_order_id,
                quantity=change.quantity,
                limit=change.limit_price,
                stop=change.stop_price,
            )
        else:
            action = lambda: self._new_order(ref, change)  # noqa: E731
        return self.told(self._done(action))

    def _new_order(self, ref, change):
        old = self.exchange.cancel(ref.broker_order_id)
        old.status = "replaced"
        return self.exchange.place(
            client_id=change.client_order_id, symbol=old.symbol, side=old.side, type=old.type,
            quantity=change.quantity, limit=change.limit_price,
        )  # fmt: skip

    def _ask(self):
        if self.away:
            raise OutcomeUnknown("the venue is away")

    def find(self, access, ref):
        self._ask()
        if ref.client_order_id.startswith(("external-", "adopted-")):
            order = self.exchange.orders.get(ref.broker_order_id)
            return self.told(order) if order else None
        found = self.exchange.by_client_id(ref.client_order_id)
        return self.told(found[-1]) if found else None

    def open_orders(self, access):
        self._ask()
        return [self.told(order) for order in self.exchange.open()]

    def positions(self, access):
        self._ask()
        return [
            VenuePosition(symbol, units, Decimal(100))
            for symbol, units in self.exchange.positions().items()
        ]

    def balance(self, access):
        self._ask()
        return Balance("USD", self.exchange.cash, self.exchange.cash, self.exchange.cash)

    def told(self, order, *, fills=True):
        """Tell an order; its fills out of order and twice."""
        executions = [
            Execution(trade.id, trade.quantity, trade.price, Decimal(0), trade.at)
            for trade in (*reversed(order.trades), *order.trades)
        ]
        return VenueOrder(
            broker_order_id=order.id,
            status=STATUSES[order.status],
            executions=tuple(executions) if fills else (),
            client_order_id=order.client_id,
            symbol=order.symbol,
            side=Side.BUY if order.side == "buy" else Side.SELL,
            quantity=order.quantity,
            limit_price=order.limit,
            stop_price=order.stop,
        )
