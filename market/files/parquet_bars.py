"""Bars from a Parquet file of somebody else's, strictly, as `market.files.csv_bars` does CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.files.archives import MIB, UNPACKED_MAX
from market.files.csv_bars import COLUMNS, CsvBars, epoch_ns

# Of a value in memory: a number, or the place of a text.
VALUE_BYTES: Final = 8


def parquet_table(data: bytes, *, limit: int = UNPACKED_MAX) -> pa.Table:
    """Return the table in a Parquet file, its columns in lower case.

    Raises
    ------
    InvalidInput
        When it is none, is damaged, or unpacks to more than the limit.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        facts = file.metadata
        groups = (facts.row_group(at) for at in range(facts.num_row_groups))
        # A value that repeats takes no room in the file, however often it does.
        spread = facts.num_rows * facts.num_columns * VALUE_BYTES
        if max(spread, sum(group.total_byte_size for group in groups)) > limit:
            raise InvalidInput(
                f"The file unpacks to more than {limit // MIB:,} MiB: split it.", code="too_large"
            )
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(
            f"This is not a whole Parquet file: {error}.", code="malformed_file"
        ) from error
    return table.rename_columns([str(name).strip().lower() for name in table.column_names])


def parquet_bars_read(
    data: bytes, *, optional: Sequence[str] = (), limit: int = UNPACKED_MAX
) -> CsvBars:
    """Return the bars in a Parquet file and those of the `optional` columns that it has.

    `ts` is a timestamp (UTC where it names no zone), a date, or epoch seconds or milliseconds.

    Raises
    ------
    InvalidInput
        One detail for each bad row, the first 20 of them; `path` counts bars from 0.
    """
    table = parquet_table(data, limit=limit)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise InvalidInput(
            f"The file lacks {', '.join(missing)}: it must have {', '.join(COLUMNS)}.",
            code="malformed_header",
            details=[
                Detail(
                    path="header",
                    code="malformed_header",
                    message=f"There is no column {name}.",
                    expected=list(COLUMNS),
                    received=table.column_names,
                )
                for name in missing
            ],
        )
    if not table.num_rows:
        raise InvalidInput("The file has no bars.", code="no_bars")
    numbers = {
        name: _numbers(table, name)
        for name in (*COLUMNS[1:], *optional)
        if name in table.column_names
    }
    bars = Bars.from_arrays(
        ts=times_ns(table.column("ts")), **{name: numbers.pop(name) for name in COLUMNS[1:]}
    )
    return CsvBars(bars, numbers)


def times_ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of times as nanoseconds UTC.

    Raises
    ------
    InvalidInput
        When it holds something else, or a time is missing.
    """
    kind = column.type
    if column.null_count:
        raise InvalidInput(f"{column.null_count} times are missing.", code="malformed_times")
    try:
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            utc = pc.cast(pc.cast(column, pa.timestamp("ns")), pa.int64())
            return np.array(utc, dtype=np.int64)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return epoch_ns(np.asarray(column, dtype=np.float64))
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"A time is out of range: {error}.", code="malformed_times") from error
    raise InvalidInput(
        f"The column ts holds {kind}: it must hold timestamps, dates, or epoch seconds or "
        "milliseconds.",
        code="malformed_times",
    )


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = table.column(name)
    try:
        return np.array(pc.cast(column, pa.float64()).fill_null(np.nan), dtype=np.float64)
    except pa.ArrowException as error:
        raise InvalidInput(
            f"The column {name} holds {column.type}, which is not numbers: {error}.",
            code="not_a_number",
            details=[
                Detail(
                    path=name, code="not_a_number", message=f"{name} is {column.type}, not numbers."
                )
            ],
        ) from error
