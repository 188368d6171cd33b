from __future__ import annotations

from types import MappingProxyType

import pytest

from brokers.adapters.base import Refused
from brokers.adapters.interactive_brokers import InteractiveBrokers
from tests.venue.conformance import RemoteConformance
from tests.venue.interactive_brokers import ACCOUNT, GatewayVenue


@pytest.fixture
def venue():
    with GatewayVenue().running() as venue:
        yield venue


@pytest.fixture
def broker():
    return InteractiveBrokers()


class TestInteractiveBrokers(RemoteConformance):
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
