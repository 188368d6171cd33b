from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest

from brokers.adapters.alpaca import AlpacaBroker
from brokers.adapters.base import OutcomeUnknown
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

    def test_the_library_repeats_nothing(self, broker, venue, access, order):
        venue.faults.next("submit", "error_before", "error_before")
        with pytest.raises(OutcomeUnknown):
            broker.submit(access, order())
        assert venue.requests.count(("POST", "/v2/orders")) == 1
