"""The latest prices: polled once a symbol, kept with their age, published once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import redis
import yfinance.base
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.test import APIClient

from core.realtime.topics import topic_known
from market import polling, quotes, tasks
from market.archive import history_store
from market.intervals import interval_get
from market.memory import memory
from market.models import Instrument
from market.providers.ccxt import CcxtProvider
from market.providers.yfinance import YFinanceProvider
from market.quotes import Quote, quote_get, quotes_age, quotes_put, quotes_want, quotes_wanted
from tests.market.exchanges import Binance, utc
from tests.market.loopback import served
from tests.market.yahoo import Quotes, yahoo_server

NOW = datetime(2026, 1, 31, 14, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _empty(settings):
    settings.REDIS_NAMESPACE = f"quotes-{id(object())}"
    settings.PROVIDER_RATES = {}
    settings.PROVIDER_TIMEOUT_S = 1
    yield
    client = memory()
    for key in client.scan_iter(f"{settings.REDIS_NAMESPACE}:*"):
        client.delete(key)


def quote(price: str = "100.5", **changes) -> Quote:
    fields = {
        "symbol": "BTC/USDT",
        "price": price,
        "traded_at": NOW - timedelta(seconds=2),
        "asked_at": NOW,
        "provider": "ccxt",
    }
    return Quote(**(fields | changes))


@pytest.fixture
def heard():
    """What is published of BTC/USDT."""
    listener = memory().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(quotes.channel_of("BTC/USDT"))
    # The answer to the subscription itself.
    listener.get_message(timeout=1)

    def take() -> list[dict]:
        found = []
        while (message := listener.get_message(timeout=0.2)) is not None:
            found.append(json.loads(message["data"]))
        return found

    yield take
    listener.close()


def test_a_quote_is_kept_with_its_age_and_grows_stale():
    quotes_put([quote()], now=NOW)
    kept = quote_get("BTC/USDT")
    assert kept == quote()
    fresh = kept.as_data(now=NOW + timedelta(seconds=30))
    assert (fresh["age_s"], fresh["stale"], fresh["price"]) == (30.0, False, "100.5")
    assert kept.as_data(now=NOW + timedelta(seconds=61))["stale"] is True
    assert quote_get("ETH/USDT") is None


def test_only_news_are_published_once_for_all_who_listen(heard):
    quotes_put([quote()], now=NOW)
    quotes_put([quote(asked_at=NOW + timedelta(seconds=10))], now=NOW + timedelta(seconds=10))
    quotes_put([quote("101.0")], now=NOW + timedelta(seconds=20))
    frames = heard()
    assert [frame["data"]["price"] for frame in frames] == ["100.5", "101.0"]
    assert frames[0]["topic"] == "quotes:BTC/USDT"
    assert frames[0]["type"] == "quote"
    assert topic_known(frames[0]["topic"])


def test_what_is_wanted_is_forgotten_after_ten_minutes():
    quotes_want(["MSFT", "AAPL"], now=NOW)
    quotes_want(["AAPL"], now=NOW + timedelta(minutes=5))
    assert quotes_wanted(now=NOW + timedelta(minutes=9)) == ["AAPL", "MSFT"]
    assert quotes_wanted(now=NOW + timedelta(minutes=11)) == ["AAPL"]
    assert quotes_wanted(now=NOW + timedelta(minutes=16)) == []


def test_a_quote_that_is_not_renewed_is_said_to_be_stale_once(heard):
    quotes_put([quote()], now=NOW)
    assert heard()[0]["data"]["stale"] is False
    quotes_age(["BTC/USDT"], now=NOW + timedelta(seconds=59))
    assert heard() == []
    for seconds in (61, 70):
        quotes_age(["BTC/USDT", "ETH/USDT"], now=NOW + timedelta(seconds=seconds))
    (frame,) = heard()
    assert frame["data"]["stale"] is True
    assert frame["data"]["age_s"] == 61.0
    quotes_put([quote(asked_at=NOW + timedelta(seconds=80))], now=NOW + timedelta(seconds=80))
    assert heard()[0]["data"]["stale"] is False


def test_without_redis_there_are_no_quotes_and_no_faults(monkeypatch):
    gone = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 1))
    monkeypatch.setattr(quotes, "memory", lambda: gone)
    began = time.monotonic()
    quotes_put([quote()], now=NOW)
    quotes_want(["AAPL"], now=NOW)
    assert quote_get("BTC/USDT") is None
    assert quotes_wanted(now=NOW) == []
    assert not quotes.poll_claim(seconds=5)
    assert time.monotonic() - began < 1


class Tickers(Binance):
    def answer(self, path, query):
        if not path.endswith("/ticker/24hr"):
            return super().answer(path, query)
        symbols = json.loads(query.get("symbols", "[]")) or [query["symbol"]]
        return 200, [
            {
                "symbol": symbol,
                "lastPrice": "42000.10",
                "openPrice": "41000",
                "highPrice": "43000",
                "lowPrice": "40000",
                "volume": "1",
                "quoteVolume": "1",
                "bidPrice": "1",
                "askPrice": "2",
                "closeTime": int(utc("2026-01-31T14:29:58").timestamp() * 1000),
                "openTime": 0,
                "weightedAvgPrice": "1",
                "prevClosePrice": "1",
                "priceChange": "1",
                "priceChangePercent": "1",
                "count": 1,
            }
            for symbol in symbols
        ]


@pytest.fixture
def binance(settings):
    with served(Tickers()) as server:
        settings.CCXT_URL = server.url
        yield server


@pytest.fixture
def bitcoin(db, make_history) -> Instrument:
    instrument = Instrument.objects.create(symbol="BTC/USDT", calendar="24/7", timezone="UTC")
    history_store(
        instrument=instrument,
        interval=interval_get("1d"),
        provider="ccxt",
        history=make_history(3),
    )
    return instrument


def asked(server) -> list[dict]:
    return [query for path, query in server.asked if path.endswith("/ticker/24hr")]


def test_an_exchange_is_asked_for_all_symbols_at_once(binance):
    found = CcxtProvider().quotes(["BTC/USDT", "ETH/USDT", "NO/SUCH"])
    assert {symbol: trade.price for symbol, trade in found.items()} == {
        "BTC/USDT": "42000.1",
        "ETH/USDT": "42000.1",
    }
    assert found["BTC/USDT"].traded_at == utc("2026-01-31T14:29:58")
    assert len(asked(binance)) == 1


def test_yahoo_is_asked_for_the_price_of_the_day(settings, monkeypatch):
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 2)
    with yahoo_server() as server:
        settings.YFINANCE_URL, settings.YFINANCE_TIMEOUT_S = server.url, 2
        opened = int(utc("2024-01-02T14:30").timestamp())
        known = Quotes([(opened, 1.0, 2.0, 0.5, 1.5, 10)])
        known.meta |= {"regularMarketPrice": 187.25, "regularMarketTime": opened + 60}
        server.quotes[("AAPL", "1d")] = known
        found = YFinanceProvider().quotes(["AAPL"])
    assert (found["AAPL"].price, found["AAPL"].traded_at) == ("187.25", utc("2024-01-02T14:31"))


def test_a_symbol_that_somebody_looks_at_is_polled_by_one_worker_and_shown(
    binance, bitcoin, user, heard
):
    api = APIClient()
    api.force_authenticate(user)
    assert api.get("/api/v1/market/BTC/USDT").json()["quote"] is None
    # Looking at it made it wanted, by the clock on the wall.
    assert polling.quotes_poll(now=datetime.now(tz=UTC)) == 1
    shown = api.get("/api/v1/market/BTC/USDT").json()["quote"]
    assert shown["price"] == "42000.1"
    assert shown["provider"] == "ccxt"
    # A second worker within the same seconds asks nobody.
    assert polling.quotes_poll(now=datetime.now(tz=UTC)) == 0
    assert len(asked(binance)) == 1
    assert len(heard()) == 1


def test_nobody_is_asked_for_what_nobody_wants(binance, bitcoin):
    assert polling.quotes_poll(now=NOW) == 0
    tasks.poll()
    assert binance.asked == []


def test_a_provider_that_fails_leaves_the_last_quote_to_grow_old(binance, bitcoin, monkeypatch):
    quotes_put([quote()], now=NOW)
    quotes_want(["BTC/USDT", "UNKNOWN"], now=NOW)
    monkeypatch.setattr(Tickers, "answer", lambda *_: (500, {"code": -1000, "msg": "no"}))
    assert polling.quotes_poll(now=NOW) == 0
    assert quote_get("BTC/USDT").as_data(now=NOW + timedelta(minutes=2))["stale"] is True
