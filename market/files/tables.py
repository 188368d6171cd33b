"""Bars from a table of somebody's, CSV or Parquet: what it means is found out and told."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.files.archives import UNPACKED_MAX, gzip_read, limited_read
from market.files.csv_bars import COLUMNS, epoch_ns, times_read
from market.files.faults import SHOWN_FAULTS, cell_fault, faults_refuse
from market.files.layout import (
    EPOCH_FORMAT,
    ISO_FORMAT,
    NEEDED,
    Layout,
    column_types,
    columns_detect,
    date_format_detect,
    decode,
    first_lines,
    form_detect,
    missing_columns,
    with_given,
)
from market.files.parquet_bars import parquet_table, times_ns

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

    Raises
    ------
    InvalidInput
        When something cannot be told, or a bar breaks the rules: one detail for each row, the
        first 20; `path` counts bars from 0, the message says the line of the file.
    """
    data = unpacked(data, limit=limit)
    if data[:4] == PARQUET:
        table, layout = parquet_table(data, limit=limit), Layout()
    else:
        layout = form_detect(first_lines(data))
        table = _text_table(data, layout)
    if not table.num_rows:
        raise InvalidInput("The file has a header but no bars.", code="no_bars")
    layout = _columns(table, layout, columns or {})
    texts = _time_texts(table, layout)
    if texts is not None:
        layout = replace(layout, date_format=date_format or date_format_detect(texts))
    return _bars(table, texts, layout, times_in)


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
            with archive.open(names[0]) as member:
                return limited_read(member, limit=limit)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(
            f"This is not a whole zip file: {error}.", code="malformed_file"
        ) from error


