"""What every adapter must do, against its simulated venue.

Inherit `RemoteConformance`, and give it the four; our own venue has no network to go wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import uuid4

import pytest

from brokers.adapters.base import (
    Access,
    Change,
    OptionVenue,
    OrderRef,
    OrderRequest,
    OutcomeUnknown,
    Refused,
    Replacing,
    TellsEnded,
)
from brokers.adapters.begin import begun_unless
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.fungible import positions_named
from tests.venue.option_conformance import OptionConformance

PRICES = {
    OrderType.MARKET: {},
    OrderType.LIMIT: {"limit_price": Decimal("95.5")},
    OrderType.STOP: {"stop_price": Decimal(110)},
    OrderType.STOP_LIMIT: {"stop_price": Decimal(110), "limit_price": Decimal(111)},
    OrderType.TRAILING_STOP: {"trail_amount": Decimal(5)},
}
WAITS = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


class Conformance:
    """The promises of `brokers.adapters.base.Adapter`."""

    kind = ""
    symbol = "ACME"
    venue_symbol = "ACME"
    asset_type = AssetType.STOCK
    credentials = MappingProxyType({})
    # Whether ids of executions are unique only within an order.
    trades_numbered_by_order = False

    @pytest.fixture
    def access(self):
        return Access(account_id=uuid4(), live=True, credentials=self.credentials)

    @pytest.fixture(autouse=True)
    def _quick(self, settings, venue):
        settings.BROKER_TIMEOUT_S = 0.5
        settings.BROKER_RATES = {}
        settings.BROKER_URLS = {self.kind: venue.url}
        venue.exchange.prices[self.venue_symbol] = Decimal(100)

    @pytest.fixture
    def order(self, broker):
        def make(order_type=OrderType.MARKET, side=Side.BUY, quantity=10, **changes):
            times = broker.capabilities.of(self.asset_type).times_in_force
            fields = {
                "client_order_id": str(uuid4()),
                "symbol": self.symbol,
                "asset_type": self.asset_type,
                "side": side,
                "order_type": order_type,
                "quantity": Decimal(quantity),
                "time_in_force": TimeInForce.DAY if TimeInForce.DAY in times else TimeInForce.GTC,
            }
            return OrderRequest(**(fields | PRICES[order_type] | changes))

        return make

    def ref(self, request, told=None):
        return OrderRef(
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            asset_type=request.asset_type,
            broker_order_id=told.broker_order_id if told else "",
        )

    def only(self, venue):
        (order,) = venue.exchange.orders.values()
        return order

    @pytest.mark.parametrize("order_type", OrderType)
    def test_each_order_type_arrives_as_it_was_meant(
        self, broker, venue, access, order, order_type
    ):
        if order_type not in broker.capabilities.of(self.asset_type).order_types:
            pytest.skip("declared as not supported, so it is refused before it is sent")
        request = order(order_type)
        told = broker.submit(access, request)
        assert told.broker_order_id
        there = self.only(venue)
        assert (there.symbol, there.side, there.type) == (self.venue_symbol, "buy", order_type)
        assert there.quantity == 10
        assert (there.limit, there.stop if order_type != OrderType.TRAILING_STOP else None) == (
            request.limit_price,
            request.stop_price,
        )
        found = broker.find(access, self.ref(request, told))
        assert found.broker_order_id == told.broker_order_id
        assert found.status == (
            OrderStatus.FILLED if order_type == OrderType.MARKET else OrderStatus.ACCEPTED
        )

    def test_a_filled_order_tells_its_executions_with_exact_amounts(
        self, broker, venue, access, order
    ):
        venue.exchange.prices[self.venue_symbol] = Decimal("100.05")
        request = order()
        broker.submit(access, request)
        found = broker.find(access, self.ref(request))
        executions = {each.execution_id: each for each in found.executions}
        (execution,) = executions.values()
        assert (execution.quantity, execution.price) == (10, Decimal("100.05"))
        assert execution.executed_at.tzinfo is not None

    def test_an_order_that_waits_is_canceled(self, broker, venue, access, order):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        broker.cancel(access, self.ref(request, told))
        assert self.only(venue).status == "canceled"
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.CANCELED

    def test_what_is_filled_cannot_be_canceled(self, broker, access, order):
        request = order()
        told = broker.submit(access, request)
        with pytest.raises(Refused):
            broker.cancel(access, self.ref(request, told))

    def test_an_order_is_replaced_as_declared(self, broker, venue, access, order):
        style = broker.capabilities.replacing
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        change = Change(
            client_order_id=str(uuid4())
            if style == Replacing.NEW_ORDER
            else request.client_order_id,
            order_type=OrderType.LIMIT,
            time_in_force=request.time_in_force,
            quantity=Decimal(7),
            limit_price=Decimal("96.5"),
        )
        if style == Replacing.NONE:
            with pytest.raises(Refused):
                broker.replace(access, self.ref(request, told), change)
            return
        broker.replace(access, self.ref(request, told), change)
        (there,) = venue.exchange.open()
        assert (there.quantity, there.limit) == (7, Decimal("96.5"))
        old = broker.find(access, self.ref(request, told))
        if style == Replacing.NEW_ORDER:
            assert (old.status, old.quantity) == (OrderStatus.REPLACED, 10)
            new = OrderRef(change.client_order_id, self.symbol, self.asset_type)
            assert broker.find(access, new).status == OrderStatus.ACCEPTED
        else:
            assert (old.status, old.quantity) == (OrderStatus.ACCEPTED, 7)

    def test_what_the_venue_refuses_is_proven_to_be_refused(self, broker, venue, access, order):
        request = order(quantity=10**8)
        with pytest.raises(Refused):
            broker.submit(access, request)
        assert not venue.exchange.orders

    def test_an_id_that_was_never_sent_is_not_there(self, broker, access, order):
        assert broker.find(access, self.ref(order())) is None

    def test_positions_and_money_are_told(self, broker, access, order):
        broker.submit(access, order())
        held = {row.symbol: row.quantity for row in broker.positions(access)}
        assert held == {self.symbol: 10}
        assert broker.balance(access).cash == 999_000

    def test_a_position_is_sold_again(self, broker, access, order):
        broker.submit(access, order())
        broker.submit(access, order(side=Side.SELL, quantity=4))
        assert {row.quantity for row in broker.positions(access)} == {6}


class RemoteConformance(Conformance):
    """What a network and a broker's own will add: lost replies, partial fills, orders of others."""

    def test_options_are_tested_where_they_are_declared(self, broker):
        declared = AssetType.OPTION in broker.capabilities.asset_types
        assert declared == isinstance(self, OptionConformance) == isinstance(broker, OptionVenue)

    def test_partial_fills_add_up(self, broker, venue, access, order):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        there = self.only(venue)
        venue.exchange.fill(there, 4, "95")
        found = broker.find(access, self.ref(request, told))
        assert found.status in {OrderStatus.PARTIALLY_FILLED, OrderStatus.ACCEPTED}
        venue.exchange.fill(there, 6, "94")
        found = broker.find(access, self.ref(request, told))
        assert found.status == OrderStatus.FILLED
        amounts = {each.execution_id: each.quantity for each in found.executions}
        assert sorted(amounts.values()) == [4, 6]

    def test_a_fill_after_the_cancel_is_told(self, broker, venue, access, order):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        broker.cancel(access, self.ref(request, told))
        venue.exchange.fill(self.only(venue), 3, "95")
        found = broker.find(access, self.ref(request, told))
        assert {each.quantity for each in found.executions} == {3}

    @pytest.mark.parametrize("fault", ["drop_after", "error_after", "garbage", "hang"])
    def test_a_reply_that_is_lost_is_unknown_and_the_order_is_found_by_our_id(
        self, broker, venue, access, order, fault
    ):
        venue.faults.next("submit", fault)
        request = order()
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        assert len(venue.exchange.orders) == 1, "it was sent once, and not again"
        found = broker.find(access, self.ref(request))
        assert found.status == OrderStatus.FILLED

    @pytest.mark.parametrize("fault", ["drop_before", "error_before"])
    def test_a_request_that_is_lost_is_unknown_and_nothing_is_there(
        self, broker, venue, access, order, fault
    ):
        venue.faults.next("submit", fault)
        request = order()
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        assert broker.find(access, self.ref(request)) is None

    @pytest.mark.parametrize("fault", ["drop_before", "error_before", "garbage", "hang"])
    def test_a_question_without_an_answer_is_never_taken_for_a_no(
        self, broker, venue, access, order, fault
    ):
        request = order()
        told = broker.submit(access, request)
        for ask in (
            lambda: broker.find(access, self.ref(request, told)),
            lambda: broker.open_orders(access),
            lambda: broker.positions(access),
        ):
            venue.faults.next("query", fault)
            with pytest.raises(OutcomeUnknown):
                ask()

    def test_a_lost_answer_to_a_cancel_is_unknown_and_asking_again_does_no_harm(
        self, broker, venue, access, order
    ):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        venue.faults.next("cancel", "drop_after")
        with pytest.raises(OutcomeUnknown):
            broker.cancel(access, self.ref(request, told))
        with pytest.raises(Refused):
            broker.cancel(access, self.ref(request, told))
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.CANCELED

    def test_orders_of_others_are_recognised(self, broker, venue, access):
        venue.exchange.place(
            client_id="", symbol=self.venue_symbol, side="sell", type="limit",
            quantity=Decimal(3), limit=Decimal(120),
        )  # fmt: skip
        (found,) = broker.open_orders(access)
        assert (found.symbol, found.side, found.quantity) == (self.symbol, Side.SELL, 3)
        assert found.status in WAITS
        ref = OrderRef(
            f"external-{found.broker_order_id}", found.symbol, self.asset_type,
            found.broker_order_id,
        )  # fmt: skip
        assert broker.find(access, ref).broker_order_id == found.broker_order_id

    def test_an_order_that_the_venue_has_forgotten_is_not_there(self, broker, venue, access, order):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        venue.exchange.orders.clear()  # its book is that of a day
        assert broker.find(access, self.ref(request, told)) is None
        assert broker.open_orders(access) == []
        with pytest.raises((Refused, OutcomeUnknown)):
            broker.cancel(access, self.ref(request, told))

    def test_orders_of_others_that_have_come_and_gone_are_told(self, broker, venue, access):
        if not isinstance(broker, TellsEnded):
            pytest.skip("its orders are listed for one symbol at a time")
        for limit in (None, Decimal(50)):
            venue.exchange.place(
                client_id="", symbol=self.venue_symbol, side="buy", quantity=Decimal(3),
                type="limit" if limit else "market", limit=limit,
            )  # fmt: skip
        (found,) = broker.ended_orders(access)
        assert (found.symbol, found.side, found.status) == (
            self.symbol, Side.BUY, OrderStatus.FILLED,
        )  # fmt: skip
        ref = OrderRef(
            f"external-{found.broker_order_id}", found.symbol, self.asset_type,
            found.broker_order_id,
        )  # fmt: skip
        assert {each.quantity for each in broker.find(access, ref).executions} == {3}

    @pytest.mark.parametrize("ahead_s", [-7200, 7200])
    def test_a_venue_whose_clock_differs_is_understood(self, broker, venue, access, order, ahead_s):
        venue.exchange.clock_ahead = timedelta(seconds=ahead_s)
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        venue.exchange.fill(self.only(venue), 10, "95")
        found = broker.find(access, self.ref(request, told))
        assert found.status == OrderStatus.FILLED
        (executed_at,) = {each.executed_at for each in found.executions}
        assert abs((executed_at - datetime.now(UTC)).total_seconds() - ahead_s) < 60

    @pytest.mark.parametrize("waited", [(True,), (False, True)], ids=["before", "on its way"])
    def test_what_has_waited_past_its_senders_lease_is_not_sent(
        self, broker, venue, access, order, waited
    ):
        with begun_unless(iter(waited).__next__), pytest.raises((Refused, OutcomeUnknown)):
            broker.submit(access, order())
        assert not venue.exchange.orders

    def test_what_was_held_over_night_and_sold_in_part_counts_once(
        self, broker, venue, access, order
    ):
        broker.submit(access, order())
        venue.exchange.night()
        assert self.held(broker, access) == {self.symbol: 10}
        broker.submit(access, order(side=Side.SELL, quantity=4))
        assert self.held(broker, access) == {self.symbol: 6}
        broker.submit(access, order(quantity=3))
        assert self.held(broker, access) == {self.symbol: 9}

    def held(self, broker, access):
        """Return what is held under the symbol by which we have it."""
        held, alike = broker.positions(access), broker.capabilities.alike
        if alike is not None:
            held = positions_named(held, {self.symbol: Decimal(10)}, alike)
        return {row.symbol: row.quantity for row in held}

    def test_executions_of_two_orders_are_told_apart(self, broker, venue, access, order):
        first, second = order(), order()
        for request in (first, second):
            broker.submit(access, request)
        if self.trades_numbered_by_order:
            for trade in venue.exchange.trades:
                trade.id = "t00000007"
        found = [broker.find(access, self.ref(request)) for request in (first, second)]
        assert len({each.execution_id for told in found for each in told.executions}) == 2

    def test_an_expired_token_is_a_proven_refusal(self, broker, venue, access, order):
        venue.faults.token_expired = True
        with pytest.raises(Refused):
            broker.submit(access, order())
        assert not venue.exchange.orders

    def test_being_asked_too_often_is_a_proven_refusal(self, broker, venue, access, order):
        venue.faults.next("submit", "rate_limit")
        with pytest.raises(Refused) as refusal:
            broker.submit(access, order())
        assert refusal.value.code == "rate_limited"
        assert not venue.exchange.orders

    def test_a_venue_that_restarts_is_unknown_and_then_answers(self, broker, venue, access, order):
        request = order(OrderType.LIMIT)
        told = broker.submit(access, request)
        venue.stop()
        with pytest.raises(OutcomeUnknown):
            broker.find(access, self.ref(request, told))
        venue.start()
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.ACCEPTED
