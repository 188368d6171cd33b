"""A gateway of Interactive Brokers: its TCP protocol, server version 176, as far as it is used."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal

from tests.venue.exchange import OPEN, Exchange, Refusal
from tests.venue.http import Faults

VERSION = 176
PLACE, CANCEL, OPEN_ORDERS, EXECUTIONS, POSITIONS, SUMMARY, ALL_OPEN, COMPLETED = (
    3, 4, 5, 7, 61, 62, 16, 99,
)  # fmt: skip
DETAILS, CHAIN = 9, 78
KINDS = {PLACE: "submit", CANCEL: "cancel", CHAIN: "list", DETAILS: "details"}
TYPES = {
    "MKT": "market", "LMT": "limit", "STP": "stop", "STP LMT": "stop_limit",
    "TRAIL": "trailing_stop",
}  # fmt: skip
NAMES = {name: key for key, name in TYPES.items()}
# Pairs of currencies, as the exchange behind calls them: what they are of, and their tick.
PAIRS = {
    "EURUSD": ("EUR", "USD", Decimal("0.00005")),
    "USDJPY": ("USD", "JPY", Decimal("0.005")),
}
ODD_LOT = 25_000
STATUSES = {
    "new": "Submitted", "partially_filled": "Submitted", "filled": "Filled",
    "canceled": "Cancelled",
}  # fmt: skip
ACCOUNT = "DU1"


def framed(*fields):
    body = b"".join(str(field).encode() + b"\0" for field in fields)
    return struct.pack(">I", len(body)) + body


class GatewayVenue:
    """A gateway; others' accounts are books of their own, which it tells of as well."""

    def __init__(self):
        self.exchange = Exchange(unique="")
        self.others = {}
        self.clients = {}  # client id -> its connection: there is one at a time
        self.faults = Faults()
        self.numbers = {}  # order id of the API -> id of the exchange's order
        self.described = []  # of what contracts were described: kind and expiry
        self.charged_after_s = 0.0  # how long after an execution its commission is known
        self.charged_first = False  # whether commissions come before what they were charged for
        self.port = 0
        self._listener = None
        self._open = set()

    @contextmanager
    def running(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open = set()

    @property
    def url(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        session = Session(self, connection)
        with suppress(OSError, EOFError), connection:
            session.run()
        self._open.discard(connection)
        for client_id in [one for one, holder in self.clients.items() if holder is session]:
            del self.clients[client_id]

    def told(self, trades):
        return [*reversed(trades), *trades]

    def account(self, name):
        """Have another account; return its book."""
        return self.others.setdefault(name, Exchange(unique="", first_id=1000))

    def books(self):
        return {ACCOUNT: self.exchange, **self.others}


class Session:
    def __init__(self, venue, connection):
        self.venue, self.exchange = venue, venue.exchange
        self.connection = connection
        self.stream = connection.makefile("rb")

    def run(self):
        assert self._read(4) == b"API\0"
        self._read(struct.unpack(">I", self._read(4))[0])
        if self.venue.faults.token_expired:
            return  # A gateway that is not logged in closes the connection.
        self.send(VERSION, "20260102 10:00:00 UTC")
        while True:
            size = struct.unpack(">I", self._read(4))[0]
            if not self.message(self._read(size).decode().split("\0")[:-1]):
                return

    def _read(self, count):
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def send(self, *fields):
        self.connection.sendall(framed(*fields))

    def message(self, fields):
        """Handle one message; return whether the connection stays open."""
        number = int(fields[0])
        fault = self.venue.faults.take(KINDS.get(number, "query")) if number != 71 else ""
        if fault in {"drop_before", "error_before"}:
            return False
        if fault == "rate_limit":
            self.send(
                4, 2, fields[1], 100, "Max rate of messages per second has been exceeded.", ""
            )
            return True
        if fault in {"drop_after", "error_after", "garbage", "hang"}:
            self.silently(number, fields)
            if fault == "garbage":
                self.connection.sendall(struct.pack(">I", 9) + b"<html>cu\0")
            if fault in {"hang", "garbage"}:
                time.sleep(self.venue.faults.hang_s)
            return False
        self.handle(number, fields)
        return True

    def silently(self, number, fields):
        self.send, say = lambda *_: None, self.send
        self.handle(number, fields)
        self.send = say

    def handle(self, number, fields):
        if number == 71:
            self.enter(fields[2])
            self.send(15, 1, ",".join(self.venue.books()))
            self.send(9, 1, max(self.venue.numbers, default=0) + 1)
        elif number == PLACE:
            self.guarded(int(fields[1]), self.place, fields)
        elif number == CANCEL:
            self.guarded(int(fields[2]), self.cancel, fields)
        else:
            self.answer(number, fields)

    def enter(self, client_id):
        """Take a client id; where another connection has it, say so and close this one."""
        holder = self.venue.clients.get(client_id)
        if holder is not None and not holder.gone():
            said = "Unable to connect as the client id is already in use. Retry with a unique one."
            self.send(4, 2, -1, 326, said, "")
            raise EOFError
        self.venue.clients[client_id] = self

    def gone(self):
        """Tell whether the other side has closed the connection."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def answer(self, number, fields):
        """Answer a question."""
        answers = {
            OPEN_ORDERS: self.waiting, ALL_OPEN: self.waiting, COMPLETED: self.completed,
            EXECUTIONS: self.executions, POSITIONS: self.positions, SUMMARY: self.summary,
            DETAILS: self.details, CHAIN: self.chain,
        }  # fmt: skip
        if number in answers:
            answers[number](fields)

    def waiting(self, _):
        for book in self.venue.books().values():
            for order in book.open():
                self.tell(order)
        self.send(53, 1)

    def completed(self, _):
        for book in self.venue.books().values():
            for order in book.orders.values():
                if order.status not in OPEN:
                    self.send(*completed_fields(order, self.contract(order.symbol)))
        self.send(102)

    def executions(self, fields):
        wanted = fields[4]
        trades = []
        for account, book in self.venue.books().items():
            for trade in book.trades if wanted in {"", account} else ():
                order = book.get(trade.order_id)
                told = self.contract(trade.symbol)
                trades.append((trade, [self.number(order), order, trade, told]))
        if self.venue.charged_first:
            self.commissions([trade for trade, _ in trades])
        for _, told in self.venue.told(trades):
            self.send(*execution_fields(fields[2], *told))
        self.send(55, 1, fields[2])
        if not self.venue.charged_first:
            self.commissions([trade for trade, _ in trades])

    def commissions(self, trades):
        """Tell what was charged, apart from what it was charged for, and twice."""
        since = self.exchange.now() - timedelta(seconds=self.venue.charged_after_s)
        known = [trade for trade in trades if trade.at <= since]
        for trade in self.venue.told(known):
            self.send(59, 1, trade.id, trade.commission, trade.charged_in, "", "", "")

    def positions(self, _):
        for account, book in self.venue.books().items():
            for symbol, units in book.positions().items():
                # What one contract has cost, not one share of it.
                cost = book.average(symbol) * book.multiplier(symbol)
                self.send(61, 3, account, *self.contract(symbol), units, cost)
        self.send(62, 1)

    def summary(self, fields):
        for tag in ("NetLiquidation", "TotalCashValue", "BuyingPower"):
            self.send(63, 1, fields[2], ACCOUNT, tag, self.exchange.cash, "USD")
        self.send(64, 1, fields[2])

    def contract(self, symbol):
        return contract(symbol, self.exchange.contracts.get(symbol))

    def named(self, fields):
        """Return what twelve fields of a contract fit: symbols of the exchange."""
        _, symbol, kind, day, strike, right, multiplier, place, _, money, _, trading_class = fields
        if kind == "STK":
            shares = self.exchange.prices.keys() - PAIRS.keys()
            return [name for name in shares if name == symbol]
        if kind == "CASH":
            pairs = self.exchange.prices.keys() & PAIRS.keys()
            asked = (symbol, money, "IDEALPRO")
            return [name for name in pairs if asked == (*PAIRS[name][:2], place)]
        return [
            name
            for name, row in self.exchange.contracts.items()
            if row.underlying == symbol
            and f"{row.expiry:%Y%m%d}".startswith(day)
            and float(strike or 0) in {0.0, float(row.strike)}
            and right in {"", row.right}
            and multiplier in {"", str(row.multiplier)}
            and trading_class in {"", row.root or row.underlying}
            and row.tradable
            and row.expiry >= self.exchange.now().date()
        ]

    def details(self, fields):
        request, found = fields[2], self.named(fields[3:15])
        self.venue.described.append((fields[5], fields[6]))
        if not found:
            text = "No security definition has been found for the request"
            self.send(4, 2, request, 200, text, "")
            return
        for name in found:
            number, symbol, kind, day, strike, right, multiplier, *_, local, root = self.contract(
                name
            )
            when = f"{day} 16:00 US/Eastern" if day else ""
            self.send(
                10, request, symbol, kind, when, strike, right, "SMART", "USD", local, root, root,
                number, 0.01, multiplier, *[""] * 15, 0, *[""] * 9,
            )  # fmt: skip
        self.send(52, 1, request)

    def chain(self, fields):
        """Tell expiries and strikes, of each trading class and exchange."""
        request, symbol = fields[1:3]
        assert fields[3:] == ["", "STK", "7"]
        rows = [row for row in self.exchange.contracts.values() if row.underlying == symbol]
        for exchange in ("SMART", "CBOE"):
            for root, multiplier in {(row.root or symbol, row.multiplier) for row in rows}:
                days = sorted({f"{row.expiry:%Y%m%d}" for row in rows})
                strikes = sorted({row.strike for row in rows})
                self.send(
                    75, request, exchange, 265598, root, multiplier, len(days), *days,
                    len(strikes), *strikes,
                )  # fmt: skip
        self.send(76, request)

    def guarded(self, number, do, fields):
        try:
            do(number, fields)
        except Refusal as refusal:
            code, text = 201, f"Order rejected - reason: {refusal}"
            if refusal.code == "tick":
                code, text = 110, str(refusal)
            self.send(4, 2, number, code, text, "")

    def place(self, number, fields):
        # After the twelve fields of the contract and its two of an identifier.
        action, quantity, kind, limit, other, tif = fields[16:22]
        prices = {"limit": Decimal(limit) if limit else None}
        aux = Decimal(other) if other else None
        found = self.named(fields[2:14])
        for price in (limit, other) if kind != "TRAIL" else ():
            if price and found and found[0] in PAIRS and Decimal(price) % PAIRS[found[0]][2]:
                text = "The price does not conform to the minimum price variation"
                raise Refusal("tick", f"{text} for this contract.")
        if number in self.venue.numbers:
            order = self.exchange.change(
                self.venue.numbers[number], quantity=Decimal(quantity), stop=aux, **prices
            )
        else:
            prices["trail" if kind == "TRAIL" else "stop"] = aux
            if len(found) != 1 or Decimal(quantity) % 1:
                raise Refusal("contract", "No security definition has been found")
            order = self.exchange.place(
                client_id=fields[26], symbol=found[0], side=action.lower(), type=TYPES[kind],
                quantity=Decimal(quantity), tif=tif.lower(), account=fields[23], **prices,
            )  # fmt: skip
            self.venue.numbers[number] = order.id
        if found[:1] and found[0] in PAIRS and Decimal(quantity) < ODD_LOT:
            text = f"Warning: Your order size is below the USD {ODD_LOT} IdealPro minimum"
            self.send(4, 2, number, 399, f"{text} and will be routed as an odd lot order.", "")
        self.tell(order)

    def cancel(self, number, fields):
        order = self.exchange.cancel(self.venue.numbers[number])
        self.send(4, 2, number, 202, "Order Canceled - reason:", "")
        self.tell(order)

    def number(self, order):
        for number, order_id in self.venue.numbers.items():
            if order_id == order.id:
                return number
        return 0

    def tell(self, order):
        number = self.number(order)
        self.send(*open_fields(number, order, self.contract(order.symbol)))
        left = order.quantity - order.filled
        self.send(
            3, number, STATUSES[order.status], order.filled, left, order.average, perm(order), 0, 0,
            1 if number else 0, "", 0,
        )  # fmt: skip


def perm(order):
    return 1_000_000 + int(order.id)


def contract(symbol, listed):
    """Return the eleven fields by which a contract is told."""
    if symbol in PAIRS:
        base, quote, _ = PAIRS[symbol]
        name = f"{base}.{quote}"
        return (9, base, "CASH", "", 0, "", "", "IDEALPRO", quote, name, name)
    if listed is None:
        return (7, symbol, "STK", "", 0, "?", "", "SMART", "USD", symbol, symbol)
    root = listed.root or listed.underlying
    return (
        8, listed.underlying, "OPT", f"{listed.expiry:%Y%m%d}", listed.strike, listed.right,
        listed.multiplier, "SMART", "USD", f"{root:<6}{symbol.removeprefix(root)}", root,
    )  # fmt: skip


def prices_of(order):
    aux = order.trail if order.type == "trailing_stop" else order.stop
    return ("" if order.limit is None else order.limit, "" if aux is None else aux)


def head(order, told):
    return [
        *told, order.side.upper(), order.quantity,
        NAMES[order.type], *prices_of(order), order.tif.upper(), "", order.account or ACCOUNT,
        "", 0, order.client_id,
    ]  # fmt: skip


def open_fields(number, order, told):
    """Return message 5, most of whose 150 fields are empty."""
    return [
        5, number, *head(order, told), 1 if number else 0, perm(order), 0, 0, 0, *[""] * 5, "",
        *[""] * 29, *[""] * 7, 0, 0, 0, "", "", "", "", "", "", "", 0, 0, "", 0, 0,
        STATUSES[order.status], *[""] * 14, 0, 0, 0, *[""] * 12, 0, 0, 0, 0, 0, 0, 0, *[""] * 5,
    ]  # fmt: skip


def completed_fields(order, told):
    """Return message 101."""
    return [
        101, *head(order, told), perm(order), 0, 0, 0, *[""] * 33, 0, 0, 0,
        "", "", "", "", "", "", 0, 0, "", 0, STATUSES[order.status], 0, 0, 0, *[""] * 3, 0, "", "",
        order.filled, *[""] * 20,
    ]  # fmt: skip


def execution_fields(request, number, order, trade, told):
    """Return message 11."""
    return [
        11, request, number, *told, trade.id,
        f"{trade.at:%Y%m%d-%H:%M:%S}", order.account or ACCOUNT, "SMART",
        "BOT" if trade.side == "buy" else "SLD", trade.quantity, trade.price, perm(order), 1, 0,
        order.filled, order.average, order.client_id, "", "", "", 1,
    ]  # fmt: skip
