"""Bars from a CSV file, for work without a database."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.engine.actions import Actions
from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from market.files.csv_bars import WITHIN, years_beyond

COLUMNS: Final = ("ts", "open", "high", "low", "close", "volume")
NS_END: Final = 2.0**63
NANOSECONDS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
# The year 5138 in seconds is 1973 in milliseconds: a number says its unit by its size.
UNIT_BELOW: Final = ((1e11, "s"), (1e14, "ms"), (1e17, "us"))


@dataclass(frozen=True, slots=True, eq=False)
class BarFile:
    """Bars and the hash of the bytes that they came from."""

    path: str
    bars: Bars
    snapshot: str


def bars_file_read(path: str | Path) -> BarFile:
    """Read `ts,open,high,low,close,volume`; `volume` may be missing.

    Times are ISO 8601 (UTC where they name no zone) or epoch seconds, milliseconds, microseconds
    or nanoseconds. Numbers are read to the last bit.

    Raises
    ------
    InvalidInput
        The file cannot be read, lacks columns, or has rows that are no bars; rows count from 0.
    """
    content = _content(path)
    table = _table(path, content)
    missing = [name for name in COLUMNS[:5] if name not in table.columns]
    if missing:
        raise InvalidInput(
            f"{path} lacks the columns {', '.join(missing)}: begin it with the line "
            f"{','.join(COLUMNS)}; found {','.join(table.columns)}."
        )
    columns = {name: _numbers(path, table, name) for name in COLUMNS[1:5]}
    volume = _numbers(path, table, "volume") if "volume" in table.columns else np.zeros(len(table))
    bars = Bars.from_arrays(ts=_times(path, table["ts"]), **columns, volume=volume)
    return BarFile(str(path), bars, hashlib.sha256(content).hexdigest())


def actions_file_read(path: str | Path, bars: Bars) -> Actions:
    """Read `ts,split,dividend`: units after for one before, and cash for each unit after it.

    Either column, or a cell of it, may be missing. What happened counts from the open of the first
    bar from its time on; several rows of one bar add up.

    Raises
    ------
    InvalidInput
        The file cannot be read, or has neither column.
    """
    table = _table(path, _content(path))
    given = [name for name in ("split", "dividend") if name in table.columns]
    if "ts" not in table.columns or not given:
        raise InvalidInput(
            f"{path} must begin with the line ts,split,dividend; found {','.join(table.columns)}."
        )
    found = Actions(np.ones(len(bars)), np.zeros(len(bars)))
    rows = np.searchsorted(bars.ts, _times(path, table["ts"]))
    for name in given:
        cells = table[[name]].fillna(1.0 if name == "split" else 0.0)
        for row, value in zip(rows.tolist(), _numbers(path, cells, name).tolist(), strict=True):
            if row == len(bars):
                continue
            if name == "split":
                found.splits[row] *= value
            else:
                found.dividends[row] += value
    return found


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def _table(path: str | Path, content: bytes) -> Any:
    """Return a CSV file with the names of its columns in lower case."""
    try:
        table = pd.read_csv(io.BytesIO(content), skipinitialspace=True, dtype={"ts": str})
    except (ValueError, pd.errors.ParserError) as error:
        raise InvalidInput(f"{path} is not CSV: {error}.") from error
    table.columns = pd.Index([str(name).strip().lower() for name in table.columns])
    return table


def _numbers(path: str | Path, table: Any, name: str) -> NDArray[np.float64]:
    values = pd.to_numeric(table[name], errors="coerce")
    bad = np.flatnonzero(values.isna().to_numpy())
    if len(bad):
        raise _row_fault(path, int(bad[0]), name, table[name].iloc[bad[0]], "a number")
    found: NDArray[np.float64] = values.to_numpy(np.float64)
    return found


def _times(path: str | Path, texts: Any) -> NDArray[np.int64]:
    numbers = pd.to_numeric(texts, errors="coerce")
    if len(texts) and numbers.notna().all():
        largest = float(numbers.abs().max())
        unit = next((name for below, name in UNIT_BELOW if largest < below), "ns")
        if largest * NANOSECONDS[unit] >= NS_END:
            row = int(numbers.abs().argmax())
            raise _row_fault(path, row, "ts", texts.iloc[row], WITHIN)
        whole: NDArray[np.int64] = (
            texts.astype("int64").to_numpy()
            if texts.str.fullmatch(r"-?\d+").all()
            else np.round(numbers.to_numpy(np.float64)).astype(np.int64)
        )
        return whole * NANOSECONDS[unit]
    stamps = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    bad = np.flatnonzero(stamps.isna().to_numpy())
    if len(bad):
        raise _row_fault(
            path, int(bad[0]), "ts", texts.iloc[bad[0]], "an ISO 8601 time or epoch seconds"
        )
    beyond = np.flatnonzero(years_beyond(pd.DatetimeIndex(stamps)))
    if len(beyond):
        raise _row_fault(path, int(beyond[0]), "ts", texts.iloc[beyond[0]], WITHIN)
    found: NDArray[np.int64] = stamps.to_numpy("datetime64[ns]").astype(np.int64)
    return found


def _row_fault(path: str | Path, row: int, name: str, value: Any, expected: str) -> InvalidInput:
    message = f"{path}, row {row}: {name} is {value!r}, not {expected}."
    return InvalidInput(
        message, details=[Detail(f"bars[{row}].{name}", "invalid", message, expected, str(value))]
    )
