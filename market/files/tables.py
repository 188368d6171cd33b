"""Bars from a table of somebody's, CSV or Parquet: what it means is found out and told."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import InvalidInput
from market.files.archives import UNPACKED_MAX, gzip_read, member_read
from market.files.csv_bars import COLUMNS, WITHIN, epoch_ns, times_read, years_beyond
from market.files.faults import Faults
from market.files.layout import EPOCH_FORMAT, ISO_FORMAT, Layout, date_format_detect
from market.files.parquet_bars import parquet_table, times_ns
from market.files.text_table import (
    NUMBERS,
    TextColumns,
    Told,
    layout_complete,
    numbers_read,
    text_columns_read,
    times_text,
)

PREVIEW_ROWS: Final = 10
PARQUET: Final = b"PAR1"
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class TableBars:
    """Bars of a table, and how it was understood.

    Attributes
    ----------
    bars : Bars
    adj_close : ndarray of float64 or None
    layout : Layout
    notes : tuple of str
        What was done that its owner may not expect.
    """

    bars: Bars
    adj_close: NDArray[np.float64] | None
    layout: Layout
    notes: tuple[str, ...]


def table_read(
    data: bytes,
    *,
    columns: dict[str, str] | None = None,
    date_format: str = "",
    times_in: str = "UTC",
    limit: int = UNPACKED_MAX,
    tell: Told | None = None,
) -> TableBars:
    """Return the bars in a file: CSV or Parquet, packed with gzip or zip or not.

    Parameters
    ----------
    data : bytes
    columns : dict of str to str, optional
        Ours to theirs, where they cannot be told by their names.
    date_format : str
        ``"iso"``, ``"epoch"`` or in strptime's letters; found out where it is empty.
    times_in : str
        Time zone of times that name none.
    limit : int
        Bytes that it may unpack to.
    tell : callable, optional
        Told which share of a CSV file was read; what it raises ends the reading.

    Raises
    ------
    InvalidInput
        When something cannot be told, or a bar breaks the rules: one detail for each row, the
        first 20; `path` counts bars from 0, the message says the line of the file.
    """
    data = unpacked(data, limit=limit)
    given = columns or {}
    if data[:4] == PARQUET:
        read = _parquet_columns(data, given, limit)
    else:
        read = text_columns_read(data, given=given, tell=tell)
    # The room is needed for what was in it.
    del data
    if isinstance(read, TextColumns):
        found = date_format or date_format_detect(read.times)
        read = replace(read, layout=replace(read.layout, date_format=found))
    return _bars(read, times_in)


def unpacked(data: bytes, *, limit: int) -> bytes:
    """Return what is in a gzip or zip file, or the bytes as they are.

    Raises
    ------
    InvalidInput
        When it is damaged, unpacks to more than the limit, or has several files.
    """
    if data[:2] == GZIP:
        return gzip_read(data, limit=limit)
    if data[:4] != ZIP:
        return data
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise InvalidInput(
                    f"The zip file has {len(names)} files: it must have one.", code="malformed_file"
                )
            return member_read(archive, names[0], limit=limit)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(
            f"This is not a whole zip file: {error}.", code="malformed_file"
        ) from error


@dataclass(frozen=True, slots=True)
class _TimedColumns:
    """What is in a table whose times are no text."""

    layout: Layout
    ts: NDArray[np.int64]
    numbers: dict[str, NDArray[np.float64]]
    faults: Faults


def _parquet_columns(data: bytes, given: dict[str, str], limit: int) -> TextColumns | _TimedColumns:
    table = parquet_table(data, limit=limit)
    if not table.num_rows:
        raise InvalidInput("The file has no bars.", code="no_bars")
    layout = layout_complete(Layout(), table, given)
    faults = Faults()
    numbers = {
        name: _numbers(name, table.column(layout.columns[name]), layout, faults)
        for name in NUMBERS
        if name in layout.columns
    }
    times = table.column(layout.columns["ts"])
    if pa.types.is_string(times.type):
        return TextColumns(layout, times_text(table, layout), numbers, faults)
    return _TimedColumns(layout, times_ns(times), numbers, faults)


def _numbers(
    name: str, column: pa.ChunkedArray, layout: Layout, faults: Faults
) -> NDArray[np.float64]:
    if pa.types.is_string(column.type):
        return numbers_read(name, column, layout, faults, first_line=2)
    return np.array(pc.cast(column, pa.float64()).fill_null(np.nan), dtype=np.float64)


def _bars(read: TextColumns | _TimedColumns, times_in: str) -> TableBars:
    layout, numbers, faults = read.layout, read.numbers, read.faults
    notes: list[str] = []
    first_line = 2 if layout.header else 1
    if isinstance(read, TextColumns):
        ts = _times(read.times, layout, times_in, first_line, faults)
    else:
        ts = read.ts
    faults.refuse()
    if len(ts) > 1 and bool((np.diff(ts) < 0).all()):
        layout = replace(layout, newest_first=True)
        ts = ts[::-1].copy()
        numbers = {name: column[::-1].copy() for name, column in numbers.items()}
        notes.append("The newest bar comes first in the file; the order was turned around.")
    if "volume" not in numbers:
        numbers["volume"] = np.zeros(len(ts))
        notes.append("The file has no volume: it is 0 everywhere.")
    if times_in != "UTC":
        notes.append(f"Times are taken for those of {times_in}.")
    adjusted = numbers.pop("adj_close", None)
    try:
        bars = Bars.from_arrays(ts=ts, **{name: numbers.pop(name) for name in COLUMNS[1:]})
    except InvalidInput as error:
        where = "the last line" if layout.newest_first else f"line {first_line}"
        raise InvalidInput(
            f"{error.message} (bar 0 is {where} of the file)",
            code=error.code,
            details=error.details,
        ) from error
    return TableBars(bars, adjusted, layout, tuple(notes))


def _times(
    texts: pa.ChunkedArray, layout: Layout, times_in: str, first_line: int, faults: Faults
) -> NDArray[np.int64]:
    if layout.date_format == EPOCH_FORMAT:
        return epoch_ns(np.asarray(pc.cast(texts, pa.float64())))
    if layout.date_format == ISO_FORMAT:
        return _iso_times(texts, times_in, first_line, faults)
    parsed = pc.strptime(texts, layout.date_format, "s", error_is_null=True)
    for row in np.flatnonzero(np.asarray(pc.is_null(parsed))):
        text = texts[int(row)].as_py()
        expected = f"a time written as {layout.date_format}"
        faults.cell(int(row), "ts", text, expected, first_line=first_line)
    stamps = pd.DatetimeIndex(parsed.to_numpy())
    for row in np.flatnonzero(years_beyond(stamps)):
        faults.cell(int(row), "ts", texts[int(row)].as_py(), WITHIN, first_line=first_line)
    if faults:
        return np.zeros(len(texts), dtype=np.int64)
    return _zoned_ns(stamps.as_unit("ns"), times_in, texts, first_line, faults)


def _iso_times(
    texts: pa.ChunkedArray, zone: str, first_line: int, faults: Faults
) -> NDArray[np.int64]:
    utc = times_read(texts, faults, first_line=first_line)
    named = np.asarray(pc.match_substring_regex(texts, r"(Z|z|[+-]\d{2}:?\d{2})$"))
    # A date ends in two digits after a minus too, and names no zone.
    named &= np.asarray(pc.match_substring(texts, ":"))
    if faults or zone == "UTC" or named.all():
        return utc
    local = _zoned_ns(pd.DatetimeIndex(utc.view("datetime64[ns]")), zone, texts, first_line, faults)
    return np.where(named, utc, local)


def _zoned_ns(
    naive: pd.DatetimeIndex,
    zone: str,
    texts: pa.ChunkedArray,
    first_line: int,
    faults: Faults,
) -> NDArray[np.int64]:
    """Return local times as UTC; one that a clock change skips or repeats is a fault."""
    # A day without a time is a session's name, whatever the zone.
    if zone == "UTC" or bool((naive == naive.normalize()).all()):
        return np.array(naive.asi8)
    utc = naive.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    for row in np.flatnonzero(utc.isna()):
        text = texts[int(row)].as_py()
        expected = f"a time that {zone} has exactly once"
        faults.cell(int(row), "ts", text, expected, first_line=first_line)
    return np.array(utc.tz_convert("UTC").tz_localize(None).as_unit("ns").asi8)
