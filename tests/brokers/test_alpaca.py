from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.adapters.alpaca import AlpacaBroker
from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.dispatch import account_send
from brokers.models import Order, Position
from brokers.reconciling import account_reconcile
from brokers.services.orders import order_create
from market.models import Instrument
from tests.brokers.at_alpaca import alpaca_account, alpaca_served
from tests.venue.alpaca import AlpacaVenue
from tests.venue.conformance import Conformance, RemoteConformance
from tests.venue.option_conformance import OptionConformance, OptionStreamConformance
from tests.venue.options import FAR, NEAR
from tests.venue.socket import AlpacaSocket
from tests.venue.streaming import StreamConformance


@pytest.fixture
def venue():
    with AlpacaVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return AlpacaBroker()


class TestAlpaca(RemoteConformance, OptionConformance, StreamConformance, OptionStreamConformance):
    kind = "alpaca"
    socket_class = AlpacaSocket
    credentials = MappingProxyType({"key_id": "key", "secret": "secret"})

    def test_an_id_that_is_there_already_is_looked_up_not_taken_for_a_refusal(
        self, broker, venue, access, order
    ):
        request = order()
        broker.submit(access, request)
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        assert len(venue.exchange.orders) == 1

    def test_an_answer_about_another_order_is_none(self, broker, venue, access, order, monkeypatch):
        other = order()
        broker.submit(access, other)
        (there,) = venue.exchange.orders.values()
        request = order()
        monkeypatch.setattr(venue, "_place", lambda _: there)
        monkeypatch.setattr(venue.exchange, "by_client_id", lambda _: [there])
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, request)
        with pytest.raises(OutcomeUnknown):
            broker.find(access, self.ref(request))
        assert broker.find(access, self.ref(other)).client_order_id == other.client_order_id

    def test_fractions_of_a_share_keep_their_digits(self, broker, venue, access, order):
        broker.submit(access, order(quantity="0.12345678"))
        assert self.only(venue).quantity == Decimal("0.12345678")

    @pytest.mark.parametrize("symbol", ["BTC/USD", "SHIB/USDT", "ETH/BTC"])
    def test_coins_are_called_in_positions_as_in_orders(self, broker, venue, access, order, symbol):
        venue.exchange.prices[symbol] = Decimal(10)
        coins = {"asset_type": AssetType.CRYPTO, "time_in_force": TimeInForce.GTC}
        broker.submit(access, order(symbol=symbol, **coins))
        assert {row.symbol: row.quantity for row in broker.positions(access)} == {symbol: 10}

    def test_the_library_repeats_nothing(self, broker, venue, access, order):
        venue.faults.next("submit", "error_before", "error_before")
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, order())
        assert venue.requests.count(("POST", "/v2/orders")) == 1

    def test_an_option_order_says_whether_it_opens_or_closes(
        self, broker, venue, access, option, order
    ):
        for side in (Side.BUY, Side.SELL, Side.SHORT, Side.COVER):
            broker.submit(access, option(side=side))
        broker.submit(access, order())
        assert [each.intent for each in venue.exchange.orders.values()] == [
            "buy_to_open", "sell_to_close", "sell_to_open", "buy_to_close", "",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "changes",
        [
            {"side": Side.SELL},
            {"side": Side.COVER},
            {"quantity": "1.5"},
            {"time_in_force": TimeInForce.IOC},
            {"order_type": OrderType.TRAILING_STOP},
            {"side": Side.SHORT, "right": "C"},
        ],
    )
    def test_what_is_refused_of_options_is_a_proven_refusal(
        self, broker, venue, access, option, changes
    ):
        symbol = self.ours(right=changes.pop("right", "P"))
        with pytest.raises(Refused, match="Alpaca: "):
            broker.submit(access, option(symbol=symbol, **changes))
        assert not venue.exchange.orders

    def test_what_an_account_may_not_do_is_not_taken_for_wrong_credentials(
        self, broker, venue, access, order, option
    ):
        for request in (
            order(quantity=10**8),
            option(symbol=self.ours(right="C"), side=Side.SHORT),
        ):
            with pytest.raises(Refused) as refusal:
                broker.submit(access, request)
            assert refusal.value.code == "not_allowed"

    def test_a_long_list_of_contracts_comes_page_by_page(self, broker, venue, access):
        venue.page = 4
        found = broker.contracts(access, underlying="ACME", first=NEAR, last=FAR)
        assert len(found) == 12
        assert venue.requests.count(("GET", "/v2/options/contracts")) == 4

    def test_a_list_that_breaks_off_is_not_taken_for_a_whole_one(self, broker, venue, access):
        venue.page = 4
        venue.faults.next("list", "", "error_before")
        with pytest.raises(OutcomeUnknown):
            broker.contracts(access, underlying="ACME", first=NEAR, last=FAR)

    def test_an_order_that_is_done_for_the_day_waits_for_the_next(
        self, broker, venue, access, order
    ):
        request = order(OrderType.STOP, time_in_force=TimeInForce.GTC)
        told = broker.submit(access, request)
        there = self.only(venue)
        there.status = "done_for_day"
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.ACCEPTED
        venue.exchange.fill(there, 10, "110")
        assert broker.find(access, self.ref(request, told)).status == OrderStatus.FILLED

    def test_an_order_of_several_legs_is_told_as_its_legs(self, broker, venue, access):
        shown = venue.shown

        def several(order):
            leg = shown(order) | {"id": f"leg-{order.id}", "position_intent": "sell_to_open"}
            return shown(order) | {"symbol": "", "side": "", "position_intent": "", "legs": [leg]}

        venue.shown = several
        venue.exchange.place(
            client_id="", symbol=self.theirs(), side="sell", type="limit", quantity=Decimal(1),
            limit=Decimal(9), intent="sell_to_open",
        )  # fmt: skip
        (found,) = broker.open_orders(access)
        assert (found.symbol, found.side) == (self.ours(), Side.SHORT)
        assert (found.broker_order_id[:4], found.status) == ("leg-", OrderStatus.ACCEPTED)


