"""`manage.py verify_engine`: the engine against backtesting.py, on templates and at random."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.engine_check import Checked, scenarios_check, templates_check
from core.engine.bars import Bars
from core.engine.version import ENGINE_VERSION
from core.errors import ApplicationError
from market.intervals import interval_get
from market.providers.base import BarRequest
from market.providers.kinds import provider_get

SHARES: Final = ("GOOG", "AAPL", "IBM", "MSFT")
COLUMNS: Final = tuple(field.name for field in dataclasses.fields(Checked))


class Command(BaseCommand):
    help = (
        "Run every template on sample data, and random programs, on the engine (profile reference) "
        "and on backtesting.py, and compare trades and equity bit by bit. Ends with an exit code "
        "of 1 where they differ, or where nothing could be compared."
    )
    # No database is looked at.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--random", type=int, default=300, help="how many random programs")
        parser.add_argument("--seed", type=int, default=0, help="of the first one")
        parser.add_argument("--symbols", nargs="+", default=SHARES, help="samples for templates")
        parser.add_argument("--format", choices=printing.FORMATS, default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["random"] < 0 or options["seed"] < 0:
            raise CommandError("--random and --seed must be 0 or more.")
        try:
            samples = {symbol.upper(): sample_bars(symbol) for symbol in options["symbols"]}
            rows = [
                *templates_check(samples),
                *scenarios_check(count=options["random"], seed=options["seed"]),
            ]
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        self._print([dataclasses.asdict(row) for row in rows], options["format"])
        verdicts = Counter(row.status for row in rows)
        if verdicts["different"]:
            raise CommandError(f"{verdicts['different']} of {len(rows)} comparisons differ.")
        if not verdicts["equal"]:
            raise CommandError(f"Nothing could be compared: {rows[0].message if rows else ''}")

    def _print(self, rows: list[dict[str, Any]], kind: str) -> None:
        if kind == "json":
            self.stdout.write(printing.json_text({"engine_version": ENGINE_VERSION, "rows": rows}))
        elif kind == "csv":
            self.stdout.write(printing.csv_text(rows, COLUMNS))
        else:
            self.stdout.write(printing.rows_text(rows, COLUMNS))
            runs, trades = (sum(row[name] for row in rows) for name in ("runs", "trades"))
            self.stdout.write(f"engine {ENGINE_VERSION}: {runs} runs, {trades} trades compared")


def sample_bars(symbol: str) -> Bars:
    """Return the adjusted daily bars of a sample."""
    request = BarRequest(
        symbol=symbol.upper(),
        interval=interval_get("1d"),
        start=None,
        end=None,
        now=datetime.now(UTC),
    )
    return provider_get("sample").download(request).history.adjusted()
