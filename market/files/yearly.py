"""A series as files: one a year where a year is worth a file, and a list that says which.

A series that grows is written anew with every download. By year, only the file of the running year
is: the others have the name of what they hold, and lie there already. Old lists keep naming the
files that they named.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow as pa

from core.errors import Permanent
from market.files.location import Location
from market.files.parquet import history_bytes, history_parse, table_parse, tables_join
from market.history import History

FORMAT: Final = "years/1"
LIST: Final = ".json"
# Files read at once: one waits for the disk or network while another is unpacked.
READERS: Final = 4


def history_put(location: Location, folder: str, history: History, *, by_year: bool) -> str:
    """Write a history under the name of what it holds; return its path.

    The list comes last: a list names files that are there.
    """
    name = f"{folder}/{history.content_hash()}"
    if not by_year:
        location.write(f"{name}.parquet", history_bytes(history))
        return f"{name}.parquet"
    parts = []
    for year, part in _years(history):
        file = f"{year}-{part.content_hash()}.parquet"
        location.write(f"{folder}/{file}", history_bytes(part))
        parts.append({"file": file, "rows": len(part)})
    listed = json.dumps({"format": FORMAT, "parts": parts}, indent=1)
    location.write(f"{name}{LIST}", listed.encode())
    return f"{name}{LIST}"


def history_get(location: Location, path: str) -> History:
    """Return the history at a path that `history_put` returned.

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
        return table_parse(location.read(f"{folder}/{file}"), name=f"{folder}/{file}")

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


def _years(history: History) -> list[tuple[int, History]]:
    """Return a history cut where years begin (UTC)."""
    years = history.bars.ts.view("datetime64[ns]").astype("datetime64[Y]").astype(np.int64)
    begins = np.flatnonzero(np.diff(years, prepend=years[0] - 1)).tolist()
    ends = [*begins[1:], len(history)]
    return [
        (int(years[begin]) + 1970, history.slice(begin, end))
        for begin, end in zip(begins, ends, strict=True)
    ]


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
