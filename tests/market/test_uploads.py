"""Files that people bring: understood or refused, never half-imported."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rest_framework.test import APIClient

from core.errors import InvalidInput
from market.files import csv_bars, text_table
from market.files.tables import table_read
from market.models import BarSeries, Import
from market.store import bars_read
from tests.market.sending import YAHOO, send

DAY = 86_400 * 10**9


def dates(bars) -> list[str]:
    return bars.ts.view("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()


def read(text: str | bytes, **kwargs):
    return table_read(text.encode() if isinstance(text, str) else text, **kwargs)


NASDAQ = """Date,Close/Last,Volume,Open,High,Low
01/31/2024,$184.40,"55,467,800",$187.04,$187.10,$184.35
01/30/2024,$188.04,"55,859,370",$190.94,$191.80,$187.47
"""
GERMAN = """Datum;Er\u00f6ffnung;Hoch;Tief;Schluss;Volumen
31.01.2024;1.010,5;1.012,0;1.009,0;1.011,25;1.000
30.01.2024;1.000,0;1.005,0;998,5;1.004,0;2.000
"""
METATRADER = """<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2024.01.02\t00:00:00\t1.10\t1.12\t1.09\t1.11\t55\t0\t2
2024.01.02\t01:00:00\t1.11\t1.13\t1.10\t1.12\t66\t0\t2
"""
HISTDATA = """20240102 170000;1.10;1.12;1.09;1.11;0
20240102 170100;1.11;1.13;1.10;1.12;0
"""
METATRADER_4 = """2024.01.02,17:00,1.10,1.12,1.09,1.11,55
2024.01.02,17:01,1.11,1.13,1.10,1.12,66
"""
BINANCE = """Open time,Open,High,Low,Close,Volume,Close time
1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68,1704070799999
1704070800000,42475.23,42775.00,42431.65,42613.56,1196.37,1704074399999
"""


def test_an_export_of_yahoo_is_understood_with_its_adjusted_close():
    found = read(YAHOO)
    assert dates(found.bars) == ["2024-01-02T00:00", "2024-01-03T00:00"]
    assert found.adj_close.tolist() == [5.5, 6.0]
    assert (found.layout.date_format, found.notes) == ("iso", ())


def test_an_export_of_nasdaq_has_dollars_thousands_and_the_newest_first():
    found = read(NASDAQ)
    assert dates(found.bars) == ["2024-01-30T00:00", "2024-01-31T00:00"]
    assert found.bars.close.tolist() == [188.04, 184.40]
    assert found.bars.volume.tolist() == [55_859_370, 55_467_800]
    assert found.layout.date_format == "%m/%d/%Y"
    assert found.layout.newest_first
    assert "turned around" in found.notes[0]


def test_a_german_table_has_semicolons_and_decimal_commas_and_needs_to_be_told_its_words():
    with pytest.raises(InvalidInput, match="Which columns are ts, open, high, low, close"):
        read(GERMAN)
    columns = {"ts": "Datum", "open": "Er\u00f6ffnung", "high": "Hoch", "low": "Tief"}
    for encoded in (GERMAN.encode(), GERMAN.encode("cp1252"), GERMAN.encode("utf-16")):
        found = read(encoded, columns=columns | {"close": "Schluss", "volume": "Volumen"})
        assert found.bars.close.tolist() == [1004.0, 1011.25]
        assert found.bars.volume.tolist() == [2000, 1000]
        assert (found.layout.delimiter, found.layout.decimal) == (";", ",")


@pytest.mark.parametrize(
    ("text", "first", "date_format"),
    [
        (METATRADER, "2024-01-02T00:00", "%Y.%m.%d %H:%M:%S"),
        (HISTDATA, "2024-01-02T17:00", "%Y%m%d %H%M%S"),
        (METATRADER_4, "2024-01-02T17:00", "%Y.%m.%d %H:%M"),
        (BINANCE, "2024-01-01T00:00", "epoch"),
    ],
)
def test_tables_of_trading_programs_are_understood_with_and_without_a_header(
    text, first, date_format
):
    found = read(text)
    assert dates(found.bars)[0] == first
    assert found.layout.date_format == date_format
    assert len(found.bars) == 2


@pytest.mark.parametrize(
    ("rows", "date_format"),
    [
        (("13/01/2024", "14/01/2024"), "%d/%m/%Y"),
        (("01/13/2024", "01/14/2024"), "%m/%d/%Y"),
        # Both could be read either way, but only one way is in order.
        (("11/01/2024", "12/01/2024", "01/02/2024"), "%d/%m/%Y"),
        (("20240102", "20240103"), "%Y%m%d"),
        (("02-Jan-2024", "03-Jan-2024"), "%d-%b-%Y"),
        (("Jan 02, 2024", "Jan 03, 2024"), "%b %d, %Y"),
        (("1/2/2024 4:30 PM", "1/13/2024 9:30 AM"), "%m/%d/%Y %I:%M %p"),
    ],
)
def test_how_dates_are_written_is_found_out_from_all_of_them(rows, date_format):
    text = "date;open;high;low;close\n" + "".join(f"{row};1;2;0.5;1.5\n" for row in rows)
    assert read(text).layout.date_format == date_format


@pytest.mark.parametrize("date_format", ["", "%Y-%m-%d"])
@pytest.mark.parametrize("times_in", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("day", ["2999-01-02", "0001-01-02"])
def test_a_year_that_no_bar_can_have_is_told_by_its_line(day, times_in, date_format):
    text = f"date,open,high,low,close\n2024-01-02,1,2,0.5,1.5\n{day},1,2,0.5,1.5\n"
    with pytest.raises(InvalidInput, match=f"line 3: ts '{day}' is not a time from 1678 to 2261"):
        read(text, times_in=times_in, date_format=date_format)


def test_dates_that_may_be_read_in_two_ways_are_not_guessed():
    text = "date,open,high,low,close\n01/02/2024,1,2,0.5,1.5\n01/03/2024,1,2,0.5,1.5\n"
    with pytest.raises(InvalidInput, match="%m/%d/%Y or %d/%m/%Y") as caught:
        read(text)
    assert caught.value.code == "ambiguous_dates"
    assert caught.value.details[0].expected == ["%m/%d/%Y", "%d/%m/%Y"]
    assert dates(read(text, date_format="%d/%m/%Y").bars)[1] == "2024-03-01T00:00"


def test_local_times_are_on_their_clock_and_one_that_it_never_shows_is_a_fault():
    head = "time,open,high,low,close,volume\n"
    row = "{},1,2,0.5,1.5,1\n"
    winter, summer = "2024-03-08 09:30:00", "2024-03-11 09:30:00"
    found = read(head + row.format(winter) + row.format(summer), times_in="America/New_York")
    assert dates(found.bars) == ["2024-03-08T14:30", "2024-03-11T13:30"]
    with pytest.raises(InvalidInput, match=r"line 2.*has exactly once") as caught:
        read(head + row.format("2024-03-10 02:30:00"), times_in="America/New_York")
    assert caught.value.details[0].path == "bars[0].ts"
    twice = head + row.format("2024-11-03 01:30:00")
    with pytest.raises(InvalidInput, match="exactly once"):
        read(twice, times_in="America/New_York")
    # A time that names its zone needs no other.
    named = head + row.format("2024-11-03T01:30:00-05:00")
    assert dates(read(named, times_in="America/New_York").bars) == ["2024-11-03T06:30"]
    # A day is the name of a session, whatever the zone.
    assert dates(read(YAHOO, times_in="Asia/Tokyo").bars)[0] == "2024-01-02T00:00"


def test_what_is_wrong_is_told_by_row_and_column():
    text = "Date,Open,High,Low,Close\n2024-01-02,1,2,x,1\n2024-01-03,1,2,0.5,n/a\n"
    with pytest.raises(InvalidInput) as caught:
        read(text)
    paths = [(one.path, one.received) for one in caught.value.details]
    assert paths == [("bars[0].low", "x"), ("bars[1].close", "n/a")]
    assert "line 2" in caught.value.details[0].message
    with pytest.raises(InvalidInput, match="bar 0 is line 2"):
        read("Date,Open,High,Low,Close\n2024-01-02,1,0.1,0.5,1\n")
    with pytest.raises(InvalidInput, match="another number of fields"):
        read("Date,Open,High,Low,Close\n2024-01-02,1,2,0.5\n")
    with pytest.raises(InvalidInput, match="no column 'Nope' in the file"):
        read(YAHOO, columns={"close": "Nope"})


def parquet_bytes(**columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_is_understood_by_the_same_names():
    data = parquet_bytes(
        Timestamp=pa.array([datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)]),
        Open=[1.0, 2.0],
        High=[3, 4],
        Low=[0.5, 1.0],
        Close=[2.0, 3.0],
    )
    found = read(data)
    assert found.bars.high.tolist() == [3.0, 4.0]
    assert found.notes == ("The file has no volume: it is 0 everywhere.",)


def test_packed_files_are_unpacked_up_to_a_limit():
    packed = gzip.compress(YAHOO.encode())
    assert len(read(packed).bars) == 2
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bars.csv", YAHOO)
    assert len(read(buffer.getvalue()).bars) == 2
    bomb = gzip.compress(b"0" * (4 * 2**20))
    assert len(bomb) < 10_000
    with pytest.raises(InvalidInput, match="unpacks to more than 1 MiB") as caught:
        read(bomb, limit=2**20)
    assert caught.value.code == "too_large"
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("more.csv", YAHOO)
    with pytest.raises(InvalidInput, match="has 2 files"):
        read(buffer.getvalue())
    for broken in (packed[:-9], buffer.getvalue()[:60]):
        with pytest.raises(InvalidInput, match="not a whole"):
            read(broken)


def test_what_shrank_to_less_than_a_hundredth_is_a_bomb_long_before_the_limit(monkeypatch):
    rows = YAHOO + "2024-01-05,1,1,1,1,1,1\n" * 1_500_000
    bomb = gzip.compress(rows.encode(), 9)
    assert len(bomb) * 150 < len(rows) < 2**26
    with pytest.raises(InvalidInput, match="100 times its size") as caught:
        read(bomb)
    assert caught.value.code == "too_large"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bars.csv", rows)
    with pytest.raises(InvalidInput, match="100 times its size"):
        read(buffer.getvalue())


def test_a_parquet_file_whose_values_repeat_for_ever_is_refused_before_it_unfolds():
    # A million rows in some kilobytes, and the file says so itself.
    ones = np.ones(1_000_000)
    bomb = parquet_bytes(ts=ones, open=ones, high=ones, low=ones, close=ones)
    assert len(bomb) < 50_000
    with pytest.raises(InvalidInput, match="unpacks to more than 38 MiB"):
        read(bomb, limit=5 * 8 * 1_000_000 - 1)


def test_a_file_is_read_in_stretches_and_faults_keep_their_lines(monkeypatch):
    monkeypatch.setattr(text_table, "STRETCH_BYTES", 400)
    monkeypatch.setattr(csv_bars, "STRETCH", 7)
    lines = [f"2024-01-{day:02},{day},{day + 1}.5,0.5,{day}.25" for day in range(1, 32)]
    head = "Date,Open,High,Low,Close"
    told: list[float] = []
    found = read("\n".join([head, *lines]), tell=told.append)
    assert found.bars.close.tolist() == [day + 0.25 for day in range(1, 32)]
    assert dates(found.bars)[-1] == "2024-01-31T00:00"
    assert len(told) >= 2
    assert told == sorted(told)
    assert told[-1] == 1.0
    lines[4] = lines[4].replace(".5,", "x,", 1)
    lines[27] = lines[27].replace("0.5", "low")
    lines[29] = lines[29].replace("2024-01-30", "2024-02-30")
    with pytest.raises(InvalidInput, match="3 values") as caught:
        read("\n".join([head, *lines]), date_format="iso")
    assert [(one.path, one.message.split(":")[0]) for one in caught.value.details] == [
        ("bars[29].ts", "line 31"),
        ("bars[4].high", "line 6"),
        ("bars[27].low", "line 29"),
    ]
    with pytest.raises(InvalidInput, match="1 rows have another number of fields"):
        read("\n".join([head, *lines[:3], "2024-01-09,1", *lines[5:8]]))


def test_of_a_million_faults_the_first_are_told_and_the_others_counted():
    rows = "2024-01-02,x,1,1,1\n" * 50_000
    with pytest.raises(InvalidInput, match="50000 values") as caught:
        read("Date,Open,High,Low,Close\n" + rows)
    assert "49980 more are not listed" in caught.value.message
    assert len(caught.value.details) == 20


@pytest.fixture
def api(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_file_is_looked_at_before_anything_is_stored(api):
    answer = send(api, NASDAQ, "imports/preview")
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert found["columns"]["close"] == "Close/Last"
    assert (found["date_format"], found["rows"], found["interval"]) == ("%m/%d/%Y", 2, "1d")
    assert found["first"][0] == {
        "ts": "2024-01-30T00:00:00Z",
        "open": 190.94,
        "high": 191.8,
        "low": 187.47,
        "close": 188.04,
        "volume": 55859370.0,
    }
    assert not BarSeries.objects.exists()
    assert not Import.objects.exists()
    assert send(api, GERMAN, "imports/preview").json()["code"] == "malformed_header"


def test_a_file_is_imported_as_it_was_previewed(api, user):
    answer = send(api, NASDAQ, symbol="MINE", interval="1d")
    assert (answer.status_code, answer.json()["rows"]) == (201, 2)
    columns = '{"ts": "Datum", "open": "Er\u00f6ffnung", "high": "Hoch", "low": "Tief",'
    columns += ' "close": "Schluss"}'
    answer = send(api, GERMAN, symbol="DAX", interval="1d", columns=columns, calendar="XETR")
    assert answer.status_code == 201, answer.json()
    bars = bars_read(symbol="DAX", interval="1d", owner_id=user.id).bars
    assert bars.close.tolist() == [1004.0, 1011.25]
    assert send(api, GERMAN, symbol="DAX", columns="[1]").status_code == 422


def test_a_hundred_thousand_rows_are_read_in_a_second():
    count = 100_000
    close = 100 + np.arange(count) % 7
    ts = np.arange(count) * 60_000 + 1_704_067_200_000
    rows = "".join(f"{t},{c},{c + 1},{c - 1},{c},5\n" for t, c in zip(ts, close, strict=True))
    began = datetime.now(tz=UTC)
    found = read("time,open,high,low,close,volume\n" + rows)
    assert (datetime.now(tz=UTC) - began).total_seconds() < 2
    assert len(found.bars) == count
