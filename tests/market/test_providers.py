"""The providers that need no server, and the table they are in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType

import numpy as np
import pytest

from core.errors import InvalidInput, Permanent
from market import checks
from market.intervals import interval_get
from market.providers import kinds, sample
from market.providers.base import BarRequest
from market.providers.csv import CsvProvider
from market.providers.kinds import provider_get
from market.providers.sample import SampleProvider
from tests.market.contracts.provider_contract import ProviderContract

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def request(symbol: str, interval: str = "1d", **kwargs) -> BarRequest:
    fields = {"start": None, "end": None, "now": NOW} | kwargs
    return BarRequest(symbol=symbol, interval=interval_get(interval), **fields)


class TestSample(ProviderContract):
    @pytest.fixture
    def provider(self):
        return SampleProvider()

    @pytest.fixture
    def known(self):
        return request("GOOG", start=date(2013, 1, 2))


class TestCsv(ProviderContract):
    @pytest.fixture
    def provider(self, tmp_path, settings):
        settings.CSV_BARS_DIR = str(tmp_path)
        rows = "".join(f"2024-01-{day:02},10,12,9,11,100,5.5\n" for day in range(2, 12))
        (tmp_path / "GOOG_1d.csv").write_text("ts,open,high,low,close,volume,adj_close\n" + rows)
        return CsvProvider()

    @pytest.fixture
    def known(self):
        return request("GOOG")

    def test_an_adjusted_close_becomes_the_factor(self, provider, known):
        assert provider.download(known).history.factor.tolist() == [0.5] * 10

    def test_a_bad_file_is_told_by_name_and_row(self, provider, known, tmp_path):
        (tmp_path / "BAD_1d.csv").write_text(
            "ts,open,high,low,close,volume\n2024-01-02,1,2,3,4,5\n"
        )
        with pytest.raises(Permanent, match=r"BAD_1d\.csv: 1 of 1 bars") as caught:
            provider.download(request("BAD"))
        assert caught.value.details[0].path == "bars[0].high"


@pytest.mark.parametrize(
    ("symbol", "rows", "first"),
    [
        ("AAPL", 3270, "2000-03-01"),
        ("IBM", 3270, "2000-03-01"),
        ("MSFT", 3270, "2000-03-01"),
        ("GOOG", 2148, "2004-08-19"),
    ],
)
def test_the_samples_are_whole(symbol, rows, first):
    bars = SampleProvider().download(request(symbol)).history.bars
    assert len(bars) == rows
    days = bars.ts.view("datetime64[ns]").astype("datetime64[D]")
    assert (str(days[0]), str(days[-1])) == (first, "2013-03-01")


def test_the_samples_are_raw_with_the_adjusted_close_of_the_source():
    apple = SampleProvider().download(request("AAPL")).history
    assert apple.bars.close[0] == 130.31
    assert apple.adjusted().close[0] == pytest.approx(4.186662803811, rel=1e-12)
    # Two 2-for-1 splits lie in the range: the factor doubles on their days.
    jumps = np.flatnonzero(apple.factor[1:] / apple.factor[:-1] > 1.5) + 1
    days = apple.bars.ts[jumps].view("datetime64[ns]").astype("datetime64[D]").astype(str)
    assert days.tolist() == ["2000-06-21", "2005-02-28"]


def test_goog_agrees_with_the_file_of_backtesting_but_for_a_few_prices():
    closes = SampleProvider().download(request("GOOG")).history.bars.close
    backtesting = pytest.importorskip("backtesting.test")
    theirs = backtesting.GOOG["Close"].to_numpy()
    apart = np.abs(closes - theirs)
    assert len(theirs) == 2148
    assert int((apart < 1e-9).sum()) == 2076
    assert int((apart > 0.011).sum()) == 5


def test_eurusd_is_hourly_and_says_so_where_it_is_missing(monkeypatch):
    download = SampleProvider().download(request("EURUSD", "1h"))
    assert len(download.history) == 5000
    assert (download.listing.calendar, download.listing.asset_class) == ("24/5", "forex")
    monkeypatch.setattr(sample.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Permanent, match="optional package `backtesting`"):
        SampleProvider().download(request("EURUSD", "1h"))
    assert len(SampleProvider().download(request("GOOG")).history) == 2148


def test_an_unknown_provider_is_refused_with_the_ones_there_are():
    with pytest.raises(
        InvalidInput, match="sample, yfinance, ccxt, alpaca, nasdaq_data_link, lean, parquet, csv"
    ):
        provider_get("bloomberg")


def test_the_check_imports_every_provider_and_tells_what_is_wrong(monkeypatch):
    assert checks.providers_check() == []
    broken = {
        "gone": "market.providers.gone.GoneProvider",
        "renamed": "market.providers.sample.SampleProvider",
    }
    monkeypatch.setattr(checks, "PROVIDERS", MappingProxyType({**kinds.PROVIDERS, **broken}))
    assert [fault.id for fault in checks.providers_check()] == ["market.E001", "market.E002"]
