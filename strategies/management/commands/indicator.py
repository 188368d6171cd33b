"""`manage.py indicator`: an indicator over a file of bars; no database, no server."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from rich.console import Console
from rich.table import Table

from core.engine.bars import Bars
from core.errors import ApplicationError, InvalidInput
from core.indicators.registry import indicator_get
from market.exchanges import ALWAYS_OPEN, calendar_check
from market.files.csv_bars import csv_bars_read
from strategies.preview import Values, indicator_values

NS_PER_S = 1_000_000_000
TABLE_ROWS = 30


class Command(BaseCommand):
    help = (
        "Compute an indicator over a CSV file of bars (ts,open,high,low,close,volume) and print "
        "a column per output, empty where it is undefined."
    )
    # Works on a machine without a database, so nothing may look at one.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="a name or alias in any case, such as ema")
        parser.add_argument("--bars", required=True, type=Path, help="the CSV file")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="period=14; repeatable"
        )
        parser.add_argument(
            "--input",
            action="append",
            default=[],
            metavar="INPUT=FIELD",
            help="source=high: the price field that an input reads (close by default); repeatable",
        )
        parser.add_argument(
            "--calendar",
            default=ALWAYS_OPEN,
            help="whose sessions the bars belong to, such as XNYS; 24/7 in UTC by default",
        )
        parser.add_argument("--format", choices=("csv", "json", "table"), default="table")

    def handle(self, **options: Any) -> None:
        try:
            spec = indicator_get(options["name"])
            params = {name: _value(text) for name, text in _pairs(options["set"], "--set")}
            inputs = dict(_pairs(options["input"], "--input"))
            bars = csv_bars_read(options["bars"])
            values = indicator_values(
                spec=spec,
                bars=bars,
                params=params,
                inputs=inputs,
                tradable=calendar_check(options["calendar"]),
            )
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        except OSError as error:
            raise CommandError(f"{options['bars']} cannot be read: {error.strerror}.") from error
        try:
            WRITERS[options["format"]](self.stdout, spec.name, bars, values)
            self.stdout.flush()
        except BrokenPipeError:
            # The reader (`| head`) has seen enough; the flush at the exit must not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _pairs(given: list[str], option: str) -> list[tuple[str, str]]:
    """Split `name=value`."""
    for text in given:
        if "=" not in text:
            raise InvalidInput(f"{option} takes NAME=VALUE, such as period=14, not {text!r}.")
    return [(name.strip(), value.strip()) for name, _, value in (t.partition("=") for t in given)]


def _value(text: str) -> int | float | str:
    """Return a number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _time(ts: int) -> str:
    return datetime.fromtimestamp(ts / NS_PER_S, UTC).isoformat().replace("+00:00", "Z")


def _rows(bars: Bars, values: Values) -> list[list[Any]]:
    columns = [series.tolist() for series in values.outputs.values()]
    times = (_time(ts) for ts in bars.ts.tolist())
    return [
        [ts, *(value if math.isfinite(value) else None for value in row)]
        for ts, *row in zip(times, *columns, strict=True)
    ]


def _write_csv(out: OutputWrapper, _name: str, bars: Bars, values: Values) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ts", *values.outputs])
    writer.writerows(_rows(bars, values))


def _write_json(out: OutputWrapper, name: str, bars: Bars, values: Values) -> None:
    rows = _rows(bars, values)
    columns = {key: [row[at] for row in rows] for at, key in enumerate(values.outputs, 1)}
    found = {
        "name": name,
        "params": values.params,
        "lookback": values.lookback,
        "ts": [row[0] for row in rows],
        "outputs": columns,
    }
    out.write(json.dumps(found) + "\n")


def _write_table(out: OutputWrapper, name: str, bars: Bars, values: Values) -> None:
    """Print the last rows: a table is for looking at."""
    shown = ", ".join(f"{key}={value}" for key, value in values.params.items())
    table = Table(title=f"{name}({shown})", caption=f"the last of {len(bars)} bars")
    for heading in ("ts", *values.outputs):
        table.add_column(heading, justify="left" if heading == "ts" else "right")
    rows = _rows(bars, values)
    for ts, *row in islice(rows, max(0, len(rows) - TABLE_ROWS), None):
        table.add_row(ts, *("" if value is None else f"{value:.6g}" for value in row))
    console = Console(file=cast("TextIO", out))
    console.print(table)


WRITERS = {"csv": _write_csv, "json": _write_json, "table": _write_table}
