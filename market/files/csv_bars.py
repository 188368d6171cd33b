"""Bars from CSV, strictly: what is wrong is told by row, nothing is guessed or repaired. No Django.

The header is `ts,open,high,low,close,volume`, in any order and case. Times are ISO 8601 (UTC where
they name no zone; a date means 00:00 UTC) or epoch seconds or milliseconds, one kind in a file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.files.archives import UNPACKED_MAX, gzip_read
from market.files.faults import Faults, faults_refuse

COLUMNS: Final = ("ts", "open", "high", "low", "close", "volume")
FIRST_DATA_LINE: Final = 2
STRETCH: Final = 100_000
NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
MAX_NS: Final = 2**63 - 1
# Whole years that nanoseconds in 64 bits reach, in any time zone.
FIRST_YEAR: Final = 1678
LAST_YEAR: Final = 2261
WITHIN: Final = f"a time from {FIRST_YEAR} to {LAST_YEAR}"
EPOCH: Final = r"^[+-]?\d{1,18}(\.\d*)?$"
ISO: Final = (
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|z|[+-]\d{2}:?\d{2})?)?$"
)

Source = str | PathLike[str] | IO[bytes]


@dataclass(frozen=True, slots=True)
class CsvBars:
    """Validated bars, and the further columns that were asked for.

    Attributes
    ----------
    bars : Bars
    extra : dict of str to ndarray of float64, shape (n,)
        Only the columns that the file has.
    """

    bars: Bars
    extra: dict[str, NDArray[np.float64]]


def csv_bars_read(source: Source) -> Bars:
    """Return the bars in a CSV file.

    Parameters
    ----------
    source : path or binary file
        A path that ends in ``.gz`` is decompressed.

    Raises
    ------
    InvalidInput
        One detail for each bad row, the first 20 of them; `path` counts bars from 0, the message
        says the line of the file.
    OSError
        When the path cannot be read.
    """
    return csv_read(source).bars


def csv_read(source: Source, *, optional: Sequence[str] = ()) -> CsvBars:
    """Return the bars in a CSV file and those of the `optional` columns that it has."""
    table = _table(_bytes(source))
    names = _names(table, optional)
    if not table.num_rows:
        raise InvalidInput("The file has a header but no bars.", code="no_bars")
    columns = {name: table.column(at) for name, at in names.items()}
    faults = Faults()
    ts = _times(columns.pop("ts"), faults)
    numbers = {name: _numbers(name, column, faults) for name, column in columns.items()}
    faults.refuse()
    try:
        bars = Bars.from_arrays(ts=ts, **{name: numbers.pop(name) for name in COLUMNS[1:]})
    except InvalidInput as error:
        raise InvalidInput(
            f"{error.message} (bar 0 is line {FIRST_DATA_LINE} of the file)",
            code=error.code,
            details=error.details,
        ) from error
    return CsvBars(bars, numbers)


def _bytes(source: Source) -> bytes:
    if not isinstance(source, str | PathLike):
        return source.read()
    path = Path(source)
    if path.suffix == ".gz":
        return gzip_read(path.read_bytes(), limit=UNPACKED_MAX)
    return path.read_bytes()


def _table(data: bytes) -> pa.Table:
    """Split into columns of text."""
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "skip"

    if b"\n" not in data:
        data += b"\n"
    try:
        header = data[: data.index(b"\n")].decode("utf-8-sig")
        names = [name.strip().strip('"').lower() for name in header.strip().split(",")]
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(
                column_names=[str(at) for at in range(len(names))], skip_rows=1, use_threads=False
            ),
            parse_options=csv.ParseOptions(invalid_row_handler=note),
            convert_options=csv.ConvertOptions(
                column_types={str(at): pa.string() for at in range(len(names))},
                strings_can_be_null=False,
            ),
        )
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        raise InvalidInput(
            f"This is not a CSV file in UTF-8: {error}. The header must be {','.join(COLUMNS)}.",
            code="malformed_file",
        ) from error
    faults_refuse([_ragged(row) for row in ragged])
    return table.rename_columns(names) if len(set(names)) == len(names) else _twice(names)


def _ragged(row: Any) -> Detail:
    where = f"line {row.number}" if row.number is not None else f"the row {row.text[:80]!r}"
    message = f"{where} has {row.actual_columns} fields, the header {row.expected_columns}."
    return Detail(
        path="bars",
        code="wrong_field_count",
        message=message,
        expected=row.expected_columns,
        received=row.actual_columns,
    )


def _twice(names: list[str]) -> pa.Table:
    repeated = sorted({name for name in names if names.count(name) > 1})
    raise InvalidInput(
        f"The header names {', '.join(repeated)} more than once.", code="malformed_header"
    )


def _names(table: pa.Table, optional: Sequence[str]) -> dict[str, int]:
    """Return where each column is, or say what is wrong with the header."""
    found = {name: at for at, name in enumerate(table.column_names)}
    missing = [name for name in COLUMNS if name not in found]
    unknown = [name for name in found if name not in {*COLUMNS, *optional}]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has the unknown {', '.join(map(repr, unknown))}"] if unknown else []
        message = f"The header {' and '.join(parts)}: it must be {','.join(COLUMNS)}."
        raise InvalidInput(
            message,
            code="malformed_header",
            details=[
                Detail(
                    path="header",
                    code="malformed_header",
                    message=message,
                    expected=list(COLUMNS),
                    received=list(found),
                )
            ],
        )
    return found


def _numbers(name: str, column: pa.ChunkedArray, faults: Faults) -> NDArray[np.float64]:
    try:
        return np.asarray(pc.cast(pc.utf8_trim_whitespace(column), pa.float64()))
    except pa.ArrowInvalid:
        texts = column.to_pylist()
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        try:
            values[row] = float(text)
        except ValueError:
            faults.cell(row, name, text, "a number", first_line=FIRST_DATA_LINE)
    return values


def _times(column: pa.ChunkedArray, faults: Faults) -> NDArray[np.int64]:
    texts = pc.utf8_trim_whitespace(column)
    if pc.all(pc.match_substring_regex(texts, EPOCH)).as_py():
        return epoch_ns(np.asarray(pc.cast(texts, pa.float64())))
    return times_read(texts, faults)


def times_read(
    texts: pa.ChunkedArray, faults: Faults, *, first_line: int = FIRST_DATA_LINE
) -> NDArray[np.int64]:
    """Return ISO 8601 times as nanoseconds UTC; one that is none is noted."""
    # A stretch at a time: as Python's texts they take ten times the room of the times in them.
    stretches = [texts.slice(row, STRETCH) for row in range(0, len(texts), STRETCH)]
    ts = np.empty(len(texts), dtype=np.int64)
    for number, stretch in enumerate(stretches):
        row = number * STRETCH
        ts[row : row + STRETCH] = _times_stretch(stretch, faults, row, first_line)
    return ts


def _times_stretch(
    texts: pa.ChunkedArray, faults: Faults, first_row: int, first_line: int
) -> NDArray[np.int64]:
    right = np.asarray(pc.match_substring_regex(texts, ISO))
    if right.all():
        # What is written alike is understood thirty times as fast.
        for kind in (pa.timestamp("ns", tz="UTC"), pa.timestamp("ns")):
            with contextlib.suppress(pa.ArrowInvalid):
                return np.array(pc.cast(pc.cast(texts, kind), pa.int64()), dtype=np.int64)
    stamps = pd.to_datetime(
        pd.Series(texts.to_numpy()).where(right), utc=True, format="ISO8601", errors="coerce"
    )
    for row in np.flatnonzero(stamps.isna().to_numpy()):
        expected = "a time such as 2024-01-31T14:30:00Z, 2024-01-31, or epoch seconds"
        text = texts[int(row)].as_py()
        faults.cell(first_row + int(row), "ts", text, expected, first_line=first_line)
    beyond = years_beyond(pd.DatetimeIndex(stamps))
    for row in np.flatnonzero(beyond):
        text = texts[int(row)].as_py()
        faults.cell(first_row + int(row), "ts", text, WITHIN, first_line=first_line)
    known = stamps.mask(beyond).dt.as_unit("ns")
    return known.to_numpy(dtype="datetime64[ns]").view(np.int64)


def years_beyond(stamps: pd.DatetimeIndex) -> NDArray[np.bool_]:
    """Return which times 64 bits of nanoseconds cannot tell, whatever their zone."""
    return np.asarray((stamps.year < FIRST_YEAR) | (stamps.year > LAST_YEAR))


def epoch_ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return epoch seconds, or milliseconds, as nanoseconds: seconds where they can be that.

    As seconds, 2**63 ns (the year 2262) ends at 9.2e9; as milliseconds the same number is in
    April 1970. So every time from then on is understood.
    """
    if not np.isfinite(seconds).all():
        raise InvalidInput("A time is no finite number.", code="malformed_times")
    largest = float(np.abs(seconds).max())
    unit = NS_PER_S if largest <= MAX_NS / NS_PER_S else NS_PER_MS
    if largest > MAX_NS / unit:
        raise InvalidInput(
            f"The time {largest:.0f} is neither epoch seconds nor milliseconds.",
            code="malformed_times",
        )
    whole: NDArray[np.int64] = seconds.astype(np.int64)
    fraction = np.round((seconds - whole) * unit).astype(np.int64)
    return whole * unit + fraction
