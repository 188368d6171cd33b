"""`manage.py reproduce RUN`: do a stored run again and prove that it gives the same bits."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.reproduction import Reproduction, run_find, run_reproduce
from core.errors import ApplicationError

COLUMNS = ("what", "stored", "now")


class Command(BaseCommand):
    help = (
        "Run a completed backtest again from its pinned version, bars and configuration, and "
        "compare metrics, trades, fills and every series bit by bit. Nothing is stored. Ends with "
        "an exit code of 1 where anything differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="the id of a completed backtest")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            run_id = UUID(options["run"])
        except ValueError as error:
            raise CommandError(f"{options['run']!r} is not the id of a backtest.") from error
        try:
            found = run_reproduce(run=run_find(run_id))
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        self._print(found, options["format"])
        if not found.identical:
            raise CommandError("The run gives another result now.")

    def _print(self, found: Reproduction, kind: str) -> None:
        differences = [
            {"what": one.what, "stored": one.stored, "now": one.now} for one in found.mismatches
        ]
        if kind == "json":
            versions = {
                name: {"stored": stored, "now": now}
                for name, (stored, now) in found.versions.items()
            }
            body = {
                "run": str(found.run_id),
                "identical": found.identical,
                "versions": versions,
                "differences": differences,
            }
            self.stdout.write(printing.json_text(body))
            return
        for name, (stored, now) in found.versions.items():
            told = stored if stored == now else f"{stored} then, {now} now"
            self.stdout.write(f"{name}: {told}")
        if found.identical:
            self.stdout.write(f"{found.run_id}: the same bits.")
        else:
            self.stdout.write(printing.rows_text(differences, COLUMNS))
