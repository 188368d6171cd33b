"""What the commands of this app share: output formats, and errors in one line."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from io import StringIO
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from core.accounts.models import User
from core.errors import ApplicationError, InvalidInput
from market.models import BarSeries

Row = dict[str, Any]
WIDTH = 200


class RowsCommand(BaseCommand):
    """A command that ends with rows, printed as a table, as JSON or as CSV."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--format`; call it from the command's own."""
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what `rows` returns; an error we raise on purpose is one line and exit code 1."""
        try:
            rows = self.rows(options)
        except ApplicationError as error:
            lines = [error.message, *(f"  {detail.message}" for detail in error.details[1:])]
            raise CommandError("\n".join(lines)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped; what was not printed is not stored.", returncode=130
            ) from None
        except OSError as error:
            raise CommandError(f"{error.filename or 'File'}: {error.strerror or error}") from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2, default=str))
        elif rows and options["format"] == "csv":
            self._csv(rows)
        elif rows:
            self._table(rows)

    def rows(self, options: dict[str, Any]) -> list[Row]:
        """Do the work and return what to print."""
        raise NotImplementedError

    def _csv(self, rows: list[Row]) -> None:
        text = StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.stdout.write(text.getvalue().rstrip("\n"))

    def _table(self, rows: list[Row]) -> None:
        table = Table(*rows[0], box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()))
        text = StringIO()
        # Wide enough for any row: a pipe has no width, and a cut number is a wrong one.
        Console(file=text, width=WIDTH).print(table)
        self.stdout.write("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def series_row(series: BarSeries) -> Row:
    """Return a series as a row to print."""
    return {
        "symbol": series.instrument.symbol,
        "interval": series.interval,
        "provider": series.provider,
        "rows": series.rows,
        "first": f"{series.first_ts:%Y-%m-%d %H:%M}",
        "last": f"{series.last_ts:%Y-%m-%d %H:%M}",
        "adjusted": "yes" if series.adjusted else "no",
        "snapshot": series.content_hash[:12],
    }


def owner_id_of(email: str | None) -> UUID | None:
    """Return the id of a user; None for nobody.

    Raises
    ------
    InvalidInput
        When there is no such user.
    """
    if email is None:
        return None
    found = User.objects.filter(email=email.strip().lower()).values_list("id", flat=True).first()
    if found is None:
        raise InvalidInput(f"There is no user {email}.")
    return found


def day(text: str) -> date:
    """Read a day from the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day: write it as 2024-01-31") from None
