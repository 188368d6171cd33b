"""What every stream of order updates must do, against its simulated venue over a real WebSocket.

Inherit it beside `RemoteConformance`, and give it `socket_class` and whether it tells executions by
the ids by which they are asked for.
"""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OrderStatus, OrderType
from brokers.streams.kinds import STREAMS
from brokers.streams.lines import Lines, Source


class StreamConformance:
    """The promises of `brokers.streams.base.OrderStream`."""

    socket_class = None
    tells_executions = False
    # How often a token that is refused is tried again: some say nothing but the end.
    tells_refusal = True

    @pytest.fixture
    def socket(self, venue, settings, _quick):
        with self.socket_class(venue).running() as socket:
            settings.BROKER_URLS = settings.BROKER_URLS | {f"{self.kind}_stream": socket.url}
            yield socket

    @pytest.fixture
    def heard(self, access, socket):
        """Listen, and return what was heard so far: updates and how often it was connected."""
        with Lines(pause=lambda _: 0.02) as lines:
            lines.want([Source(self.kind, access)])
            found = Everything(lines, socket)
            yield found

    def test_it_is_declared(self):
        assert ADAPTERS.get(self.kind).capabilities.streaming == (self.kind in STREAMS)

    def test_what_becomes_of_an_order_is_told(self, broker, venue, access, order, socket, heard):
        heard.connected(1)
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        there = self.only(venue)
        venue.exchange.fill(there, 4, "95")
        broker.cancel(access, self.ref(request, told))
        updates = heard.updates(3)
        assert {update.order.broker_order_id for update in updates} == {told.broker_order_id}
        first, second, last = updates
        assert first.order.status == OrderStatus.ACCEPTED
        assert (first.order.symbol, first.order.quantity) == (self.symbol, 10)
        assert [update.filled for update in updates] == [0, 4, 4]
        assert second.order.status in {OrderStatus.PARTIALLY_FILLED, OrderStatus.ACCEPTED}
        assert last.order.status == OrderStatus.CANCELED
        assert len({update.order.client_order_id for update in updates}) == 1

    def test_executions_are_those_that_are_asked_for_or_none(
        self, broker, venue, access, order, socket, heard
    ):
        heard.connected(1)
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        venue.exchange.fill(self.only(venue), Decimal(4), "95.05")
        venue.exchange.fill(self.only(venue), Decimal(6), "95.06")
        updates = heard.updates(3)
        assert updates[-1].filled == 10
        streamed = {one for update in updates for one in update.order.executions}
        asked = set(broker.find(access, self.ref(request, told)).executions)
        assert len(asked) == 2
        assert streamed == (asked if self.tells_executions else set())

    def test_a_connection_that_breaks_is_opened_again_and_says_so(
        self, broker, venue, access, order, socket, heard
    ):
        heard.connected(1)
        socket.refuses = 2
        socket.drop()
        heard.connected(2)
        assert socket.opened == 4
        broker.submit(access, order(OrderType.LIMIT))
        assert heard.updates(1)[0].filled == 0

    def test_what_cannot_be_read_ends_the_connection(self, socket, heard):
        heard.connected(1)
        socket.send(['{"stream": "trade_updates", "data": {"order": {"id": 1}}}'])
        socket.send(['{"type": "order", "Type": "order_alert", "data": {}, "Data": {}}'])
        socket.send(['{"event": {"e": "executionReport", "x": "TRADE"}}'])
        heard.connected(2)

    def test_a_token_that_has_expired_is_not_tried_for_a_while(self, access, socket):
        socket.token_expired = True
        with Lines(pause=lambda _: 0.02) as lines:
            lines.want([Source(self.kind, access)])
            heard = Everything(lines, socket)
            ends_at = time.monotonic() + 5
            while socket.opened < (1 if self.tells_refusal else 3):
                assert time.monotonic() < ends_at
                time.sleep(0.01)
            time.sleep(0.15)
            assert self.tells_refusal == (socket.opened == 1)
            socket.token_expired = False
            heard.look()
        assert heard.told == []

    def test_nothing_is_left_open(self, access, socket):
        with Lines() as lines:
            lines.want([Source(self.kind, access)])
            Everything(lines, socket).connected(1)
            assert len(socket.lines) == 1
        ends_at = time.monotonic() + 5
        while socket.lines:
            assert time.monotonic() < ends_at
            time.sleep(0.01)


class Everything:
    """All that was heard since the beginning."""

    def __init__(self, lines, socket):
        self.lines = lines
        self.socket = socket
        self.told = []
        self.connections = 0

    def look(self):
        heard = self.lines.take(within_s=0.02)
        self.told += [update for _, update in heard.updates]
        self.connections += len(heard.connected)

    def updates(self, count):
        self._until(lambda: len(self.told) >= count)
        assert len(self.told) == count
        return self.told

    def connected(self, count):
        self._until(lambda: self.connections >= count and self.socket.lines)

    def _until(self, check):
        ends_at = time.monotonic() + 5
        while not check():
            assert time.monotonic() < ends_at, "it did not come to pass"
            self.look()
