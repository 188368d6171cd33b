from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.access import credentials_seal
from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.binance import BinanceBroker
from brokers.adapters.charges import Uncharged
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order, Position
from brokers.reconciling import account_reconcile
from brokers.services.orders import order_create
from core.errors import InvalidInput
from market.models import Instrument
from tests.venue.binance import BinanceVenue
from tests.venue.conformance import RemoteConformance
from tests.venue.socket import BinanceSocket
from tests.venue.streaming import StreamConformance


@pytest.fixture
def venue():
    with BinanceVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return BinanceBroker()


class TestBinance(RemoteConformance, StreamConformance):
    kind = "binance"
    socket_class = BinanceSocket
    tells_executions = True
    symbol = "BTC/USDT"
    venue_symbol = "BTCUSDT"
    asset_type = AssetType.CRYPTO
    credentials = MappingProxyType({"api_key": "key", "secret": "secret"})

    def test_a_clock_that_differs_is_set_by_the_venues(self, broker, venue, access, order):
        venue.clock_ahead_ms = -3_600_000
        broker.submit(access, order())
        assert len(venue.exchange.orders) == 1

    def test_a_clock_that_runs_away_is_a_proven_refusal_and_set_again(
        self, broker, venue, access, order
    ):
        broker.submit(access, order())
        venue.clock_ahead_ms = 3_600_000
        with pytest.raises(Refused) as refusal:
            broker.submit(access, order())
        assert refusal.value.code == "clock_skew"
        broker.submit(access, order())
        assert len(venue.exchange.orders) == 2

    def test_execution_status_unknown_is_judged_by_its_code(
        self, broker, venue, access, order, monkeypatch
    ):
        place = venue._place

        def taken_and_timed_out(fields):
            place(fields)
            raise LookupError

        def handle(method, path, query, raw, headers):
            try:
                return BinanceVenue.handle(venue, method, path, query, raw, headers)
            except LookupError:
                return 400, {"code": -1007, "msg": "Timeout. Send status unknown."}

        monkeypatch.setattr(venue, "_place", taken_and_timed_out)
        monkeypatch.setattr(venue, "handle", handle)
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, order())
        assert len(venue.exchange.orders) == 1

    def test_a_commission_in_the_coin_is_taken_out_of_what_was_bought(
        self, broker, venue, access, order
    ):
        venue.fee = Decimal("0.001")
        request = order()
        for told in (broker.submit(access, request), broker.find(access, self.ref(request))):
            (execution,) = {each.execution_id: each for each in told.executions}.values()
            assert (execution.quantity, execution.taken) == (10, Decimal("0.01"))
            assert (execution.commission, execution.charged_in) == (1, "BTC")
        assert {row.quantity for row in broker.positions(access)} == {Decimal("9.99")}

    def test_a_commission_in_money_is_what_it_is(self, broker, venue, access, order):
        broker.submit(access, order())
        venue.fee = Decimal("0.001")
        told = broker.submit(access, order(side=Side.SELL, quantity=4))
        (execution,) = told.executions
        assert (execution.commission, execution.taken, execution.charged_in) == (
            Decimal("0.4"),
            0,
            "",
        )

    def test_a_commission_in_another_coin_counts_by_its_price(self, broker, venue, access, order):
        venue.fee, venue.fee_coin = Decimal("0.001"), "BNB"
        request = order()
        assert broker.submit(access, request).executions == (), "what it was worth is asked for"
        found = broker.find(access, self.ref(request))
        (execution,) = {each.execution_id: each for each in found.executions}.values()
        assert (execution.quantity, execution.taken) == (10, 0)
        assert (execution.commission, execution.charged_in) == (1, "BNB")

    def test_what_another_coin_was_worth_may_stay_unknown_and_the_fill_counts(
        self, broker, venue, access, order
    ):
        venue.fee, venue.fee_coin = Decimal("0.001"), "BNB"
        venue.faults.next("prices", "error_before", "error_before")
        request = order()
        broker.submit(access, request)
        (execution,) = set(broker.find(access, self.ref(request)).executions)
        assert (execution.quantity, execution.commission, execution.charged_in) == (10, None, "BNB")
        assert broker.commissions(access, [Uncharged(self.ref(request), ())]) == {
            execution.execution_id: 1
        }


@pytest.fixture
def account(user, settings, venue):
    """An account with one BTC/USDT that was bought, of which a commission was taken."""
    settings.BROKER_URLS, settings.BROKER_RATES = {"binance": venue.url}, {}
    venue.exchange.prices |= {"BTCUSDT": Decimal(100), "BTCEUR": Decimal(90)}
    venue.fee = Decimal("0.01")
    for symbol, quote in (("BTC/USDT", "USD"), ("BTC/EUR", "EUR")):
        Instrument.objects.create(
            symbol=symbol, asset_class="crypto", currency=quote, lot_size=Decimal("0.001")
        )
    account = BrokerAccount(owner=user, kind="binance", name="Binance")
    account.sealed = credentials_seal(account, dict(TestBinance.credentials))
    account.save()
    traded(account, Side.BUY, "1")
    return account


def traded(account, side, quantity, symbol="BTC/USDT"):
    order = order_create(
        account=account, symbol=symbol, asset_type=AssetType.CRYPTO, side=side,
        order_type=OrderType.MARKET, quantity=Decimal(quantity),
    )  # fmt: skip
    account_send(account_id=account.id)
    order.refresh_from_db()
    return order


def test_a_position_is_what_the_commission_left_and_can_be_sold(account):
    order = Order.objects.get()
    position = Position.objects.get()
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, 1)
    assert (position.quantity, position.average_price) == (Decimal("0.99"), 100)
    assert position.realized_pnl == -1, "what was taken, at the price of the purchase"
    assert account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])
    assert traded(account, Side.SELL, "0.99").status == OrderStatus.FILLED
    position.refresh_from_db()
    assert position.quantity == 0
    assert position.realized_pnl == Decimal("-1.99"), "and a hundredth of the sale"


def test_pairs_with_another_quote_are_refused_and_halt_nothing(account, venue):
    with pytest.raises(InvalidInput, match="quoted in USDT here, not BTC/EUR"):
        traded(account, Side.BUY, "1", symbol="BTC/EUR")
    theirs = venue.exchange.place(
        client_id="by-hand", symbol="BTCEUR", side="buy", type="limit", quantity=Decimal(2),
        limit=Decimal(80),
    )  # fmt: skip
    account_reconcile(account_id=account.id)
    venue.exchange.fill(theirs, 2, "80")
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])
    held = dict(Position.objects.values_list("symbol", "quantity"))
    assert held == {"BTC/USDT": Decimal("0.99"), "BTC/EUR": Decimal("1.98")}


def test_coins_that_are_gone_halt_the_account(account, venue):
    venue.exchange.place(
        client_id="", symbol="BTCUSDT", side="sell", type="market", quantity=Decimal("0.5")
    )
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    assert account.state == AccountState.HALTED
    assert account.mismatch == [{"symbol": "BTC/USDT", "ours": "0.99", "theirs": "0.49"}]
