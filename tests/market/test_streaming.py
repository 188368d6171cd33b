"""Prices as they happen: one connection a provider, opened again when it breaks, or polled."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core.loop_thread import FIRST_PAUSE_S, LONGEST_PAUSE_S, pause_after
from market import checks, polling, streaming, tasks
from market.archive import history_store
from market.intervals import interval_get
from market.lines import Lines
from market.memory import memory
from market.models import Instrument
from market.providers.alpaca import AlpacaProvider
from market.providers.base import LastTrade
from market.providers.kinds import STREAMS, stream_get
from market.quote_sources import QuoteSource, quote_sources
from market.quotes import Quote, quote_get, quotes_streamed, quotes_want, streamed_put
from market.services.keys import key_store
from market.stream_lease import is_leased, lease_break, lease_end, lease_renew, lease_take
from market.streaming import quotes_stream, stream_due
from tests.market.exchanges import Binance
from tests.market.loopback import Source, served
from tests.market.sockets import AlpacaSocket, BinanceSocket, eventually, listening

AT = datetime(2024, 1, 5, 20, 59, 58, 250_000, tzinfo=UTC)
KEYS = {"key_id": "AK1", "secret": "s"}


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.REDIS_NAMESPACE = f"streams-{id(object())}"
    settings.PROVIDER_RATES = {}
    settings.PROVIDER_TIMEOUT_S = 2
    yield
    client = memory()
    for key in client.scan_iter(f"{settings.REDIS_NAMESPACE}:*"):
        client.delete(key)


@pytest.fixture
def alpaca(settings):
    with listening(AlpacaSocket()) as server:
        settings.ALPACA_DATA_URL = server.url
        yield server


@pytest.fixture
def binance(settings):
    with listening(BinanceSocket(source=Binance())) as server:
        settings.CCXT_URL = server.url
        yield server


def shares(*symbols, provider="alpaca") -> QuoteSource:
    return QuoteSource(provider, symbols, KEYS)


def coins(*symbols) -> QuoteSource:
    return QuoteSource("ccxt", symbols)


@pytest.fixture
def lines():
    with Lines(pause=lambda _: 0.02) as found:
        yield found


def heard(lines) -> dict[str, tuple[str, LastTrade]]:
    return {symbol: (provider, trade) for symbol, provider, trade in lines.take()}


def test_every_stream_in_the_table_can_be_made():
    for name in STREAMS:
        assert stream_get(name).name == name


def test_a_stream_that_is_not_there_is_told_at_the_start(monkeypatch):
    assert checks.streams_check() == []
    broken = {"ccxt": "market.providers.gone.Gone", "csv2": STREAMS["ccxt"]}
    monkeypatch.setattr(checks, "STREAMS", broken)
    assert [fault.id for fault in checks.streams_check()] == ["market.E003"] * 2


def test_trades_of_all_shares_come_over_one_connection_of_the_free_feed(alpaca, lines):
    alpaca.greets, alpaca.traded_at = {"AAPL": 187.25, "MSFT": 371.5}, AT
    lines.want([shares("AAPL", "MSFT")])
    found = {}
    eventually(lambda: found.update(heard(lines)) or len(found) == 2)
    assert found["AAPL"] == ("alpaca", LastTrade("187.25", AT))
    assert (alpaca.opened, alpaca.paths) == (1, ["/v2/iex"])


def test_the_feed_of_all_exchanges_is_a_variant(alpaca, lines):
    lines.want([shares("AAPL", provider="alpaca:sip")])
    eventually(lambda: alpaca.subscribed() == [["AAPL"]])
    assert alpaca.paths == ["/v2/sip"]


@pytest.mark.parametrize("kind", ["alpaca", "binance"])
def test_what_is_wanted_may_change_while_the_connection_stays_open(request, lines, kind):
    server = request.getfixturevalue(kind)
    first, second = ("AAPL", "MSFT") if kind == "alpaca" else ("BTC/USDT", "ETH/USDT")
    source = shares if kind == "alpaca" else coins
    names = [symbol.replace("/", "") for symbol in (first, second)]
    lines.want([source(first)])
    eventually(lambda: server.subscribed() == [names[:1]])
    lines.want([source(first, second)])
    eventually(lambda: server.subscribed() == [names])
    server.tell(names[1], 7.5, AT)
    eventually(lambda: second in heard(lines))
    assert server.opened == 1
    lines.want([])
    eventually(lambda: server.subscribed() == [])


def test_shares_that_nobody_wants_any_more_are_left(alpaca, lines):
    lines.want([shares("AAPL", "MSFT")])
    eventually(lambda: alpaca.subscribed() == [["AAPL", "MSFT"]])
    lines.want([shares("MSFT")])
    eventually(lambda: alpaca.subscribed() == [["MSFT"]])


@pytest.mark.parametrize("kind", ["alpaca", "binance"])
def test_a_connection_that_breaks_is_opened_again_with_all_its_symbols(request, lines, kind):
    server = request.getfixturevalue(kind)
    symbol = "AAPL" if kind == "alpaca" else "BTC/USDT"
    name = symbol.replace("/", "")
    lines.want([shares(symbol) if kind == "alpaca" else coins(symbol)])
    eventually(lambda: server.subscribed() == [[name]])
    server.tell(name, 1.5, AT)
    eventually(lambda: symbol in heard(lines))
    # The next three tries are refused.
    server.refuses = 3
    server.drop()
    eventually(lambda: server.opened == 5 and server.subscribed() == [[name]])
    server.tell(name, 2.5, AT)
    eventually(lambda: heard(lines).get(symbol, ("", None))[1] == LastTrade("2.5", AT))


def test_pauses_between_tries_double_up_to_a_minute_and_differ():
    for failures, usual in ((1, FIRST_PAUSE_S), (3, 4 * FIRST_PAUSE_S), (50, LONGEST_PAUSE_S)):
        pauses = [pause_after(failures) for _ in range(50)]
        assert 0.5 * usual <= min(pauses) < max(pauses) <= 1.5 * usual


def test_credentials_that_are_refused_are_not_tried_again_at_once(alpaca, lines):
    alpaca.key = "another"
    lines.want([shares("AAPL")])
    eventually(lambda: alpaca.opened == 1)
    time.sleep(0.3)
    assert alpaca.opened == 1


def test_a_refusal_in_words_ends_the_connection_and_another_try_follows(alpaca, lines):
    alpaca.error = (405, "symbol limit exceeded")
    lines.want([shares("AAPL")])
    eventually(lambda: alpaca.opened >= 2)
    alpaca.error = None
    eventually(lambda: alpaca.subscribed() == [["AAPL"]])


def test_an_exchange_tells_its_prices_over_one_connection(binance, lines):
    binance.greets, binance.traded_at = {"BTCUSDT": 42000.1, "ETHUSDT": 2500.0}, AT
    lines.want([coins("BTC/USDT", "ETH/USDT", "NO/SUCH")])
    found = {}
    eventually(lambda: found.update(heard(lines)) or len(found) == 2)
    assert found["BTC/USDT"] == ("ccxt", LastTrade("42000.1", AT))
    assert binance.opened == 1


@pytest.fixture
def apple(db, make_history) -> Instrument:
    instrument = Instrument.objects.create(symbol="AAPL", calendar="XNYS")
    history_store(
        instrument=instrument,
        interval=interval_get("1d"),
        provider="alpaca",
        history=make_history(3),
    )
    return instrument


@pytest.fixture
def staff(user):
    user.is_staff = True
    user.save()
    key_store(owner_id=user.id, provider="alpaca", values=KEYS)
    return user


def test_keys_of_staff_alone_bring_quotes_that_everybody_sees(apple, user, other_user):
    key_store(owner_id=other_user.id, provider="alpaca", values=KEYS)
    assert quote_sources(["AAPL"]) == []
    user.is_staff = True
    user.save()
    key_store(owner_id=user.id, provider="alpaca", values=KEYS)
    (source,) = quote_sources(["AAPL", "UNKNOWN"])
    assert (source.provider, source.symbols, source.credentials) == ("alpaca", ("AAPL",), KEYS)
    assert "AK1" not in repr(source)


def test_what_somebody_wants_is_listened_to_and_kept_and_not_polled(alpaca, apple, staff):
    alpaca.greets, alpaca.traded_at = {"AAPL": 187.25}, AT
    assert not stream_due(now=timezone.now())
    quotes_want(["AAPL"], now=timezone.now())
    assert stream_due(now=timezone.now())
    stop = threading.Thread(target=lambda: eventually(lambda: quote_get("AAPL")) and lease_break())
    stop.start()
    assert not quotes_stream(for_s=30)
    stop.join()
    quote = quote_get("AAPL")
    assert (quote.price, quote.traded_at, quote.provider) == ("187.25", AT, "alpaca")
    assert not is_leased()
    eventually(lambda: alpaca.lines == {})
    assert polling.quotes_poll(now=timezone.now()) == 0
    # Polled again once the stream has been quiet for a while: the server has no such answer.
    later = timezone.now() + timedelta(seconds=31)
    assert quotes_streamed(now=later) == set()


def test_a_worker_hands_over_after_a_while_if_somebody_still_wants_prices(alpaca, apple, staff):
    quotes_want(["AAPL"], now=timezone.now())
    assert quotes_stream(for_s=0.1)
    assert not is_leased()


def test_nobody_listens_where_nobody_wants_anything(alpaca, apple, staff):
    began = time.monotonic()
    assert not quotes_stream(for_s=30)
    assert time.monotonic() - began < 2
    assert (alpaca.opened, is_leased()) == (0, False)


def test_one_worker_listens_and_another_that_is_asked_to_stop_does(alpaca, apple, staff):
    quotes_want(["AAPL"], now=timezone.now())
    other = lease_take()
    assert not quotes_stream(for_s=30)
    assert alpaca.opened == 0
    assert not stream_due(now=timezone.now())
    lease_end("somebody else")
    assert lease_renew(other)
    lease_end(other)
    stop = threading.Timer(0.5, tasks.stream_stop)
    stop.start()
    began = time.monotonic()
    # The lease is gone, so the stream ends as if nobody wanted it.
    assert not quotes_stream(for_s=30)
    stop.join()
    assert time.monotonic() - began < 4
    assert alpaca.opened == 1


def test_of_many_trades_in_a_moment_the_last_one_is_published(alpaca, apple, staff, monkeypatch):
    batches = []
    monkeypatch.setattr(streaming, "_keep", lambda found: found and batches.append(found))
    quotes_want(["AAPL"], now=timezone.now())

    def burst():
        eventually(lambda: alpaca.subscribed() == [["AAPL"]])
        for price in range(300):
            alpaca.tell("AAPL", 100.0 + price, AT)
        eventually(lambda: batches and batches[-1][0][2].price == "399.0")
        lease_break()

    thread = threading.Thread(target=burst)
    thread.start()
    quotes_stream(for_s=30)
    thread.join()
    # 300 trades, told of in a few looks at what is new.
    assert 1 <= len(batches) <= 20
    assert batches[-1][0][2].price == "399.0"


def test_without_a_lease_there_is_nothing_to_break():
    lease_break()
    assert not lease_renew("nobody")


class LatestTrades(Source):
    def is_bars(self, path):
        return False

    def answer(self, path, query):
        assert path == "/v2/stocks/trades/latest"
        trade = {"t": "2024-01-05T20:59:58.250123456Z", "p": 187.25, "s": 100, "x": "V"}
        return 200, {"trades": dict.fromkeys(query["symbols"].split(","), trade)}


def test_shares_are_polled_with_one_request_where_no_stream_tells_of_them(
    settings, apple, staff, make_history
):
    with served(LatestTrades()) as server:
        settings.ALPACA_DATA_URL = server.url
        quotes_want(["AAPL"], now=timezone.now())
        assert polling.quotes_poll(now=timezone.now()) == 1
        found = AlpacaProvider("sip").quotes(["AAPL", "MSFT"], credentials=KEYS)
    assert quote_get("AAPL").price == "187.25"
    assert quote_get("AAPL").traded_at == datetime(2024, 1, 5, 20, 59, 58, 250_123, tzinfo=UTC)
    assert sorted(found) == ["AAPL", "MSFT"]
    assert [query["feed"] for _, query in server.asked] == ["iex", "sip"]
    assert server.headers[0]["APCA-API-KEY-ID"] == "AK1"


def test_what_a_stream_told_of_lately_is_left_out_of_the_next_poll(apple, staff, settings):
    now = timezone.now()
    quotes_want(["AAPL"], now=now)
    streamed_put([Quote("AAPL", "1.5", AT, now, "alpaca")], now=now)
    with served(LatestTrades()) as server:
        settings.ALPACA_DATA_URL = server.url
        assert polling.quotes_poll(now=now + timedelta(seconds=29)) == 0
        memory().delete(f"{settings.REDIS_NAMESPACE}:quotes:polled")
        assert polling.quotes_poll(now=now + timedelta(seconds=31)) == 1
