"""A history as the bytes of a Parquet file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import Permanent
from market.history import History

PRICES: Final = ("open", "high", "low", "close", "volume")
RATIOS: Final = ("factor", "split")


def history_bytes(history: History) -> bytes:
    """Return a Parquet file, its pages with checksums so that a damaged one is noticed."""
    bars = history.bars
    table = pa.table(
        {
            "ts": pa.array(bars.ts).cast(pa.timestamp("ns", tz="UTC")),
            **{name: pa.array(getattr(bars, name)) for name in PRICES},
            **{name: pa.array(getattr(history, name)) for name in RATIOS},
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="lz4",
        # Prices hardly repeat, adjustments hardly change, times grow by the same step.
        use_dictionary=list(RATIOS),
        column_encoding={"ts": "DELTA_BINARY_PACKED"},
        write_page_checksum=True,
        write_statistics=["ts"],
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def history_parse(data: bytes, *, name: str) -> History:
    """Return the history in a Parquet file that `history_bytes` made.

    Raises
    ------
    Permanent
        When the file is damaged or not one of ours.
    """
    return tables_join([table_parse(data, name=name)])


def table_parse(data: bytes, *, name: str) -> pa.Table:
    """Return the table in a file that `history_bytes` made; raises as `history_parse`."""
    try:
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        return table.select(["ts", *PRICES, *RATIOS])
    except (pa.ArrowException, OSError, KeyError) as error:
        raise Permanent(
            f"The bars in {name} are damaged ({error}): fetch or import them again.",
            code="bars_damaged",
        ) from error


def tables_join(tables: Sequence[pa.Table]) -> History:
    """Return tables of `table_parse`, each following the one before, as one history."""
    table = pa.concat_tables(tables)
    ts = _column(table, "ts").astype(np.int64, copy=False)
    prices = [_column(table, column) for column in PRICES]
    factor, split = (_column(table, column) for column in RATIOS)
    # Validated before they were written, and the checksums say that nothing changed since.
    return History(Bars(ts, *prices), factor, split)


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    column: NDArray[np.float64] = np.ascontiguousarray(table.column(name).to_numpy())
    if name == "ts":
        column = column.view(np.int64)
    column.flags.writeable = False
    return column
