from __future__ import annotations

import gzip
from datetime import datetime
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from market.files.csv_bars import csv_bars_read, times_read
from market.files.faults import Faults

FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")

HEADER = "ts,open,high,low,close,volume\n"
BAR = ",10,12,9,11,100\n"


def read(text: str):
    return csv_bars_read(BytesIO(text.encode()))


def refused(text: str | bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        csv_bars_read(BytesIO(text if isinstance(text, bytes) else text.encode()))
    return caught.value


@pytest.mark.parametrize(
    ("written", "ns"),
    [
        ("2024-01-02", 1_704_153_600_000_000_000),
        ("2024-01-02T14:30:00Z", 1_704_205_800_000_000_000),
        ("2024-01-02 14:30", 1_704_205_800_000_000_000),
        ("2024-01-02T09:30:00-05:00", 1_704_205_800_000_000_000),
        ("2024-01-02T14:30:00.123456789Z", 1_704_205_800_123_456_789),
        ("1704205800", 1_704_205_800_000_000_000),
        ("1704205800.5", 1_704_205_800_500_000_000),
        ("1704205800123", 1_704_205_800_123_000_000),
        ("0", 0),
        ("-86400", -86_400_000_000_000),
    ],
)
def test_times_are_iso_or_epoch_seconds_or_milliseconds(written, ns):
    assert read(HEADER + written + BAR).ts.tolist() == [ns]


def test_columns_may_come_in_any_order_and_case_with_any_line_ends_and_blank_lines():
    bars = read("\ufeffVolume,Close,TS,low, Open,HIGH\r\n100,11,2024-01-02,9,10,12\r\n\r\n")
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (10, 12, 9, 11)
    assert bars.volume[0] == 100


def test_a_path_may_be_compressed(tmp_path):
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "2024-01-02" + BAR).encode()))
    assert len(csv_bars_read(path)) == 1
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InvalidInput, match="gzip"):
        csv_bars_read(str(path))


def test_every_bad_value_is_told_by_row_and_line():
    error = refused(
        HEADER + "2024-01-02,x,12,9,11,100\n2024-13-02" + BAR + "2024-01-04,10,12,9,,100\n"
    )
    assert [detail.path for detail in error.details] == [
        "bars[1].ts",
        "bars[0].open",
        "bars[2].close",
    ]
    assert "line 3" in error.details[0].message
    assert error.details[1].received == "x"


def test_a_bar_that_breaks_the_rules_is_told_by_row():
    error = refused(HEADER + "2024-01-02" + BAR + "2024-01-03,10,12,10.5,11,100\n")
    assert error.details[0].path == "bars[1].low"
    assert error.details[0].received == 10.5


@pytest.mark.parametrize("times", [("2024-01-03", "2024-01-02"), ("2024-01-02", "2024-01-02")])
def test_bars_out_of_order_are_refused_not_sorted(times):
    assert refused(HEADER + "".join(time + BAR for time in times)).details[0].path == "bars[1].ts"


def test_the_first_twenty_faults_are_listed_and_the_rest_counted():
    error = refused(HEADER + "".join(f"2024-01-{day:02}" + ",x,1,1,1,1\n" for day in range(1, 26)))
    assert len(error.details) == 20
    assert "25 values" in error.message
    assert "5 more" in error.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks ts"),
        ("ts,open,high,low,close\n2024-01-02,1,1,1,1\n", "lacks volume"),
        ("ts,open,high,low,close,volume,rsi\n", "unknown 'rsi'"),
        ("ts,ts,open,high,low,close,volume\n", "more than once"),
        (HEADER, "no bars"),
        (HEADER.strip(), "no bars"),
        (HEADER + "2024-01-02,10,12,9,11\n", "line 2 has 5 fields"),
        (HEADER + "2024-01-02,10,12,9,11,1,000\n", "line 2 has 7 fields"),
        (HEADER + "1704205800123456789" + BAR, "not a time"),
        (HEADER + "1704205800123456" + BAR, "neither epoch"),
        (HEADER + "02/01/2024" + BAR, "not a time"),
        (
            HEADER + "2024-01-02" + BAR + "2999-01-02" + BAR,
            "line 3: ts '2999-01-02' is not a time from",
        ),
        (HEADER + "0001-01-02" + BAR, "is not a time from 1678 to 2261"),
        (
            HEADER + "2024-01-02" + BAR + "2024-01-02" + BAR,
            "ts 2024-01-02T00:00:00Z is not a time after",
        ),
        (HEADER + "1704205800" + BAR + "2024-01-03" + BAR, "not a time"),
        (HEADER + "2024-01-02,10,12,9,nan,1\n", "not a finite number"),
        (HEADER + "2024-01-02,10,12,0,11,1\n", "above 0"),
        (b"\xff\xfe\x00\x01", "UTF-8"),
        (b"PK\x03\x04 a zip file \x00\xff\n\xff", "UTF-8"),
    ],
)
def test_a_file_that_is_something_else_is_refused_with_the_reason(text, words):
    assert words in refused(text).message


@given(
    moments=st.lists(
        st.datetimes(*map(datetime.fromisoformat, ("1700-01-01", "2250-01-01"))),
        min_size=1,
        max_size=5,
    ),
    form=st.sampled_from(FORMS),
    zone=st.sampled_from(["", "Z", " Z", "+05:30", "-0330"]),
    odd=st.sampled_from(["", "2024-01-02T10:00:00,5Z", "2024-01-02"]),
)
def test_times_that_are_written_alike_mean_the_same_as_among_others(moments, form, zone, odd):
    zone = zone if "%H" in form else ""
    texts = [f"{moment:{form}}{zone}" for moment in moments]
    expected = pd.to_datetime(pd.Series(texts), utc=True, format="ISO8601")
    found = times_read(pa.chunked_array([[*texts, odd] if odd else texts]), Faults())
    assert found[: len(texts)].tolist() == expected.dt.as_unit("ns").astype("int64").tolist()
