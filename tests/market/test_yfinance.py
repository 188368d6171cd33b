"""The provider of Yahoo's bars, end to end over loopback."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import yfinance.base

from core.errors import ApplicationError, Permanent, Transient
from market.history import history_merge
from market.intervals import interval_get
from market.providers.base import BarRequest
from market.providers.yfinance import YFinanceProvider
from tests.market.contracts.provider_contract import ProviderContract
from tests.market.yahoo import Quotes, yahoo_server

NOW = datetime(2026, 1, 31, tzinfo=UTC)
# Yahoo names a day by its opening: 9:30 in New York, in winter.
OPENING = int(datetime(2024, 1, 2, 14, 30, tzinfo=UTC).timestamp())
DAY = 86_400


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def apple() -> Quotes:
    rows = [
        (OPENING + day * DAY, 100.0 + day, 102.0 + day, 99.0 + day, 101.0 + day, 1000 + day)
        for day in range(10)
    ]
    # A dividend of 1 on the sixth day: all before are scaled by 1 - 1/105.
    adjclose = [row[4] * (1 - 1 / 105) if at < 5 else row[4] for at, row in enumerate(rows)]
    return Quotes(rows, adjclose=adjclose, dividends={OPENING + 5 * DAY: 1.0})


@pytest.fixture
def yahoo(settings, monkeypatch):
    # The library asks another endpoint for the time zone, but twice in a process only.
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 2)
    with yahoo_server() as server:
        server.quotes[("AAPL", "1d")] = apple()
        settings.YFINANCE_URL = server.url
        settings.YFINANCE_TIMEOUT_S = 1
        settings.PROVIDER_RATES = {}
        yield server


def request(symbol: str = "AAPL", interval: str = "1d", **kwargs) -> BarRequest:
    fields = {"start": date(2024, 1, 1), "end": date(2024, 1, 31), "now": NOW} | kwargs
    return BarRequest(symbol=symbol, interval=interval_get(interval), **fields)


def download(*args, **kwargs):
    return YFinanceProvider().download(request(*args, **kwargs))


class TestContract(ProviderContract):
    @pytest.fixture
    def provider(self, yahoo):
        return YFinanceProvider()

    @pytest.fixture
    def known(self):
        return request()


def test_daily_bars_are_raw_with_a_factor_from_the_adjusted_close(yahoo):
    history = download().history
    assert history.bars.close[:3].tolist() == [101, 102, 103]
    assert history.bars.volume[0] == 1000
    assert history.factor.tolist() == pytest.approx([1 - 1 / 105] * 5 + [1.0] * 5)
    assert str(history.bars.ts[:1].view("datetime64[ns]")[0])[:19] == "2024-01-02T00:00:00"


def test_the_query_is_of_the_chart_protocol_with_the_crumb(yahoo):
    download(start=date(2024, 1, 3), end=date(2024, 1, 4))
    query, since = yahoo.charts()
    # Midnights in New York; Yahoo's end is not included, ours is.
    assert int(query["period1"]) == epoch("2024-01-03T05:00")
    assert int(query["period2"]) == epoch("2024-01-05T05:00")
    assert (query["interval"], query["crumb"]) == ("1d", "crumb")
    assert "splits" in query["events"]
    # What was split since is in the prices too.
    assert (int(since["period1"]), since["interval"]) == (epoch("2024-01-05T05:00"), "1d")


def split(at: int, *, before: float, after: float) -> Quotes:
    """Ten days as Yahoo tells them when 4 for 1 happened on one of them: prices in new units."""
    rows = [
        (OPENING + day * DAY, price, price + 1, price - 1, price, 4000 if day < at else 1000)
        for day in range(10)
        for price in [before / 4 if day < at else after]
    ]
    adjclose = [row[4] * (0.98 if day < at else 1.0) for day, row in enumerate(rows)]
    return Quotes(rows, adjclose=adjclose, splits={OPENING + at * DAY: (4, 1)})


def test_splits_are_put_back_so_that_bars_are_as_traded(yahoo):
    yahoo.quotes[("SPLIT", "1d")] = split(4, before=400.0, after=100.0)
    history = download("SPLIT").history
    assert history.bars.close.tolist() == [400.0] * 4 + [100.0] * 6
    assert history.bars.volume.tolist() == [1000.0] * 10
    assert history.split.tolist() == [0.25] * 4 + [1.0] * 6
    assert history.factor.tolist() == pytest.approx([0.245] * 4 + [1.0] * 6)
    assert history.adjusted().close[0] == pytest.approx(98.0)


def test_a_split_after_the_range_is_put_back_too_and_the_next_download_fits(yahoo):
    yahoo.quotes[("LATER", "1d")] = split(4, before=400.0, after=100.0)
    early = download("LATER", end=date(2024, 1, 4)).history
    assert early.bars.close.tolist() == [400.0] * 3
    assert early.split.tolist() == [0.25] * 3
    whole = history_merge(early, download("LATER").history)
    assert whole.bars.close.tolist() == [400.0] * 4 + [100.0] * 6
    # Up to today there is nothing after the range to ask for.
    asked = len(yahoo.charts())
    download("LATER", end=None)
    assert len(yahoo.charts()) == asked + 1


def test_the_listing_is_what_yahoo_says(yahoo):
    listing = download().listing
    assert (listing.name, listing.exchange, listing.calendar) == ("Apple Inc.", "NasdaqGS", "XNYS")
    assert (listing.timezone, str(listing.tick_size)) == ("America/New_York", "0.01")


def test_without_a_start_everything_is_asked_for(yahoo):
    assert len(download(start=None, end=None).history) == 10
    assert int(yahoo.charts()[-1]["period1"]) < 0


def test_minutes_keep_their_times_and_their_factor_comes_from_the_dividends(yahoo):
    opens = epoch("2024-01-02T14:30")
    rows = [(opens + 3600 * n, 100.0, 101.0, 99.0, 100.0, 10) for n in range(6)]
    rows += [(opens + DAY + 3600 * n, 98.0, 99.0, 97.0, 98.0, 10) for n in range(6)]
    yahoo.quotes[("AAPL", "1h")] = Quotes(rows, dividends={opens + DAY: 2.0})
    history = download(interval="1h", start=date(2024, 1, 2), end=date(2024, 1, 3)).history
    assert history.bars.ts[0] == opens * 10**9
    assert history.factor.tolist() == pytest.approx([0.98] * 6 + [1.0] * 6)
    assert history.split.tolist() == [1.0] * 12


def test_a_day_without_any_trade_is_no_bar(yahoo):
    quotes = yahoo.quotes[("AAPL", "1d")]
    quotes.rows[3] = (quotes.rows[3][0], None, None, None, None, None)
    quotes.adjclose[3] = None
    assert len(download().history) == 9


def test_a_bar_that_breaks_the_rules_is_put_aside_and_the_others_are_kept(yahoo):
    quotes = yahoo.quotes[("AAPL", "1d")]
    at, opened, *_ = quotes.rows[3]
    quotes.rows[3] = (at, opened, 1.0, 99.0, 101.0, 5)
    whole = download()
    assert len(whole.history) == 9
    assert [(bad.code, bad.values["high"]) for bad in whole.rejected] == [("high_too_low", 1.0)]


def test_bars_of_which_many_break_the_rules_are_refused_with_their_rows(yahoo):
    quotes = yahoo.quotes[("AAPL", "1d")]
    for row in range(3, 8):
        at, opened, *_ = quotes.rows[row]
        quotes.rows[row] = (at, opened, 1.0, 99.0, 101.0, 5)
    with pytest.raises(Permanent, match="nothing was stored") as caught:
        download()
    assert (caught.value.code, caught.value.details[0].path) == ("invalid_bars", "bars[3].high")


@pytest.mark.parametrize(
    ("mischief", "kind", "code", "words"),
    [
        ("429", Transient, "rate_limited", "try again in a minute"),
        ("429!", Transient, "rate_limited", "try again in a minute"),
        ("500", Transient, "bad_reply", "try again"),
        ("500!", Transient, "bad_reply", "try again"),
        ("html", Transient, "bad_reply", "try again"),
        ("html!", Transient, "bad_reply", "try again"),
        ("shape", Transient, "bad_reply", "try again"),
        ("shape!", Transient, "bad_reply", "try again"),
        ("truncated", Transient, "bad_reply", "try again"),
        ("cut", Transient, "bad_reply", "try again"),
        ("sleep", Transient, "provider_timeout", "within 1 s"),
    ],
)
def test_a_failure_is_told_in_plain_words_and_is_gone_when_yahoo_recovers(
    yahoo, mischief, kind, code, words
):
    # A symbol of its own: the library remembers time zones.
    symbol = f"T{mischief.rstrip('!').upper()[:4]}{len(mischief)}"
    yahoo.quotes[(symbol, "1d")] = apple()
    yahoo.mischief = mischief
    with pytest.raises(ApplicationError) as caught:
        download(symbol)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    yahoo.mischief = ""
    assert len(download(symbol).history) == 10


def test_without_a_network_it_says_so_and_points_to_the_sample_data(settings, yahoo):
    settings.YFINANCE_URL = "http://127.0.0.1:1"
    with pytest.raises(Transient, match="no connection to the internet") as caught:
        download("NONET")
    assert caught.value.code == "provider_unreachable"
    assert "sample data" in caught.value.message
