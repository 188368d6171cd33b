from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from threading import Timer
from time import sleep
from types import MappingProxyType, SimpleNamespace

import pytest
from ib_async import Future

from brokers.adapters.base import Change, OrderRef, OutcomeUnknown, Refused
from brokers.adapters.interactive_brokers import InteractiveBrokers
from brokers.adapters.interactive_brokers_contracts import symbol_told
from brokers.choices import AssetType, OrderType
from tests.venue.conformance import RemoteConformance
from tests.venue.exchange import Refusal
from tests.venue.interactive_brokers import ACCOUNT, GatewayVenue, Session
from tests.venue.option_conformance import OptionConformance
from tests.venue.options import FAR, NEAR, Listed


@pytest.fixture
def venue():
    with GatewayVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return InteractiveBrokers()


class TestInteractiveBrokers(RemoteConformance, OptionConformance):
    kind = "interactive_brokers"
    credentials = MappingProxyType(
        {"gateway": "127.0.0.1:7497", "client_id": "1", "account": ACCOUNT}
    )

    def test_order_ids_that_begin_anew_change_nothing(self, broker, venue, access, order):
        first = order()
        broker.submit(access, first)
        venue.numbers.clear()  # as a gateway that was restarted
        second = order()
        broker.submit(access, second)
        found = [broker.find(access, self.ref(each)) for each in (first, second)]
        assert len({each.broker_order_id for each in found}) == 2

    def test_a_client_id_that_another_process_uses_is_waited_for(
        self, broker, venue, access, order, settings
    ):
        settings.BROKER_TIMEOUT_S = 5
        venue.clients["1"] = SimpleNamespace(gone=lambda: False)
        Timer(0.15, venue.clients.clear).start()
        broker.submit(access, order())
        assert self.only(venue).status == "filled"

    def test_a_client_id_that_stays_in_use_is_a_proven_refusal(self, broker, venue, access, order):
        venue.clients["1"] = SimpleNamespace(gone=lambda: False)
        with pytest.raises(Refused, match="client id 1") as refusal:
            broker.submit(access, order())
        assert refusal.value.code == "not_connected"
        assert not venue.exchange.orders

    def test_orders_of_another_account_of_the_gateway_are_not_ours(
        self, broker, venue, access, order
    ):
        theirs = venue.account("DU2")
        theirs.prices["ACME"] = Decimal(100)
        waiting, filled = (
            theirs.place(
                client_id=f"theirs-{kind}", symbol="ACME", side="buy", type=kind,
                quantity=Decimal(3), limit=Decimal(50) if kind == "limit" else None, account="DU2",
            )
            for kind in ("limit", "market")
        )  # fmt: skip
        assert broker.open_orders(access) == []
        assert broker.positions(access) == []
        for one in (waiting, filled):
            assert broker.find(access, OrderRef(one.client_id, "ACME")) is None
            with pytest.raises(Refused):
                broker.cancel(access, OrderRef(one.client_id, "ACME"))
        request = order()
        broker.submit(access, request)
        assert self.only(venue).account == ACCOUNT
        assert len(broker.find(access, self.ref(request)).executions) == 1

    def test_a_commission_comes_with_its_execution(self, broker, venue, access, order):
        request = order()
        broker.submit(access, request)
        (trade,) = venue.exchange.trades
        trade.commission = Decimal("1.25")
        (execution,) = broker.find(access, self.ref(request)).executions
        assert execution.commission == Decimal("1.25")

    def test_an_execution_that_was_corrected_counts_once(self, broker, venue, access, order):
        request = order()
        broker.submit(access, request)
        (trade,) = venue.exchange.trades
        trade.id = "0000e0d5.571e0fa3.01.01"
        (before,) = broker.find(access, self.ref(request)).executions
        right = replace(trade, id="0000e0d5.571e0fa3.01.02", price=Decimal("99.5"))
        venue.exchange.trades.append(right)
        (after,) = broker.find(access, self.ref(request)).executions
        assert after.execution_id == before.execution_id
        assert after.price == Decimal("99.5")

    def test_news_of_another_order_are_not_taken_for_the_answer_to_a_change(
        self, broker, venue, access, order, monkeypatch
    ):
        request, other = order(OrderType.LIMIT), order(OrderType.LIMIT)
        for one in (request, other):
            broker.submit(access, one)
        first, second = venue.exchange.orders.values()

        def refused(session, number, fields):
            session.tell(second)  # as if it were filled in part
            session.tell(first)
            sleep(0.05)
            raise Refusal("price", "The price is not possible")

        monkeypatch.setattr(Session, "place", refused)
        wanted = Change(
            request.client_order_id, OrderType.LIMIT, request.time_in_force, Decimal(7),
            limit_price=Decimal("96.5"),
        )  # fmt: skip
        with pytest.raises(Refused, match="not possible"):
            broker.replace(access, self.ref(request), wanted)

    def test_only_gateways_of_the_installation_are_connected_to(
        self, broker, access, order, settings
    ):
        settings.BROKER_URLS = {}
        settings.IB_GATEWAYS = ("127.0.0.1:1",)
        with pytest.raises(Refused, match="IB_GATEWAYS"):
            broker.submit(access, order())

    def test_an_adjusted_contract_is_not_taken_for_the_usual_one(self, broker, venue, access):
        adjusted = Listed("ACME", NEAR, "P", Decimal(100), root="ACME1", multiplier=Decimal(150))
        for symbol in (adjusted.symbol, self.ours(strike=Decimal(100))):
            venue.exchange.place(
                client_id="", symbol=symbol, side="buy", type="market", quantity=Decimal(2)
            )
        held = {row.symbol: row.average_price for row in broker.positions(access)}
        assert held == {adjusted.symbol: Decimal("2.5"), self.ours(strike=Decimal(100)): 2.5}

    def test_what_is_not_traded_here_is_not_called_as_a_share(self):
        assert symbol_told(Future("ES", "20261218")) == "ES.FUT"

    def test_a_refused_question_for_contracts_is_a_refusal(self, broker, venue, access):
        venue.faults.next("list", "rate_limit")
        with pytest.raises(Refused) as refusal:
            broker.contracts(access, underlying="ACME", first=NEAR, last=FAR)
        assert refusal.value.code == "rate_limited"

    def test_contracts_are_asked_for_a_few_expiries_at_a_time_and_once(
        self, broker, venue, access, monkeypatch
    ):
        monkeypatch.setattr("brokers.adapters.interactive_brokers.AT_ONCE", 1)
        # The share is described, then the first expiry; the connection breaks at the second.
        venue.faults.next("details", "", "", "drop_before")
        with pytest.raises(OutcomeUnknown):
            broker.contracts(access, underlying="ACME", first=NEAR, last=FAR)
        found = broker.contracts(access, underlying="ACME", first=NEAR, last=FAR)
        assert len(found) == 12
        assert broker.contracts(access, underlying="ACME", first=NEAR, last=FAR) == found
        days = [day for kind, day in venue.described if kind == "OPT"]
        assert days == [f"{day:%Y%m%d}" for day in (NEAR, FAR)], "each once"


