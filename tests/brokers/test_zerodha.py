from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.adapters.base import Refused
from brokers.adapters.zerodha import ZerodhaBroker
from brokers.choices import Side
from tests.venue.conformance import RemoteConformance
from tests.venue.option_conformance import IndianOptionConformance, OptionStreamConformance
from tests.venue.socket import ZerodhaSocket
from tests.venue.streaming import StreamConformance
from tests.venue.zerodha import ZerodhaVenue


@pytest.fixture
def venue():
    with ZerodhaVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return ZerodhaBroker()


class TestZerodha(
    RemoteConformance, IndianOptionConformance, StreamConformance, OptionStreamConformance
):
    kind = "zerodha"
    socket_class = ZerodhaSocket
    symbol = "ACME.NS"
    venue_symbol = "ACME"
    trades_numbered_by_order = True
    credentials = MappingProxyType({"api_key": "key", "access_token": "token"})

    def test_a_share_without_its_exchange_is_refused_before_it_is_sent(
        self, broker, venue, access, order
    ):
        with pytest.raises(Refused, match="names no exchange"):
            broker.submit(access, order(symbol="ACME"))
        assert not venue.requests

    def test_a_share_is_sold_short_within_the_day(self, broker, venue, access, order):
        broker.submit(access, order(side=Side.SHORT))
        assert {row.quantity for row in broker.positions(access)} == {-10}

    def test_a_future_is_no_option(self, broker, venue, access):
        venue.exchange.prices["ACME26DECFUT"] = 100
        venue.exchange_of = lambda _: "NFO"
        venue.exchange.place(
            client_id="", symbol="ACME26DECFUT", side="buy", type="market", quantity=Decimal(75)
        )
        held = {row.symbol: row.quantity for row in broker.positions(access)}
        assert held == {"ACME26DECFUT.NFO": 75}
