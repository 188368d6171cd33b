"""Arrays to bytes and back: compressed Arrow, which names its columns and their types itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
from numpy.typing import NDArray

OVERLAY: Final = "overlay:"
"""Prefix of an indicator on the price's scale; the rest of the column's name is its label."""
PANEL: Final = "panel:"
"""Prefix of an indicator on a scale of its own."""

# LZ4: prices hardly shrink in any codec, and this one costs next to nothing.
OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


def columns_pack(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Return equally long columns as one Arrow stream: NaN stays NaN, equal input equal bytes.

    Raises
    ------
    ValueError
        When the columns differ in length.
    """
    batch = pa.RecordBatch.from_arrays(
        [pa.array(values, from_pandas=False) for values in columns.values()], list(columns)
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=OPTIONS) as writer:
        writer.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def columns_unpack(packed: bytes | memoryview) -> dict[str, NDArray[Any]]:
    """Return what `columns_pack` was given, in its order; the arrays are read-only."""
    with pa.ipc.open_stream(pa.py_buffer(packed)) as reader:
        batch = reader.read_next_batch()
    return {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }


def lines_of(series: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the indicators among the columns of a run by their labels."""
    return {
        name.removeprefix(prefix): values
        for name, values in series.items()
        if name.startswith(prefix)
    }
