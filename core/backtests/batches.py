"""Files that ask for many runs: YAML or CSV, each entry a form of `POST backtests`."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from core.errors import InvalidInput

ENTRIES_AT_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One entry: where it is in the file, what it asks for, and the name of its content."""

    number: int
    form: dict[str, Any]
    content_key: str


def batch_read(path: str | Path) -> list[BatchEntry]:
    """Return the entries of a file; two equal ones are one.

    YAML holds a list of entries, or `{"defaults": {…}, "runs": […]}`. CSV has a column for each
    field; a dot in a header goes one level down (`parameters.fast`), and empty cells are absent.

    Raises
    ------
    InvalidInput
        When the file cannot be read as such.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.") from error
    forms = _csv_forms(text) if path.suffix.lower() == ".csv" else _yaml_forms(path, text)
    if len(forms) > ENTRIES_AT_MOST:
        raise InvalidInput(f"{path} has {len(forms)} entries: at most {ENTRIES_AT_MOST} a file.")
    entries: dict[str, BatchEntry] = {}
    for number, form in enumerate(forms, 1):
        entry = BatchEntry(number, form, content_key(form))
        entries.setdefault(entry.content_key, entry)
    return list(entries.values())


def content_key(form: Mapping[str, Any]) -> str:
    """Return the name of an entry's content, whatever the order of its keys."""
    canonical = orjson.dumps(form, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _yaml_forms(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path} is not YAML: {error}.") from error
    defaults: Any = {}
    if isinstance(document, dict):
        defaults, document = document.get("defaults") or {}, document.get("runs")
    if not isinstance(document, list) or not isinstance(defaults, dict):
        raise InvalidInput(
            f"{path} must hold a list of runs, or 'runs' with a list and 'defaults' with what they "
            "share."
        )
    for number, entry in enumerate(document, 1):
        if not isinstance(entry, dict):
            raise InvalidInput(f"{path}, run {number}: must be a mapping, not {entry!r}.")
    return [_plain(defaults | entry) for entry in document]


def _plain(value: Any) -> Any:
    """Return YAML data as JSON has it: dates as texts, keys as texts."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _csv_forms(text: str) -> list[dict[str, Any]]:
    return [_nested(row) for row in csv.DictReader(text.splitlines(), skipinitialspace=True)]


def _nested(row: Mapping[str | None, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for header, cell in row.items():
        if header is None:
            raise InvalidInput(f"A row of the CSV has more cells than the header: {cell!r}.")
        if cell is None or not cell.strip():
            continue
        *path, name = header.strip().split(".")
        place = form
        for key in path:
            place = place.setdefault(key, {})
        place[name] = _value(cell.strip()) if path else cell.strip()
    return form


def _value(cell: str) -> Any:
    """Return a cell below a dot as the JSON value that it spells, else as text."""
    try:
        return json.loads(cell)
    except json.JSONDecodeError:
        return cell
