"""Providers that are asked over HTTP, end to end over loopback."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from core.errors import ApplicationError, InvalidInput, Permanent, Transient
from market.intervals import interval_get
from market.providers import rate
from market.providers.alpaca import AlpacaProvider
from market.providers.base import BarRequest
from market.providers.ccxt import CcxtProvider
from market.providers.kinds import provider_get
from market.providers.nasdaq_data_link import NasdaqDataLinkProvider
from tests.market.contracts.provider_contract import ProviderContract
from tests.market.exchanges import Alpaca, Binance, DataLink, utc, weekdays
from tests.market.loopback import served

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY_MS = 86_400_000
KEYS = {"key_id": "AK1", "secret": "hidden", "api_key": "key-of-ann"}


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PROVIDER_TIMEOUT_S = 1
    settings.PROVIDER_RATES = {}


def ask(symbol: str, interval: str = "1d", **kwargs) -> BarRequest:
    fields = {"start": date(2024, 1, 1), "end": date(2024, 3, 1), "now": NOW} | kwargs
    return BarRequest(symbol=symbol, interval=interval_get(interval), credentials=KEYS, **fields)


@pytest.fixture
def binance(settings):
    with served(Binance(page=4)) as server:
        settings.CCXT_URL = server.url
        first = int(utc("2024-01-01").timestamp() * 1000)
        server.candles[("BTCUSDT", "1d")] = [
            (first + day * DAY_MS, 100.5 + day, 102.0 + day, 99.0 + day, 101.25 + day, 7.5)
            for day in range(10)
        ]
        yield server


@pytest.fixture
def alpaca(settings):
    with served(Alpaca()) as server:
        settings.ALPACA_DATA_URL = settings.ALPACA_TRADING_URL = server.url
        server.days = [(day, 100.0 + at) for at, day in enumerate(weekdays(date(2024, 1, 2), 10))]
        # A 2-for-1 split on the 8th, a dividend of 1% on the 10th.
        for day, _ in server.days:
            split = 0.5 if day < date(2024, 1, 8) else 1.0
            server.factors[day] = (split, split * (0.99 if day < date(2024, 1, 10) else 1.0))
        yield server


@pytest.fixture
def datalink(settings):
    with served(DataLink()) as server:
        settings.NASDAQ_DATA_LINK_URL = server.url
        server.rows = [
            ["AAPL", day.isoformat(), 100.0, 102.0 + at, 99.0, 101.0, 1000.0 + at, 50.5]
            for at, day in enumerate(weekdays(date(2024, 1, 2), 10))
        ][::-1]
        yield server


class TestCcxt(ProviderContract):
    @pytest.fixture
    def provider(self, binance):
        return CcxtProvider()

    @pytest.fixture
    def known(self):
        return ask("BTC/USDT")


class TestAlpaca(ProviderContract):
    @pytest.fixture
    def provider(self, alpaca):
        return AlpacaProvider()

    @pytest.fixture
    def known(self):
        return ask("AAPL")


class TestNasdaqDataLink(ProviderContract):
    @pytest.fixture
    def provider(self, datalink):
        return NasdaqDataLinkProvider()

    @pytest.fixture
    def known(self):
        return ask("AAPL")


def test_candles_come_page_after_page_each_from_where_the_last_ended(binance):
    pages = list(CcxtProvider().pages(ask("BTC/USDT")))
    assert [len(page.history) for page in pages] == [4, 4, 2]
    starts = [int(query["startTime"]) for query in binance.bar_queries()]
    first = int(utc("2024-01-01").timestamp() * 1000)
    assert starts[:3] == [first, first + 3 * DAY_MS + 1, first + 7 * DAY_MS + 1]
    bars = pages[0].history.bars
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0]) == (
        100.5,
        102.0,
        99.0,
        101.25,
        7.5,
    )


def test_a_coin_is_listed_as_its_exchange_says(binance):
    listing = CcxtProvider().download(ask("BTC/USDT")).listing
    assert (listing.name, listing.exchange, listing.currency) == ("BTC / USDT", "Binance", "USDT")
    assert (listing.calendar, str(listing.tick_size), str(listing.lot_size)) == (
        "24/7",
        "0.01",
        "0.00001",
    )


def test_without_a_start_a_coin_begins_at_its_first_day_of_trading(binance):
    whole = CcxtProvider().download(ask("BTC/USDT", start=None, end=None)).history
    assert len(whole) == 10
    # Six spans of 1,000 days back to 2010 at most, not minute after minute.
    assert len(binance.bar_queries()) < 20


def test_an_outage_of_the_exchange_is_a_gap_and_not_the_end(binance):
    first = int(utc("2024-01-01").timestamp() * 1000)
    binance.candles[("BTCUSDT", "1m")] = [
        (first + minute * 60_000, 1.0, 2.0, 0.5, 1.5, 1.0)
        for minute in [*range(5), *range(4000, 4005)]
    ]
    bars = CcxtProvider().download(ask("BTC/USDT", "1m", end=date(2024, 1, 4))).history.bars
    assert ((bars.ts - bars.ts[0]) // (60 * 10**9)).tolist() == [0, 1, 2, 3, 4, *range(4000, 4005)]


def test_any_exchange_that_ccxt_knows_is_a_variant():
    assert provider_get("ccxt:kraken").intervals >= {"1m", "1d"}
    with pytest.raises(InvalidInput, match="not an exchange"):
        provider_get("ccxt:nasdaq")
    with pytest.raises(InvalidInput, match="no variants"):
        provider_get("sample:x")
    with pytest.raises(InvalidInput, match="not a feed"):
        provider_get("alpaca:x")


def test_alpaca_gives_raw_prices_with_factors_from_its_own_adjusted_closes(alpaca):
    history = AlpacaProvider().download(ask("AAPL")).history
    assert history.bars.close.tolist() == [100.0 + at for at in range(10)]
    # 2, 3, 4, 5 | 8, 9 | 10 ... January
    assert history.split.tolist() == pytest.approx([0.5] * 4 + [1.0] * 6)
    assert history.factor.tolist() == pytest.approx([0.495] * 4 + [0.99] * 2 + [1.0] * 4)
    assert history.adjusted().volume.tolist() == pytest.approx([2000.0] * 4 + [1000.0] * 6)


def test_alpaca_is_asked_by_page_tokens_for_raw_prices_of_the_free_feed(alpaca):
    AlpacaProvider().download(ask("AAPL"))
    raw = [query for query in alpaca.bar_queries() if query["adjustment"] == "raw"]
    assert {query["feed"] for query in raw} == {"iex"}
    assert [query.get("page_token") for query in raw[:1]] == [None]
    assert sum("page_token" in query for query in alpaca.bar_queries()) == 2 + 3 * 2
    headers = alpaca.headers[0]
    assert headers["APCA-API-KEY-ID"] == "AK1"
    AlpacaProvider("sip").download(ask("AAPL"))
    assert alpaca.bar_queries()[-1]["feed"] == "sip"


def test_minutes_of_alpaca_are_those_of_the_session_with_the_factor_of_their_day(alpaca):
    alpaca.minutes = [
        (utc(f"2024-01-05T{clock}"), 103.0) for clock in ("14:29", "14:30", "20:59", "21:00")
    ] + [(utc("2024-01-08T14:30"), 104.0)]
    history = AlpacaProvider().download(ask("AAPL", "1m")).history
    times = history.bars.ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    assert times == ["2024-01-05T14:30", "2024-01-05T20:59", "2024-01-08T14:30"]
    assert history.factor.tolist() == pytest.approx([0.495, 0.495, 0.99])


def test_minutes_of_alpaca_begin_at_half_past_nine_on_both_sides_of_a_clock_change(alpaca):
    alpaca.minutes = [
        (utc("2024-03-08T14:30"), 100.0),
        (utc("2024-03-11T13:30"), 100.0),
        (utc("2024-03-11T20:30"), 100.0),
    ]
    alpaca.days = [(date(2024, 3, 8), 100.0), (date(2024, 3, 11), 100.0)]
    history = AlpacaProvider().download(ask("AAPL", "1m", end=date(2024, 3, 12))).history
    times = history.bars.ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    assert times == ["2024-03-08T14:30", "2024-03-11T13:30"]


def test_without_credentials_it_says_which_are_missing_and_where_to_put_them(alpaca):
    anonymous = BarRequest("AAPL", interval_get("1d"), None, None, NOW, credentials={"key_id": "x"})
    with pytest.raises(InvalidInput, match="needs secret: store them") as caught:
        AlpacaProvider().download(anonymous)
    assert caught.value.code == "credentials_missing"
    assert alpaca.asked == []


def test_credentials_are_in_no_representation_of_a_request():
    assert "hidden" not in repr(ask("AAPL"))


def test_rows_of_a_table_follow_the_cursor_and_are_put_in_order_of_their_days(datalink):
    download = NasdaqDataLinkProvider().download(ask("AAPL"))
    bars = download.history.bars
    assert len(bars) == 10
    assert bars.volume.tolist() == [1000.0 + at for at in range(10)]
    assert download.history.factor.tolist() == pytest.approx([0.5] * 10)
    cursors = [query.get("qopts.cursor_id") for query in datalink.bar_queries()]
    assert cursors == [None, "c3", "c6", "c9"]
    assert all("key" not in str(query) for query in datalink.bar_queries())


def test_long_ranges_of_a_table_come_in_spans_of_ten_years(datalink):
    old = [["AAPL", f"{year}-06-03", 1.0, 2.0, 0.5, 1.5, 1.0, 1.5] for year in (1985, 1996, 2009)]
    datalink.rows += old
    pages = list(NasdaqDataLinkProvider().pages(ask("AAPL", start=date(1980, 1, 1))))
    assert [len(page.history) for page in pages] == [1, 1, 1, 10]


def test_a_table_that_there_is_not_and_a_key_that_is_wrong_are_told(datalink):
    with pytest.raises(Permanent, match="no table NO/SUCH") as caught:
        NasdaqDataLinkProvider("NO/SUCH").download(ask("AAPL"))
    assert caught.value.code == "unknown_table"
    datalink.key = "another"
    with pytest.raises(Permanent, match="refuses the credentials"):
        NasdaqDataLinkProvider().download(ask("AAPL"))


def test_one_bad_row_is_put_aside_with_its_reason_and_the_others_are_kept(binance):
    rows = binance.candles[("BTCUSDT", "1d")]
    when, opened, _, low, close, volume = rows[5]
    rows[5] = (when, opened, low - 5, low, close, volume)
    download = CcxtProvider().download(ask("BTC/USDT"))
    assert len(download.history) == 9
    (bad,) = download.rejected
    assert (bad.ts, bad.code) == (when * 10**6, "high_too_low")
    assert np.float64(bad.values["close"]) == close


def test_a_delivery_with_too_many_bad_rows_is_refused_as_a_whole(datalink):
    for row in datalink.rows[:5]:
        row[3] = 1.0
    with pytest.raises(Permanent, match="nothing was stored") as caught:
        NasdaqDataLinkProvider().download(ask("AAPL"))
    assert caught.value.code == "invalid_bars"


FAILURES = [
    ("429", Transient, "rate_limited"),
    ("500", Transient, "provider_unavailable"),
    ("html", Transient, "bad_reply"),
    ("shape", Transient, "bad_reply"),
    ("truncated", Transient, "bad_reply"),
    ("cut", Transient, "bad_reply"),
    ("sleep", Transient, "provider_timeout"),
    ("401", Permanent, "credentials_refused"),
]


@pytest.mark.parametrize(
    ("kind", "mischief", "error", "code"),
    [
        (kind, *failure)
        for kind in ("binance", "alpaca", "datalink")
        for failure in FAILURES
        # Bars of Binance are public.
        if (kind, failure[0]) != ("binance", "401")
    ],
)
def test_a_failure_is_told_in_plain_words_and_is_gone_when_the_server_recovers(
    request, kind, mischief, error, code
):
    server = request.getfixturevalue(kind)
    provider, symbol = {
        "binance": (CcxtProvider(), "BTC/USDT"),
        "alpaca": (AlpacaProvider(), "AAPL"),
        "datalink": (NasdaqDataLinkProvider(), "AAPL"),
    }[kind]
    server.mischief = mischief
    with pytest.raises(ApplicationError) as caught:
        provider.download(ask(symbol))
    assert (type(caught.value), caught.value.code) == (error, code)
    assert "\n" not in caught.value.message
    assert "hidden" not in caught.value.message
    server.mischief = ""
    assert len(provider.download(ask(symbol)).history) == 10


@pytest.mark.parametrize("name", ["ccxt", "alpaca", "nasdaq_data_link"])
def test_without_a_network_it_says_so_and_points_to_the_sample_data(settings, name):
    settings.CCXT_URL = settings.ALPACA_DATA_URL = "http://127.0.0.1:1"
    settings.NASDAQ_DATA_LINK_URL = "http://127.0.0.1:1"
    with pytest.raises(Transient, match="no connection to the internet") as caught:
        provider_get(name).download(ask("BTC/USDT" if name == "ccxt" else "AAPL"))
    assert caught.value.code == "provider_unreachable"
    assert "sample data" in caught.value.message


def test_the_wait_that_a_server_asks_for_is_told(alpaca):
    alpaca.mischief = "429"
    with pytest.raises(Transient) as caught:
        AlpacaProvider().download(ask("AAPL"))
    assert caught.value.retry_after_s == 7.0


def test_all_workers_together_ask_no_more_often_than_allowed(settings, monkeypatch):
    settings.PROVIDER_RATES = {"alpaca": 600}
    settings.REDIS_NAMESPACE = f"rate-{id(object())}"
    waits: list[float] = []

    def take(credentials, count):
        waits.clear()
        for _ in range(count):
            rate.place_wait("alpaca", credentials, sleep=waits.append)

    monkeypatch.setattr(rate, "LONGEST_WAIT_S", 0.5)
    take({"key_id": "a"}, 5)
    assert waits == []
    # A sixth has to wait a tenth of a second; time does not pass here, so it gives up.
    with pytest.raises(Transient, match="allows 600 requests a minute"):
        take({"key_id": "a"}, 1)
    assert 0.05 < waits[0] <= 0.1
    take({"key_id": "b"}, 5)
    assert waits == []


def test_without_redis_each_process_keeps_the_rate_itself(settings, monkeypatch):
    settings.PROVIDER_RATES = {"alpaca": 600}
    monkeypatch.setattr(rate, "memory", lambda: (_ for _ in ()).throw(OSError("no redis")))
    monkeypatch.setattr(rate, "_due", {})
    waits: list[float] = []
    monkeypatch.setattr(rate, "LONGEST_WAIT_S", 0.5)
    for _ in range(5):
        rate.place_wait("alpaca", sleep=waits.append)
    with pytest.raises(Transient):
        rate.place_wait("alpaca", sleep=waits.append)
    assert len(waits) > 1