@pytest.mark.django_db
def test_an_order_of_others_for_an_amount_of_money_is_taken_over(user, settings):
    with alpaca_served(settings, "ACME") as venue:
        account = alpaca_account(user)
        theirs = venue.exchange.place(
            client_id="by-hand", symbol="ACME", side="buy", type="limit",
            quantity=Decimal("5.2631"), limit=Decimal(95), notional=Decimal(500),
        )  # fmt: skip
        assert account_reconcile(account_id=account.id)
        order = Order.objects.get()
        assert (order.external, order.status) == (True, OrderStatus.ACCEPTED)
        assert order.quantity > theirs.quantity, "nobody knows how many they will be"
        for quantity in ("3", "2.2631"):
            venue.exchange.fill(theirs, quantity, "95")
            assert account_reconcile(account_id=account.id)
    order.refresh_from_db()
    account.refresh_from_db()
    assert (order.status, order.quantity) == (OrderStatus.FILLED, Decimal("5.2631"))
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])


class TestAlpacaCoins(Conformance):
    kind = "alpaca"
    symbol = venue_symbol = "BTC/USD"
    asset_type = AssetType.CRYPTO
    credentials = MappingProxyType({"key_id": "key", "secret": "secret"})

    def test_what_is_not_offered_would_be_refused(self, broker, venue, access, order):
        for changes in (
            {"time_in_force": TimeInForce.DAY},
            {"order_type": OrderType.STOP},
            {"side": Side.SELL},
        ):
            with pytest.raises(Refused):
                broker.submit(access, order(**changes))
        assert not venue.exchange.orders


@pytest.mark.django_db
@pytest.mark.parametrize("rate", ["0.0025", "0.0015"])
def test_a_commission_on_coins_leaves_a_position_that_can_be_sold(user, settings, rate):
    Instrument.objects.create(symbol="BTC/USD", asset_class="crypto", calendar="24/7")
    with alpaca_served(settings, "BTC/USD") as venue:
        venue.coin_fee = Decimal(rate)
        account = alpaca_account(user)
        for side, quantity in ((Side.BUY, "2"), (Side.SELL, "1.995")):
            order = order_create(
                account=account, symbol="BTC/USD", asset_type=AssetType.CRYPTO, side=side,
                order_type=OrderType.MARKET, quantity=Decimal(quantity),
            )  # fmt: skip
            account_send(account_id=account.id)
            assert account_reconcile(account_id=account.id)
            order.refresh_from_db()
            assert order.status == OrderStatus.FILLED, order.reason
    account.refresh_from_db()
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])
    position = Position.objects.get()
    assert (position.quantity, position.realized_pnl) == (0, Decimal("-0.99875"))


@pytest.mark.django_db
def test_coins_that_are_there_at_first_are_the_accounts_and_those_that_go_are_missed(
    user, settings
):
    with alpaca_served(settings, "BTC/USD") as venue:
        venue.exchange.clock_ahead = -timedelta(hours=1)
        venue.exchange.place(
            client_id="", symbol="BTC/USD", side="buy", type="market", quantity=Decimal(3)
        )
        venue.exchange.clock_ahead = timedelta()
        account = alpaca_account(user)
        assert Position.objects.get().quantity == 3
        venue.exchange.trades[0].quantity = Decimal(2)  # one was sent elsewhere
        account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert account.mismatch == [{"symbol": "BTC/USD", "ours": "3", "theirs": "2"}]
