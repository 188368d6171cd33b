"""A series as files: one for each stretch of time, and a list that says which.

A series that grows is written anew with every download. Cut by its dates, only the file of the last
stretch is: the others have the name of what they hold, and lie there already. Old lists keep naming
the files that they named.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from core.errors import Permanent
from market.cache import BarCache
from market.files.location import Location
from market.files.parquet import history_bytes, history_parse, table_parse, tables_join
from market.history import History

# Stretches were years once; lists of then are read as they are.
FORMAT: Final = "years/1"
LIST: Final = ".json"
# Files read at once: one waits for the disk or network while another is unpacked.
READERS: Final = 4


class Cut(Enum):
    """How a series is cut into files."""

    # A year of days is a few kilobytes.
    WHOLE = "whole"
    # A year of hours is some hundred of them.
    YEARS = "years"
    # Years, the last one's months, and the days of its last month: minutes come every minute, and a
    # year of them is some megabytes that hardly change.
    DAYS = "days"


def history_put(
    location: Location,
    folder: str,
    history: History,
    *,
    cut: Cut,
    there: Container[str] = (),
) -> str:
    """Write a history under the name of what it holds; return its path.

    The list comes last: a list names files that are there. Of files that are `there` already none
    is written again.
    """
    name = f"{folder}/{history.content_hash()}"
    if cut == Cut.WHOLE:
        location.write(f"{name}.parquet", history_bytes(history))
        return f"{name}.parquet"
    parts = []
    for label, part in _stretches(history, cut):
        file = f"{label}-{part.content_hash()}.parquet"
        if f"{folder}/{file}" not in there:
            location.write(f"{folder}/{file}", history_bytes(part))
        parts.append({"file": file, "rows": len(part)})
    listed = json.dumps({"format": FORMAT, "parts": parts}, indent=1)
    location.write(f"{name}{LIST}", listed.encode())
    return f"{name}{LIST}"


def history_get(location: Location, path: str, *, held: BarCache[pa.Table], url: str) -> History:
    """Return the history at a path that `history_put` returned.

    Of one in several files those that are held already, as of that URL, are not read again.

    Raises
    ------
    FileNotFoundError
        When it, or one of its files, is missing.
    Permanent
        When one is damaged.
    """
    data = location.read(path)
    if not path.endswith(LIST):
        return history_parse(data, name=path)
    folder = path.rpartition("/")[0]
    files = _listed(data, name=path)

    def read(file: str) -> pa.Table:
        name = f"{folder}/{file}"
        return held.get((url, name), lambda: table_parse(location.read(name), name=name))

    with ThreadPoolExecutor(READERS) as readers:
        return tables_join(list(readers.map(read, files)))


def files_of(location: Location, path: str) -> list[str]:
    """Return the paths of all files that a history lies in, itself first.

    Raises
    ------
    FileNotFoundError, Permanent
        As `history_get`.
    """
    if not path.endswith(LIST):
        return [path]
    folder = path.rpartition("/")[0]
    return [path, *(f"{folder}/{file}" for file in _listed(location.read(path), name=path))]


def _stretches(history: History, cut: Cut) -> Iterator[tuple[str, History]]:
    """Give the parts of a history, the oldest first, each with its date (UTC)."""
    ts = history.bars.ts
    first, last = ts[[0, -1]].view("datetime64[ns]")
    year, month, day = (last.astype(f"datetime64[{unit}]") for unit in "YMD")
    begins = [*np.arange(first.astype("datetime64[Y]"), year)]
    if cut == Cut.YEARS:
        begins.append(year)
    else:
        begins += [*np.arange(year.astype("datetime64[M]"), month)]
        begins += [*np.arange(month.astype("datetime64[D]"), day + 1)]
    times = [begin.astype("datetime64[ns]").astype(np.int64) for begin in begins]
    rows = [*np.searchsorted(ts, times).tolist(), len(ts)]
    for begin, start, stop in zip(begins, rows, rows[1:], strict=False):
        if start < stop:
            yield str(begin), history.slice(start, stop)


def _listed(data: bytes, *, name: str) -> list[str]:
    try:
        listed: dict[str, Any] = json.loads(data)
        known = listed["format"] == FORMAT
        files = [str(part["file"]) for part in listed["parts"]]
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(name, str(error)) from error
    if not known or not files:
        raise _damaged(name, "it is no list of files")
    return files


def _damaged(name: str, why: str) -> Permanent:
    return Permanent(
        f"The list of files {name} is damaged ({why}): fetch or import the bars again.",
        code="bars_damaged",
    )
