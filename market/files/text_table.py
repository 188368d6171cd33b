"""The columns of a CSV file, a stretch at a time: the text of one stretch is all that is held.

Text takes several times the room of the numbers in it; a file of 200 MB would otherwise take a
gigabyte while it is read.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from core.errors import Detail, InvalidInput
from market.files.csv_bars import COLUMNS
from market.files.faults import SHOWN_FAULTS, Faults
from market.files.layout import (
    NEEDED,
    Layout,
    column_types,
    columns_detect,
    decode,
    first_lines,
    form_detect,
    missing_columns,
    with_given,
)

NUMBERS: tuple[str, ...] = (*COLUMNS[1:], "adj_close")
STRETCH_BYTES: Final = 8 * 1024 * 1024
# What columns are is told by the beginning.
SAMPLE_BYTES: Final = 512 * 1024

Told = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class TextColumns:
    """What is in a table, before its times are understood.

    Attributes
    ----------
    layout : Layout
        But for `date_format`.
    times : ChunkedArray of text
    numbers : dict of str to ndarray of float64
        By our names, those that the file has.
    faults : Faults
        Cells that are no numbers.
    """

    layout: Layout
    times: pa.ChunkedArray
    numbers: dict[str, NDArray[np.float64]]
    faults: Faults


def text_columns_read(
    data: bytes, *, given: dict[str, str], tell: Told | None = None
) -> TextColumns:
    """Return the columns of a CSV file.

    Parameters
    ----------
    data : bytes
    given : dict of str to str
        Ours to theirs, where they cannot be told by their names.
    tell : callable, optional
        Told again and again which share of the file was read; what it raises ends the reading.

    Raises
    ------
    InvalidInput
        When it is no table, or a column is missing.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or not _is_utf8(data):
        data = decode(data).encode()
    layout = form_detect(first_lines(data))
    names = _header(data, layout)
    layout = layout_complete(layout, _sample(data, layout, names), given)
    wanted = [name for name in NUMBERS if name in layout.columns]
    first_line = 2 if layout.header else 1
    faults, row = Faults(), 0
    times: list[pa.Array] = []
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in wanted}
    for number, stretch in enumerate(_stretches(data, layout, names), start=1):
        times.append(times_text(stretch, layout))
        for name in wanted:
            texts = stretch.column(layout.columns[name])
            parts[name].append(
                numbers_read(name, texts, layout, faults, row=row, first_line=first_line)
            )
        row += stretch.num_rows
        if tell is not None:
            tell(min(number * STRETCH_BYTES / len(data), 1.0))
    if not row:
        raise InvalidInput("The file has a header but no bars.", code="no_bars")
    numbers = {name: np.concatenate(parts.pop(name)) for name in wanted}
    return TextColumns(layout, pa.chunked_array(times), numbers, faults)


def layout_complete(layout: Layout, table: pa.Table, given: dict[str, str]) -> Layout:
    """Return a layout with the columns of a table, or of its beginning.

    Raises
    ------
    InvalidInput
        When one that is needed is missing, or one that was named is not there.
    """
    text = {
        name: column
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_string(column.type)
    }
    types = column_types(pa.table(text)) if text else {}
    found = columns_detect(table.column_names, header=layout.header, types=types)
    layout = with_given(replace(layout, columns=found), given, table.column_names)
    missing = [name for name in NEEDED if name not in layout.columns]
    if missing:
        raise missing_columns(missing, table.column_names)
    return layout


def times_text(table: pa.Table | pa.RecordBatch, layout: Layout) -> pa.Array | pa.ChunkedArray:
    """Return the times of a table as text, a day and its time of day joined."""
    texts = pc.utf8_trim_whitespace(table.column(layout.columns["ts"]))
    if "clock" in layout.columns:
        clock = pc.utf8_trim_whitespace(table.column(layout.columns["clock"]))
        texts = pc.binary_join_element_wise(texts, clock, " ")
    return texts


def numbers_read(
    name: str,
    column: pa.Array | pa.ChunkedArray,
    layout: Layout,
    faults: Faults,
    *,
    row: int = 0,
    first_line: int,
) -> NDArray[np.float64]:
    """Return a column of text as numbers; a cell that is none is NaN and noted.

    `row` is that of its first cell.
    """
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
    for at, text in enumerate(cleaned.to_pylist()):
        try:
            values[at] = float(text)
        except ValueError:
            given = column[at].as_py()
            faults.cell(row + at, name, given, "a number", first_line=first_line)
    return values


def _sample(data: bytes, layout: Layout, names: list[str]) -> pa.Table:
    """Return the beginning of a file; lines of another length are told of when all is read."""
    end = data.rfind(b"\n", 0, SAMPLE_BYTES) + 1 if len(data) > SAMPLE_BYTES else len(data)
    batches = list(_batches(data[: end or len(data)], layout, names, lambda _: "skip"))
    return pa.Table.from_batches(batches, pa.schema([(name, pa.string()) for name in names]))


def _stretches(data: bytes, layout: Layout, names: list[str]) -> Iterator[pa.RecordBatch]:
    ragged: list[Any] = []
    count = 0

    def note(row: Any) -> str:
        nonlocal count
        count += 1
        if count <= SHOWN_FAULTS:
            ragged.append(row)
        return "skip"

    yield from _batches(data, layout, names, note)
    if count:
        raise _of_other_length(ragged, count)


def _batches(
    data: bytes, layout: Layout, names: list[str], note: Callable[[Any], str]
) -> Iterator[pa.RecordBatch]:
    if not data.endswith(b"\n"):
        data += b"\n"
    try:
        yield from csv.open_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(
                column_names=names,
                skip_rows=1 if layout.header else 0,
                use_threads=False,
                block_size=STRETCH_BYTES,
            ),
            parse_options=csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=note),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise InvalidInput(f"This is not a CSV file: {error}.", code="malformed_file") from error


def _of_other_length(rows: list[Any], count: int) -> InvalidInput:
    row = rows[0]
    where = f"Line {row.number}" if row.number is not None else f"The row {row.text[:60]!r}"
    return InvalidInput(
        f"{count} rows have another number of fields than the first: {where} has "
        f"{row.actual_columns}, not {row.expected_columns}.",
        code="wrong_field_count",
        details=[
            Detail("bars", "wrong_field_count", f"{one.text[:80]!r} has another length.")
            for one in rows
        ],
    )


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for begin in range(0, len(view), STRETCH_BYTES):
            decoder.decode(view[begin : begin + STRETCH_BYTES])
        decoder.decode(b"", final=True)
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
