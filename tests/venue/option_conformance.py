"""What every adapter with options must do, against its simulated venue.

Inherit `OptionConformance` beside `RemoteConformance` and give it how the venue calls the contract
and how many units of it are one contract there; with a stream `OptionStreamConformance` as well.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from brokers.adapters.base import Change, OptionVenue, OrderRef, OutcomeUnknown, Refused, Replacing
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from tests.venue.options import (
    EXPIRED,
    FAR,
    LOT,
    NEAR,
    Listed,
    indian,
    indian_name,
    listed,
)

OPTION_PRICES = {
    OrderType.MARKET: {},
    OrderType.LIMIT: {"limit_price": Decimal("2.05")},
    OrderType.STOP: {"stop_price": Decimal("3.1")},
    OrderType.STOP_LIMIT: {"stop_price": Decimal("3.1"), "limit_price": Decimal("3.2")},
    OrderType.TRAILING_STOP: {"trail_amount": Decimal("0.5")},
}
STRIKES = (Decimal("97.5"), Decimal(100), Decimal(110))


class OptionConformance:
    """The promises of `brokers.adapters.base.OptionVenue`, and of orders in options."""

    underlying = "ACME"
    # Units of one contract at the venue.
    lot = 1
    # Shares of one contract.
    multiplier = 100
    strikes = STRIKES

    def ours(self, expiry=NEAR, right="P", strike=STRIKES[0]):
        """Return our symbol of a contract."""
        return Listed(self.underlying, expiry, right, strike).symbol

    def theirs(self, expiry=NEAR, right="P", strike=STRIKES[0]):
        """Return under which symbol the exchange behind the venue trades it."""
        return self.name(Listed(self.underlying.split(".")[0], expiry, right, strike))

    def name(self, contract):
        """Return under which symbol the exchange behind the venue trades a contract."""
        return contract.symbol

    def listing(self):
        """Return what the venue lists."""
        return listed(self.underlying)

    @pytest.fixture(autouse=True)
    def _listed(self, venue, _quick):
        venue.exchange.list(self.listing(), self.name)

    @pytest.fixture
    def option(self, broker, order):
        def make(order_type=OrderType.MARKET, side=Side.BUY, quantity=2, **changes):
            fields = {
                "symbol": self.ours(), "asset_type": AssetType.OPTION,
                "time_in_force": TimeInForce.DAY, "multiplier": Decimal(self.multiplier),
            }  # fmt: skip
            fields |= OPTION_PRICES[order_type] | changes
            return order(order_type, side, quantity, **fields)

        return make

    def held(self, broker, access):
        return {row.symbol: row.quantity for row in broker.positions(access)}

    def test_options_are_declared(self, broker):
        assert isinstance(broker, OptionVenue)
        assert AssetType.OPTION in broker.capabilities.asset_types

    def test_bought_to_open_and_sold_to_close(self, broker, venue, access, option):
        broker.submit(access, option(side=Side.BUY))
        there = self.only(venue)
        assert (there.symbol, there.side) == (self.theirs(), "buy")
        assert there.quantity == 2 * self.lot
        assert self.held(broker, access) == {self.ours(): 2}
        broker.submit(access, option(side=Side.SELL))
        assert [each.side for each in venue.exchange.orders.values()] == ["buy", "sell"]
        assert self.held(broker, access) == {}

    def test_sold_to_open_and_bought_to_close(self, broker, venue, access, option):
        told = broker.submit(access, option(side=Side.SHORT, quantity=3))
        assert told.status in {OrderStatus.ACCEPTED, OrderStatus.FILLED}
        assert self.held(broker, access) == {self.ours(): -3}
        broker.submit(access, option(side=Side.COVER, quantity=1))
        assert self.held(broker, access) == {self.ours(): -2}
        assert [each.side for each in venue.exchange.orders.values()] == ["sell", "buy"]

    @pytest.mark.parametrize("order_type", OrderType)
    def test_each_option_order_type_arrives_as_it_was_meant(
        self, broker, venue, access, option, order_type
    ):
        if order_type not in broker.capabilities.of(AssetType.OPTION).order_types:
            pytest.skip("declared as not supported, so it is refused before it is sent")
        request = option(order_type)
        told = broker.submit(access, request)
        there = self.only(venue)
        assert (there.type, there.limit) == (order_type, request.limit_price)
        found = broker.find(access, self.ref(request, told))
        assert (found.symbol, found.quantity) == (self.ours(), 2)
        assert (found.side, found.order_type) == (Side.BUY, order_type)
        assert found.status == (
            OrderStatus.FILLED if order_type == OrderType.MARKET else OrderStatus.ACCEPTED
        )

    @pytest.mark.parametrize("time_in_force", TimeInForce)
    def test_each_time_in_force_of_options_is_taken(
        self, broker, venue, access, option, time_in_force
    ):
        if time_in_force not in broker.capabilities.of(AssetType.OPTION).times_in_force:
            pytest.skip("declared as not supported, so it is refused before it is sent")
        broker.submit(access, option(time_in_force=time_in_force))
        assert self.only(venue).tif == time_in_force

    def test_partial_fills_are_told_in_contracts_at_prices_of_one_share(
        self, broker, venue, access, option
    ):
        request = option(OrderType.LIMIT, quantity=3)
        told = broker.submit(access, request)
        there = self.only(venue)
        venue.exchange.fill(there, self.lot, "2.05")
        found = broker.find(access, self.ref(request, told))
        assert found.status in {OrderStatus.PARTIALLY_FILLED, OrderStatus.ACCEPTED}
        assert {each.quantity for each in found.executions} == {1}
        venue.exchange.fill(there, 2 * self.lot, "2.01")
        found = broker.find(access, self.ref(request, told))
        assert found.status == OrderStatus.FILLED
        fills = {each.execution_id: (each.quantity, each.price) for each in found.executions}
        assert sorted(fills.values()) == [(1, Decimal("2.05")), (2, Decimal("2.01"))]

    def test_positions_are_told_in_contracts_beside_shares(
        self, broker, venue, access, order, option
    ):
        broker.submit(access, order(quantity=7))
        broker.submit(access, option(quantity=1))
        venue.exchange.prices[self.theirs()] = Decimal("3.5")
        broker.submit(access, option(quantity=1))
        found = {row.symbol: row for row in broker.positions(access)}
        assert set(found) == {self.symbol, self.ours()}
        assert (found[self.symbol].quantity, found[self.ours()].quantity) == (7, 2)
        assert found[self.ours()].average_price == 3, "for one share, not for one contract"

    def test_an_option_order_that_waits_is_canceled(self, broker, venue, access, option):
        request = option(OrderType.LIMIT)
        told = broker.submit(access, request)
        (waits,) = broker.open_orders(access)
        assert (waits.symbol, waits.quantity) == (self.ours(), 2)
        assert waits.broker_order_id == told.broker_order_id
        broker.cancel(access, self.ref(request, told))
        assert self.only(venue).status == "canceled"
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.CANCELED

    def test_an_option_order_is_replaced_in_contracts(self, broker, venue, access, option):
        style = broker.capabilities.replacing
        request = option(OrderType.LIMIT)
        told = broker.submit(access, request)
        other = str(uuid4()) if style == Replacing.NEW_ORDER else request.client_order_id
        change = Change(
            client_order_id=other, order_type=OrderType.LIMIT, time_in_force=TimeInForce.DAY,
            quantity=Decimal(1), limit_price=Decimal("2.15"),
        )  # fmt: skip
        broker.replace(access, self.ref(request, told), change)
        (there,) = venue.exchange.open()
        assert (there.quantity, there.limit) == (self.lot, Decimal("2.15"))
        (waits,) = broker.open_orders(access)
        assert (waits.symbol, waits.quantity) == (self.ours(), 1)

    @pytest.mark.parametrize("expiry", [EXPIRED, FAR])
    def test_a_contract_that_is_not_there_or_not_any_more_is_refused(
        self, broker, venue, access, option, expiry
    ):
        strike = STRIKES[1] if expiry == EXPIRED else Decimal("98.5")
        with pytest.raises(Refused):
            broker.submit(access, option(symbol=self.ours(expiry, "P", strike)))
        with pytest.raises(Refused):
            broker.submit(access, option(symbol=f"NOWHERE{self.ours()}"))
        assert not venue.exchange.orders

    def test_a_contract_that_we_count_with_another_size_is_refused_before_it_is_sent(
        self, broker, venue, access, option
    ):
        with pytest.raises(Refused) as refusal:
            broker.submit(access, option(multiplier=Decimal(self.multiplier + 1)))
        assert refusal.value.code == "contract_size"
        assert not venue.exchange.orders

    @pytest.mark.parametrize("fault", ["drop_after", "garbage"])
    def test_an_option_order_whose_reply_is_lost_is_found_by_our_id(
        self, broker, venue, access, option, fault
    ):
        broker.submit(access, option(side=Side.SHORT))
        venue.faults.next("submit", fault)
        request = option(side=Side.COVER)
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        assert len(venue.exchange.orders) == 2, "it was sent once, and not again"
        found = broker.find(access, self.ref(request))
        assert (found.status, found.symbol) == (OrderStatus.FILLED, self.ours())
        assert {each.quantity for each in found.executions} == {2}

    def test_an_option_order_that_was_lost_is_not_there(self, broker, venue, access, option):
        broker.submit(access, option())
        venue.faults.next("submit", "drop_before")
        request = option()
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        assert broker.find(access, self.ref(request)) is None

    def test_option_orders_of_others_are_recognised(self, broker, venue, access):
        venue.exchange.place(
            client_id="", symbol=self.theirs(), side="buy", type="limit",
            quantity=Decimal(3 * self.lot), limit=Decimal(1),
        )  # fmt: skip
        (found,) = broker.open_orders(access)
        assert (found.symbol, found.side, found.quantity) == (self.ours(), Side.BUY, 3)
        ref = OrderRef(
            f"external-{found.broker_order_id}", found.symbol, AssetType.OPTION,
            found.broker_order_id,
        )  # fmt: skip
        assert broker.find(access, ref).quantity == 3

    def test_what_can_be_traded_is_listed_in_order(self, broker, access):
        found = broker.contracts(access, underlying=self.underlying, first=NEAR, last=FAR)
        assert [(one.expiry, one.strike, one.right) for one in found] == [
            (expiry, strike, right)
            for expiry in (NEAR, FAR)
            for strike in self.strikes
            for right in "CP"
        ]
        assert {one.multiplier for one in found} == {self.multiplier}
        assert found[1].symbol == self.ours(NEAR, "P", self.strikes[0])

    def test_only_the_expiries_that_are_asked_for_are_listed(self, broker, access):
        def expiries(first, last):
            found = broker.contracts(access, underlying=self.underlying, first=first, last=last)
            return {one.expiry for one in found}

        day = timedelta(days=1)
        assert expiries(NEAR, NEAR) == {NEAR}
        assert expiries(NEAR + day, FAR) == {FAR}
        assert expiries(NEAR + day, FAR - day) == set()

    def test_a_share_without_options_has_an_empty_list(self, broker, access):
        assert list(broker.contracts(access, underlying="NONE", first=NEAR, last=FAR)) == []

    @pytest.mark.parametrize("fault", ["drop_before", "garbage", "hang"])
    def test_a_list_that_does_not_come_is_never_an_empty_one(self, broker, venue, access, fault):
        venue.faults.next("list", fault)
        with pytest.raises(OutcomeUnknown):
            broker.contracts(access, underlying=self.underlying, first=NEAR, last=FAR)
        assert broker.contracts(access, underlying=self.underlying, first=NEAR, last=FAR)


class IndianOptionConformance(OptionConformance):
    """Options that are bought by the lot, under names of the exchange's own."""

    underlying = "ACME.NS"
    lot = multiplier = LOT

    def name(self, contract):
        return indian_name(contract)

    def listing(self):
        return indian("ACME")

    @pytest.mark.parametrize(
        ("underlying", "name"), [("^NSEI", "NIFTY"), ("ACMEOTHER.NS", "ACMEOTHER")]
    )
    def test_underlyings_are_called_as_in_the_market_data(
        self, broker, venue, access, option, underlying, name
    ):
        (found,) = broker.contracts(access, underlying=underlying, first=NEAR, last=FAR)
        assert found.symbol.startswith(underlying)
        broker.submit(access, option(symbol=found.symbol, quantity=2))
        there = self.only(venue)
        assert (there.symbol.startswith(name), there.quantity) == (True, 2 * LOT)
        assert self.held(broker, access) == {found.symbol: 2}

    def test_without_the_list_of_options_nothing_is_sent(self, broker, venue, access, option):
        venue.faults.next("list", "drop_before")
        with pytest.raises(Refused) as refusal:
            broker.submit(access, option())
        assert refusal.value.code == "no_instruments"
        broker.submit(access, option())
        assert len(venue.exchange.orders) == 1

    def test_without_the_list_of_options_nothing_is_told_of_them(
        self, broker, venue, access, option
    ):
        broker.submit(access, option())
        fresh = type(broker)()
        venue.faults.next("list", "drop_before")
        with pytest.raises(OutcomeUnknown):
            fresh.positions(access)
        assert self.held(fresh, access) == {self.ours(): 2}

    def test_the_list_of_options_is_fetched_once(self, broker, venue, access, option):
        for side in (Side.BUY, Side.SELL, Side.SHORT):
            broker.submit(access, option(side=side))
        assert self.held(broker, access) == {self.ours(): -2}
        assert len([path for _, path in venue.requests if "instrument" in path]) == 1


class OptionStreamConformance:
    """What a stream tells of options."""

    def test_what_becomes_of_an_option_is_told_as_we_call_it(
        self, broker, venue, access, option, socket, heard
    ):
        heard.connected(1)
        broker.submit(access, option(OrderType.LIMIT, quantity=3))
        venue.exchange.fill(self.only(venue), self.lot, "2.05")
        first, last = heard.updates(2)
        assert {one.order.symbol for one in (first, last)} == {self.ours()}
        assert (first.order.quantity, first.filled, last.filled) == (3, 0, 1)
