from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.adapters.alpaca import AlpacaBroker
from brokers.adapters.base import OutcomeUnknown
from brokers.choices import AssetType
from tests.venue.alpaca import AlpacaVenue
from tests.venue.conformance import RemoteConformance
from tests.venue.socket import AlpacaSocket
from tests.venue.streaming import StreamConformance


@pytest.fixture
def venue():
    with AlpacaVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return AlpacaBroker()


class TestAlpaca(RemoteConformance, StreamConformance):
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

    def test_fractions_of_a_share_keep_their_digits(self, broker, venue, access, order):
        broker.submit(access, order(quantity="0.12345678"))
        assert self.only(venue).quantity == Decimal("0.12345678")

    @pytest.mark.parametrize("symbol", ["BTC/USD", "SHIB/USDT", "ETH/BTC"])
    def test_coins_are_called_in_positions_as_in_orders(self, broker, venue, access, order, symbol):
        venue.exchange.prices[symbol] = Decimal(10)
        broker.submit(access, order(symbol=symbol, asset_type=AssetType.CRYPTO))
        assert {row.symbol: row.quantity for row in broker.positions(access)} == {symbol: 10}

    def test_the_library_repeats_nothing(self, broker, venue, access, order):
        venue.faults.next("submit", "error_before", "error_before")
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, order())
        assert venue.requests.count(("POST", "/v2/orders")) == 1
