from __future__ import annotations

from types import MappingProxyType

import pytest

from brokers.adapters.base import Refused
from brokers.adapters.dhan import DhanBroker
from tests.venue.conformance import RemoteConformance
from tests.venue.dhan import DhanVenue
from tests.venue.option_conformance import IndianOptionConformance, OptionStreamConformance
from tests.venue.socket import DhanSocket
from tests.venue.streaming import StreamConformance


@pytest.fixture
def venue():
    with DhanVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return DhanBroker()


class TestDhan(
    RemoteConformance, IndianOptionConformance, StreamConformance, OptionStreamConformance
):
    kind = "dhan"
    socket_class = DhanSocket
    tells_refusal = False
    symbol = "ACME.NS"
    venue_symbol = "ACME"
    trades_numbered_by_order = True
    credentials = MappingProxyType({"client_id": "1000", "access_token": "token"})

    def test_without_the_list_of_shares_nothing_is_sent(self, broker, venue, access, order):
        venue.faults.next("list", "drop_before")
        with pytest.raises(Refused):
            broker.submit(access, order())
        broker.submit(access, order())
        assert len(venue.exchange.orders) == 1
