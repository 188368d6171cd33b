from __future__ import annotations

from types import MappingProxyType

import pytest

from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.binance import BinanceBroker
from brokers.choices import AssetType
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