def _text_table(data: bytes, layout: Layout) -> pa.Table:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or not _is_utf8(data):
        data = decode(data).encode()
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "skip"

    names = _header(data, layout)
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(
                column_names=names, skip_rows=1 if layout.header else 0, use_threads=False
            ),
            parse_options=csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=note),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"This is not a CSV file: {error}.", code="malformed_file") from error
    if ragged:
        row = ragged[0]
        where = f"Line {row.number}" if row.number is not None else f"The row {row.text[:60]!r}"
        raise InvalidInput(
            f"{len(ragged)} rows have another number of fields than the first: {where} has "
            f"{row.actual_columns}, not {row.expected_columns}.",
            code="wrong_field_count",
            details=[
                Detail("bars", "wrong_field_count", f"{one.text[:80]!r} has another length.")
                for one in ragged[:SHOWN_FAULTS]
            ],
        )
    return table


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _header(data: bytes, layout: Layout) -> list[str]:
    first = decode(data[: data.find(b"\n") + 1 or len(data)]).strip("\r\n")
    cells = [cell.strip().strip('"').strip() for cell in first.split(layout.delimiter)]
    if not layout.header:
        return [str(at) for at in range(len(cells))]
    names = [cell or f"column {at + 1}" for at, cell in enumerate(cells)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidInput(
            f"The header names {', '.join(repeated)} more than once.", code="malformed_header"
        )
    return names


def _columns(table: pa.Table, layout: Layout, given: dict[str, str]) -> Layout:
    text = {name: column for name, column in zip(table.column_names, table.columns, strict=True)
            if pa.types.is_string(column.type)}  # fmt: skip
    types = column_types(pa.table(text)) if text else {}
    found = columns_detect(table.column_names, header=layout.header, types=types)
    layout = replace(layout, columns=found)
    layout = with_given(layout, given, table.column_names)
    missing = [name for name in NEEDED if name not in layout.columns]
    if missing:
        raise missing_columns(missing, table.column_names)
    return layout


def _time_texts(table: pa.Table, layout: Layout) -> pa.ChunkedArray | None:
    """Return the times as text; None where the file has them as times or numbers."""
    column = table.column(layout.columns["ts"])
    if not pa.types.is_string(column.type):
        return None
    texts = pc.utf8_trim_whitespace(column)
    if "clock" in layout.columns:
        clock = pc.utf8_trim_whitespace(table.column(layout.columns["clock"]))
        texts = pc.binary_join_element_wise(texts, clock, " ")
    return texts


def _bars(
    table: pa.Table, texts: pa.ChunkedArray | None, layout: Layout, times_in: str
) -> TableBars:
    faults: list[Detail] = []
    notes: list[str] = []
    first_line = 2 if layout.header else 1
    if texts is None:
        ts = times_ns(table.column(layout.columns["ts"]))
    else:
        ts = _times(texts, layout, times_in, first_line, faults)
    wanted = [name for name in (*COLUMNS[1:], "adj_close") if name in layout.columns]
    numbers = {
        name: _numbers(name, table.column(layout.columns[name]), layout, first_line, faults)
        for name in wanted
    }
    faults_refuse(faults)
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
        bars = Bars.from_arrays(ts=ts, **numbers)
    except InvalidInput as error:
        where = "the last line" if layout.newest_first else f"line {first_line}"
        raise InvalidInput(
            f"{error.message} (bar 0 is {where} of the file)",
            code=error.code,
            details=error.details,
        ) from error
    return TableBars(bars, adjusted, layout, tuple(notes))


def _times(
    texts: pa.ChunkedArray, layout: Layout, times_in: str, first_line: int, faults: list[Detail]
) -> NDArray[np.int64]:
    if layout.date_format == EPOCH_FORMAT:
        return epoch_ns(np.asarray(pc.cast(texts, pa.float64())))
    if layout.date_format == ISO_FORMAT:
        return _iso_times(texts, times_in, first_line, faults)
    parsed = pc.strptime(texts, layout.date_format, "s", error_is_null=True)
    for row in np.flatnonzero(np.asarray(pc.is_null(parsed))):
        text = texts[int(row)].as_py()
        faults.append(
            cell_fault(
                int(row),
                "ts",
                text,
                f"a time written as {layout.date_format}",
                first_line=first_line,
            )
        )
    if faults:
        return np.zeros(len(texts), dtype=np.int64)
    naive = pd.DatetimeIndex(parsed.to_numpy()).as_unit("ns")
    return _zoned_ns(naive, times_in, texts, first_line, faults)


def _iso_times(
    texts: pa.ChunkedArray, zone: str, first_line: int, faults: list[Detail]
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
    faults: list[Detail],
) -> NDArray[np.int64]:
    """Return local times as UTC; one that a clock change skips or repeats is a fault."""
    # A day without a time is a session's name, whatever the zone.
    if zone == "UTC" or bool((naive == naive.normalize()).all()):
        return np.array(naive.asi8)
    utc = naive.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    for row in np.flatnonzero(utc.isna()):
        text = texts[int(row)].as_py()
        faults.append(
            cell_fault(
                int(row), "ts", text, f"a time that {zone} has exactly once", first_line=first_line
            )
        )
    return np.array(utc.tz_convert("UTC").tz_localize(None).as_unit("ns").asi8)


def _numbers(
    name: str, column: pa.ChunkedArray, layout: Layout, first_line: int, faults: list[Detail]
) -> NDArray[np.float64]:
    if not pa.types.is_string(column.type):
        return np.array(pc.cast(column, pa.float64()).fill_null(np.nan), dtype=np.float64)
    texts = pc.utf8_trim_whitespace(column)
    if layout.decimal == ",":
        texts = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
    try:
        return np.array(pc.cast(texts, pa.float64()), dtype=np.float64)
    except pa.ArrowInvalid:
        pass
    # $1,234.50
    cleaned = pc.replace_substring_regex(texts, r"[$€£,\s]", "")
    try:
        return np.array(pc.cast(cleaned, pa.float64()), dtype=np.float64)
    except pa.ArrowInvalid:
        pass
    values = np.full(len(cleaned), np.nan)
    for row, text in enumerate(cleaned.to_pylist()):
        try:
            values[row] = float(text)
        except ValueError:
            given = column[row].as_py()
            faults.append(cell_fault(row, name, given, "a number", first_line=first_line))
    return values
