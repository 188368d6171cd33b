from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest
from ib_async import Future

from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.interactive_brokers import InteractiveBrokers
from brokers.adapters.interactive_brokers_options import symbol_told
from tests.venue.conformance import RemoteConformance
from tests.venue.interactive_brokers import ACCOUNT, GatewayVenue
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
