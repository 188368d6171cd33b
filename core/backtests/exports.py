"""A run as a file: CSV and Parquet hold one table, JSON holds everything."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from core.backtests.columns import columns_unpack
from core.backtests.models import BacktestRun, Trade
from core.backtests.selectors import trade_list

EXPORT_FORMATS: Final = ("csv", "json", "parquet")
EXPORT_TABLES: Final = ("trades", "equity", "fills")
CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
TRADE_COLUMNS: Final = tuple(
    field.name for field in Trade._meta.concrete_fields if field.name not in {"id", "run"}
)
# A spreadsheet takes a text that begins with one of these for a formula and runs it.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to send."""

    name: str
    content_type: str
    content: bytes


def run_export(
    *, run: BacktestRun, run_data: dict[str, Any], kind: str, table: str
) -> ExportedFile:
    """Return a completed run, read with its curve, as a file.

    Parameters
    ----------
    run_data : dict
        How the API shows the run; the head of the JSON file.
    kind, table : str
        One of `EXPORT_FORMATS` and one of `EXPORT_TABLES`.
    """
    stem = f"backtest-{run.title}-{run.id}"
    if kind == "json":
        content = _everything(run, run_data)
    else:
        stem = f"{stem}-{table}"
        columns = table_columns(run, table)
        content = csv_bytes(columns) if kind == "csv" else _parquet(columns)
    safe = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in stem)
    return ExportedFile(f"{safe}.{kind}", CONTENT_TYPES[kind], content)


def table_columns(run: BacktestRun, table: str) -> dict[str, Any]:
    """Return the columns of a table; times are of type datetime64."""
    if table == "trades":
        rows = list(trade_list(run=run).values_list(*TRADE_COLUMNS))
        columns = list(zip(*rows, strict=True)) or [()] * len(TRADE_COLUMNS)
        return dict(zip(TRADE_COLUMNS, columns, strict=True))
    packed = run.curve.series if table == "equity" else run.curve.fills
    columns_found: dict[str, Any] = columns_unpack(packed)
    times = columns_found.pop("ts").astype("datetime64[ns]").astype("datetime64[us]")
    return {"time": times} | columns_found


def _everything(run: BacktestRun, run_data: dict[str, Any]) -> bytes:
    series = columns_unpack(run.curve.series)
    body = {
        "run": run_data,
        "trades": list(trade_list(run=run).values(*TRADE_COLUMNS)),
        "equity": {
            "dates": series["ts"] // 1_000_000,
            "close": series["close"],
            "equity": series["equity"],
            "position": series["position"],
        },
    }
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_INDENT_2
    return orjson.dumps(body, default=str, option=options)


def _parquet(columns: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    arrays = {name: _arrow(values) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _arrow(values: Any) -> pa.Array:
    is_time = isinstance(values, np.ndarray) and values.dtype.kind == "M"
    return pa.array(values, pa.timestamp("us", tz="UTC")) if is_time else pa.array(values)


def csv_bytes(columns: dict[str, Any]) -> bytes:
    """Return columns as CSV that no spreadsheet takes for formulas; undefined cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([csv_cell(name) for name in columns])
    plain = [_plain(values) for values in columns.values()]
    writer.writerows([csv_cell(value) for value in row] for row in zip(*plain, strict=True))
    return text.getvalue().encode()


def _plain(values: Any) -> list[Any]:
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        texts: list[Any] = np.datetime_as_string(values, timezone="UTC").tolist()
        return texts
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def csv_cell(value: Any) -> Any:
    """Return a cell: texts that would be formulas get a quote in front, numbers stay numbers."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, float):
        return "" if value != value else repr(value)  # noqa: PLR0124 - true for NaN alone
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
