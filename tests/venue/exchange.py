"""A matching engine behind the simulated brokers: one book, one account, moved by the tests.

Orders match against one price per symbol, which `tick` sets; `fill` executes a part of an order by
hand. All is under one lock, as requests come from threads.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

OPEN = ("new", "partially_filled")


class Refusal(Exception):
    """The venue does not take it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@dataclass
class Trade:
    id: str
    order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime
    commission: Decimal = Decimal(0)
    charged_in: str = "USD"


@dataclass
class VenueOrder:
    id: str
    client_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    tif: str = "day"
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    status: str = "new"
    reason: str = ""
    # Whether it opens or closes, where the venue asks for that.
    intent: str = ""
    # Whose it is, where a venue has several accounts.
    account: str = ""
    # The money that it is for, where its quantity is nobody's to know before it is filled.
    notional: Decimal | None = None
    triggered: bool = False
    replaces: str = ""
    replaced_by: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trades: list = field(default_factory=list)

    @property
    def sign(self):
        return 1 if self.side == "buy" else -1

    @property
    def filled(self):
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def average(self):
        if not self.trades:
            return Decimal(0)
        return sum(trade.quantity * trade.price for trade in self.trades) / self.filled


class Exchange:
    """Orders, trades, positions and money of one account."""

    def __init__(self, *, unique="for_ever", cash=Decimal(1_000_000), first_id=1):
        self.lock = threading.RLock()
        self.orders: dict[str, VenueOrder] = {}
        self.trades: list[Trade] = []
        # So many of them were before today.
        self.nights = 0
        self.prices: dict[str, Decimal] = {}
        # Options by the symbols under which they trade here; all else is worth its price.
        self.contracts = {}
        self.cash = cash
        self.unique = unique  # client ids: "for_ever", "open" or "" (not at all)
        self.fills_at_once = True
        # How far the venue's clock is ahead of ours.
        self.clock_ahead = timedelta()
        # Called with what happens: "new", "canceled", "replaced" or "trade", the order, the trade.
        self.listeners = []
        self._ids = itertools.count(first_id)

    def place(self, *, client_id, symbol, side, type, quantity, **more):  # noqa: A002
        with self.lock:
            self._check_unique(client_id)
            if quantity <= 0:
                raise Refusal("quantity", "quantity must be positive")
            if symbol not in self.prices:
                raise Refusal("symbol", f"{symbol} is not known")
            if symbol in self.contracts and self.contracts[symbol].expiry < self.now().date():
                raise Refusal("expired", f"{symbol} has expired")
            order = VenueOrder(
                id=f"{next(self._ids):08d}", client_id=client_id, symbol=symbol, side=side,
                type=type, quantity=quantity, created_at=self.now(), **more,
            )  # fmt: skip
            price = (order.limit or self.prices[symbol]) * self.multiplier(symbol)
            if side == "buy" and quantity * price > self.cash:
                raise Refusal("funds", "insufficient buying power")
            self.orders[order.id] = order
            if type == "trailing_stop":
                order.stop = self.prices[symbol] - order.sign * -1 * order.trail
            self.tell("new", order)
            if self.fills_at_once:
                self._match(order)
            if order.tif in {"ioc", "fok"} and order.status in OPEN:
                order.status = "canceled"
                self.tell("canceled", order)
            return order

    def list(self, contracts, name):
        """List options under the names that they have here, at a price of 2.5."""
        for contract in contracts:
            self.contracts[name(contract)] = contract
            self.prices[name(contract)] = Decimal("2.5")

    def multiplier(self, symbol):
        return self.contracts[symbol].multiplier if symbol in self.contracts else Decimal(1)

    def now(self):
        return datetime.now(UTC) + self.clock_ahead

    def tell(self, event, order, trade=None):
        for listener in self.listeners:
            listener(event, order, trade)

    def _check_unique(self, client_id):
        if not client_id or not self.unique:
            return
        for order in self.orders.values():
            if order.client_id == client_id and (self.unique == "for_ever" or order.status in OPEN):
                raise Refusal("duplicate", "client_order_id must be unique")

    def cancel(self, order_id):
        with self.lock:
            order = self.get(order_id)
            if order.status not in OPEN:
                raise Refusal("not_cancelable", f"order is {order.status}")
            order.status = "canceled"
            self.tell("canceled", order)
            return order

    def change(self, order_id, **changes):
        with self.lock:
            order = self.get(order_id)
            if order.status not in OPEN:
                raise Refusal("not_replaceable", f"order is {order.status}")
            for name, value in changes.items():
                if value is not None:
                    setattr(order, name, value)
            self._match(order)
            return order

    def get(self, order_id):
        with self.lock:
            if order_id not in self.orders:
                raise Refusal("not_found", "order not found")
            return self.orders[order_id]

    def by_client_id(self, client_id):
        with self.lock:
            return [order for order in self.orders.values() if order.client_id == client_id]

    def open(self):
        with self.lock:
            return [order for order in self.orders.values() if order.status in OPEN]

    def tick(self, symbol, price):
        """Move the market, and match what waits."""
        with self.lock:
            self.prices[symbol] = Decimal(price)
            for order in list(self.orders.values()):
                if order.symbol == symbol and order.status in OPEN:
                    self._match(order)

    def fill(self, order, quantity, price=None):
        """Execute a part of an order, whatever its status: fills may come after a cancel."""
        with self.lock:
            trade = Trade(
                id=f"t{next(self._ids):08d}", order_id=order.id, symbol=order.symbol,
                side=order.side, quantity=Decimal(quantity),
                price=Decimal(price or self.prices[order.symbol]), at=self.now(),
            )  # fmt: skip
            order.trades.append(trade)
            self.trades.append(trade)
            money = trade.quantity * trade.price * self.multiplier(trade.symbol)
            self.cash -= order.sign * money
            if order.filled >= order.quantity:
                order.status = "filled"
            elif order.status in OPEN:
                order.status = "partially_filled"
            self.tell("trade", order, trade)

    def night(self):
        """Have what was traded so far be of the days before."""
        self.nights = len(self.trades)

    def positions(self, first=0, last=None):
        """Return what was bought and sold by all trades, or by some of them."""
        with self.lock:
            held: dict[str, Decimal] = {}
            for trade in self.trades[first:last]:
                sign = 1 if trade.side == "buy" else -1
                held[trade.symbol] = held.get(trade.symbol, Decimal(0)) + sign * trade.quantity
            return {symbol: units for symbol, units in held.items() if units}

    def average(self, symbol):
        """Return what was paid for one unit of what is held."""
        with self.lock:
            held = paid = Decimal(0)
            for trade in self.trades:
                if trade.symbol != symbol:
                    continue
                units = trade.quantity if trade.side == "buy" else -trade.quantity
                if held * units >= 0:
                    paid += units * trade.price
                elif abs(units) <= abs(held):
                    paid += units * paid / held
                else:
                    paid = (held + units) * trade.price
                held += units
            return paid / held if held else Decimal(0)

    def _match(self, order):
        price = self.prices[order.symbol]
        left = order.quantity - order.filled
        if order.type == "trailing_stop" and not order.triggered:
            better = price + order.sign * order.trail
            order.stop = (max if order.sign < 0 else min)(order.stop, better)
        if order.type in {"stop", "stop_limit", "trailing_stop"} and not order.triggered:
            order.triggered = (price - order.stop) * order.sign >= 0
            if not order.triggered:
                return
        if order.type in {"limit", "stop_limit"} and (order.limit - price) * order.sign < 0:
            return
        self.fill(order, left, price)