class TestCurrencies(RemoteConformance, OptionConformance):
    """Pairs of currencies, at the banks' venue for them."""

    kind = "interactive_brokers"
    symbol = venue_symbol = "EURUSD"
    asset_type = AssetType.FOREX
    credentials = TestInteractiveBrokers.credentials

    @pytest.fixture(autouse=True)
    def _underlying(self, venue):
        venue.exchange.prices["ACME"] = Decimal(100)

    @pytest.mark.parametrize("symbol", ["EURUSD", "EUR/USD", "EUR.USD", "EUR-USD", "EURUSD=X"])
    def test_a_pair_is_the_same_by_whatever_name(self, broker, venue, access, order, symbol):
        venue.exchange.prices["EURUSD"] = Decimal("1.1")
        request = order(symbol=symbol, quantity=30_000)
        broker.submit(access, request)
        assert self.only(venue).symbol == "EURUSD"
        assert {row.symbol: row.quantity for row in broker.positions(access)} == {"EURUSD": 30_000}
        assert broker.capabilities.alike(symbol) == "EURUSD"

    @pytest.mark.parametrize("symbol", ["USDJPY", "USD/JPY", "USDJPY=X", "JPY=X"])
    def test_what_a_dollar_costs_is_called_by_the_other_currency(
        self, broker, venue, access, order, symbol
    ):
        venue.exchange.prices["USDJPY"] = Decimal("150.005")
        broker.submit(access, order(symbol=symbol))
        assert self.only(venue).symbol == "USDJPY"

    @pytest.mark.parametrize("symbol", ["ACME", "EUREUR", "DXY", "EUR/USD/JPY"])
    def test_what_is_no_pair_is_not_sent(self, broker, venue, access, order, symbol):
        with pytest.raises(Refused) as refusal:
            broker.submit(access, order(symbol=symbol))
        assert refusal.value.code == "not_a_pair"
        assert not venue.exchange.orders

    @pytest.mark.parametrize(
        ("symbol", "good", "bad"),
        [("EURUSD", "1.10005", "1.10003"), ("USDJPY", "150.005", "150.003")],
    )
    def test_a_pairs_step_is_that_which_the_venue_takes(
        self, broker, venue, access, order, symbol, good, bad
    ):
        venue.exchange.prices[symbol] = Decimal(200)
        offer = broker.capabilities.of(AssetType.FOREX)
        step = offer.tick_of(symbol, Decimal("0.00001"))
        assert (Decimal(good) % step, Decimal(bad) % step > 0) == (0, True)
        for price in (good, bad):
            request = order(OrderType.LIMIT, symbol=symbol, limit_price=Decimal(price))
            if price == good:
                told = broker.submit(access, request)
                assert broker.find(access, self.ref(request, told)).limit_price == Decimal(good)
            else:
                with pytest.raises(Refused, match="minimum price variation"):
                    broker.submit(access, request)

    def test_a_coarser_step_of_the_instrument_counts(self, broker):
        offer = broker.capabilities.of(AssetType.FOREX)
        assert offer.tick_of("EURUSD", Decimal("0.0001")) == Decimal("0.0001")

    @pytest.mark.parametrize(
        ("charged_in", "commission", "told_in"),
        [("USD", 2, ""), ("EUR", Decimal("2.2"), "EUR"), ("CHF", None, "CHF")],
    )
    def test_a_commission_in_either_currency_is_counted_in_that_of_the_price(
        self, broker, venue, access, order, charged_in, commission, told_in
    ):
        venue.exchange.prices["EURUSD"] = Decimal("1.1")
        request = order()
        broker.submit(access, request)
        (trade,) = venue.exchange.trades
        trade.commission, trade.charged_in = Decimal(2), charged_in
        (execution,) = broker.find(access, self.ref(request)).executions
        assert (execution.commission, execution.charged_in) == (commission, told_in)

    def test_an_odd_lot_is_a_remark_and_no_refusal(self, broker, venue, access, order):
        assert broker.submit(access, order(quantity=500)).broker_order_id
        assert self.only(venue).quantity == 500
