"""Providers that read files: LEAN's layout and Parquet."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import InvalidInput, Permanent
from market.files.archives import gzip_read, zip_member
from market.files.parquet_bars import parquet_bars_read
from market.intervals import interval_get
from market.providers.base import BarRequest
from market.providers.lean import LeanProvider
from market.providers.parquet import ParquetProvider
from tests.market.contracts.provider_contract import ProviderContract
from tests.market.exchanges import weekdays

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def request(symbol: str, interval: str = "1d", **kwargs) -> BarRequest:
    fields = {"start": None, "end": None, "now": NOW} | kwargs
    return BarRequest(symbol=symbol, interval=interval_get(interval), **fields)


@pytest.fixture
def lean(tmp_path, settings):
    settings.LEAN_DATA_DIR = str(tmp_path)
    root = tmp_path / "equity" / "usa"

    def write(path: str, member: str, lines: list[str]) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not path.endswith(".zip"):
            target.write_text("\n".join(lines) + "\n")
            return
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, "\n".join(lines) + "\n")

    days = weekdays(date(2014, 6, 2), 10)
    write(
        "daily/aapl.zip",
        "aapl.csv",
        [f"{day:%Y%m%d} 00:00,6330000,6341500,6314300,6{at}00000,123450" for at, day in
         enumerate(days)],
    )  # fmt: skip
    # 7-for-1 from June 9th on; a dividend before June 4th.
    write(
        "factor_files/aapl.csv",
        "",
        ["20140603,0.99,0.142857", "20140606,1,0.142857", "20501231,1,1"],
    )
    return write


@pytest.fixture
def parquet(tmp_path, settings):
    settings.PARQUET_BARS_DIR = str(tmp_path)

    def write(name: str, days: list[date], **changes) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        count = len(days)
        columns = {
            "ts": pa.array(days, pa.date32()),
            "open": [10.0] * count,
            "high": [12.0] * count,
            "low": [9.0] * count,
            "close": [11.0] * count,
            "volume": [100] * count,
        }
        pq.write_table(pa.table(columns | changes), path)

    write("GOOG_1d.parquet", weekdays(date(2024, 1, 2), 10), adj_close=[5.5] * 10)
    return write


class TestLean(ProviderContract):
    @pytest.fixture
    def provider(self, lean):
        # A low of 631.43 and closes from 600 on would break the rules.
        lean(
            "daily/aapl.zip",
            "aapl.csv",
            [f"{day:%Y%m%d} 00:00,6330000,6390000,6000000,63{at}0000,123450" for at, day in
             enumerate(weekdays(date(2014, 6, 2), 10))],
        )  # fmt: skip
        return LeanProvider()

    @pytest.fixture
    def known(self):
        return request("AAPL")


class TestParquet(ProviderContract):
    @pytest.fixture
    def provider(self, parquet):
        return ParquetProvider()

    @pytest.fixture
    def known(self):
        return request("GOOG")


def test_prices_of_lean_are_ten_thousandths_and_its_factors_reach_up_to_their_day(lean):
    lean("daily/aapl.zip", "aapl.csv", [
        "20140603 00:00,6280000,6390000,6280000,6375000,1000",
        "20140606 00:00,6490000,6510000,6440000,6455700,2000",
        "20140609 00:00,927000,938800,917500,937000,3000",
    ])  # fmt: skip
    history = LeanProvider().download(request("AAPL")).history
    assert history.bars.close.tolist() == [637.5, 645.57, 93.70]
    assert history.factor.tolist() == pytest.approx([0.99 * 0.142857, 0.142857, 1.0])
    assert history.split.tolist() == pytest.approx([0.142857, 0.142857, 1.0])
    assert history.adjusted().volume[0] == pytest.approx(7000.007)


def test_minutes_of_lean_are_on_the_clock_of_new_york_before_and_after_it_is_changed(lean):
    for day in ("20240308", "20240311"):
        # 9:30 is 34,200,000 ms after midnight by the clock on the wall, on both days.
        lean(
            f"minute/aapl/{day}_trade.zip",
            f"{day}_aapl_minute_trade.csv",
            [
                "34200000,1000000,1010000,990000,1005000,10",
                "34260000,1005000,1010000,990000,1005000,20",
            ],
        )
    bars = LeanProvider().download(request("AAPL", "1m")).history.bars
    times = bars.ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    assert times == [
        "2024-03-08T14:30", "2024-03-08T14:31", "2024-03-11T13:30", "2024-03-11T13:31"
    ]  # fmt: skip
    assert len(LeanProvider().download(request("AAPL", "1m", start=date(2024, 3, 11))).history) == 2


def test_hours_of_lean_come_with_their_local_times(lean):
    lean("hour/aapl.zip", "aapl.csv", ["20240701 10:00,1000000,1010000,990000,1005000,10"])
    bars = LeanProvider().download(request("AAPL", "1h")).history.bars
    assert str(bars.ts.view("datetime64[ns]")[0])[:16] == "2024-07-01T14:00"


def test_a_share_that_was_renamed_is_read_under_the_names_it_had(lean):
    lean("map_files/meta.csv", "", ["20120518,fb", "20220608,fb,Q", "20501231,meta,Q"])
    rows = {"fb": (1_960_000, 10_000), "meta": (10_000, 1_840_000)}
    for ticker, prices in rows.items():
        lines = [
            f"2022060{day} 00:00,{price},{price},{price},{price},1"
            for day, price in zip((8, 9), prices, strict=True)
        ]
        lean(f"daily/{ticker}.zip", f"{ticker}.csv", lines)
    assert LeanProvider().download(request("META")).history.bars.close.tolist() == [196.0, 184.0]


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("daily/bad.zip", ["20140603 00:00,1,2"]),
        ("daily/bad.zip", ["soon,1,2,3,4,5"]),
        ("factor_files/aapl.csv", ["20140603;0.9"]),
        ("map_files/aapl.csv", ["yesterday,aapl"]),
    ],
)
def test_a_damaged_file_of_lean_is_told_by_its_name(lean, path, lines):
    lean(path, "x.csv", lines)
    symbol = "BAD" if "bad" in path else "AAPL"
    with pytest.raises(Permanent, match=path.rsplit("/", 1)[1]) as caught:
        LeanProvider().download(request(symbol))
    assert caught.value.code == "bad_file"
    assert "\n" not in caught.value.message


def test_a_zip_that_is_cut_off_is_told(lean, tmp_path):
    path = tmp_path / "equity" / "usa" / "daily" / "aapl.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Permanent, match="damaged"):
        LeanProvider().download(request("AAPL"))


def test_an_archive_that_unfolds_beyond_the_limit_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"0" * (8 * 2**20))
    with pytest.raises(InvalidInput, match="more than 4 MiB"):
        zip_member(path, limit=4 * 2**20)
    with pytest.raises(InvalidInput, match="not a whole gzip"):
        gzip_read(b"\x1f\x8b\x08 nothing", limit=100)


def test_files_of_a_folder_are_read_one_after_the_other(parquet):
    days = weekdays(date(2023, 12, 25), 10)
    parquet("MSFT_1d/2023.parquet", [day for day in days if day.year == 2023])
    parquet("MSFT_1d/2024.parquet", [day for day in days if day.year == 2024])
    pages = list(ParquetProvider().pages(request("MSFT")))
    assert [len(page.history) for page in pages] == [5, 5]
    late = ParquetProvider().download(request("MSFT", start=date(2024, 1, 3))).history
    assert len(late) == 3


def table_bytes(**columns) -> bytes:
    sink = pa.BufferOutputStream()
    plain = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"ts": [0]} | plain | columns), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("ts", "expected"),
    [
        (pa.array([1_704_205_800]), 1_704_205_800 * 10**9),
        (pa.array([1_704_205_800_000]), 1_704_205_800 * 10**9),
        (pa.array([1_704_205_800], pa.timestamp("s")), 1_704_205_800 * 10**9),
        (
            pa.array([datetime(2024, 1, 2, 14, 30, tzinfo=UTC)], pa.timestamp("us", "Asia/Tokyo")),
            1_704_205_800 * 10**9,
        ),
        (pa.array([date(2024, 1, 2)]), 1_704_153_600 * 10**9),
    ],
)
def test_times_in_parquet_may_be_moments_days_or_epochs(ts, expected):
    assert parquet_bars_read(table_bytes(ts=ts)).bars.ts.tolist() == [expected]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PAR1 nothing", "not a whole Parquet"),
        (table_bytes()[:-9], "not a whole Parquet"),
        (table_bytes(ts=pa.array(["soon"])), "column ts holds string"),
        (table_bytes(ts=pa.array([None], pa.int64())), "1 times are missing"),
        (table_bytes(close=pa.array(["x"])), "column close holds string"),
        (table_bytes(high=pa.array([0.5])), "bar 0"),
        (table_bytes(close=pa.array([None], pa.float64())), "bar 0"),
    ],
)
def test_what_is_wrong_with_a_parquet_file_is_told(data, words):
    with pytest.raises(InvalidInput, match=words):
        parquet_bars_read(data)


def test_a_parquet_file_that_unfolds_beyond_the_limit_is_refused():
    with pytest.raises(InvalidInput, match="unpacks to more than"):
        parquet_bars_read(table_bytes(), limit=10)
