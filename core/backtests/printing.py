"""What the commands print: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

FORMATS: Final = ("table", "json", "csv")


def json_text(data: Any) -> str:
    """Return one JSON document; NaN is null, arrays are lists."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
    return orjson.dumps(data, default=str, option=options).decode()


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows under a header; None is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def metrics_text(metrics: Mapping[str, Any], *, title: str) -> str:
    """Return metrics as a table of two columns; what is undefined is a dash."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in metrics.items():
        table.add_row(name, shown(value))
    return _drawn(table)


def rows_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as a table."""
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*[shown(row.get(name)) for name in columns])
    return _drawn(table)


def _drawn(table: Table) -> str:
    text = io.StringIO()
    width = shutil.get_terminal_size((160, 40)).columns
    Console(file=text, width=max(width, 100), highlight=False).print(table)
    return text.getvalue()


def shown(value: Any) -> str:
    """Return a value for people."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    # A time at midnight is a day.
    return str(value).removesuffix("T00:00:00Z")
