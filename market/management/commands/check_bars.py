"""`manage.py check_bars`: what the checks find in stored bars."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from core.errors import InvalidInput
from market.choices import Severity
from market.intervals import interval_get
from market.management.base import Row, RowsCommand, owner_id_of
from market.models import BarSeries
from market.quality.report import ORDER
from market.reports import report_ensure
from market.selectors import series_list, universe_symbols


class Command(RowsCommand):
    help = (
        "Check stored bars: gaps against the calendar, splits, spikes, stale prices, quarantined "
        "rows. Exit code 1 where something is as bad as --fail-on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="default: all")
        parser.add_argument("--universe", metavar="NAME", help="a named list of symbols as well")
        parser.add_argument("--interval", help="1m, 1h, 1d, ... (default: all)")
        parser.add_argument("--provider", help="default: all")
        parser.add_argument("--owner", metavar="EMAIL", help="whose private bars to check as well")
        parser.add_argument(
            "--findings", action="store_true", help="a row for each finding, not for each series"
        )
        parser.add_argument(
            "--fail-on", choices=("note", "warning", "error", "never"), default="error"
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the rows, then fail if something is too bad."""
        self.worst = Severity.OK
        super().handle(*args, **options)
        limit = options["fail_on"]
        if limit != "never" and ORDER.index(self.worst) >= ORDER.index(Severity(limit)):
            raise CommandError(f"The worst finding is of severity {self.worst}.")

    def rows(self, options: dict[str, Any]) -> list[Row]:
        rows: list[Row] = []
        for series in _chosen(options):
            report = report_ensure(series)
            self.worst = max(self.worst, Severity(report.severity), key=ORDER.index)
            place = {
                "symbol": series.instrument.symbol,
                "interval": series.interval,
                "provider": series.provider,
            }
            if options["findings"]:
                rows += [{**place, **finding} for finding in report.findings]
                continue
            counts = ", ".join(f"{code} {count}" for code, count in report.counts.items())
            rows.append(
                {**place, "rows": series.rows, "severity": report.severity, "findings": counts}
            )
        return rows


def _chosen(options: dict[str, Any]) -> list[BarSeries]:
    owner_id = owner_id_of(options["owner"])
    symbols = [symbol.upper() for symbol in options["symbols"]]
    if options["universe"]:
        symbols += universe_symbols(owner_id=owner_id, name_or_id=options["universe"])
    series = series_list(owner_id=owner_id).order_by("instrument__symbol", "interval", "provider")
    if symbols:
        series = series.filter(instrument__symbol__in=symbols)
    if options["interval"]:
        series = series.filter(interval=interval_get(options["interval"]).name)
    if options["provider"]:
        series = series.filter(provider=options["provider"])
    found = list(series)
    if not found:
        raise InvalidInput("There are no such bars: see GET /api/v1/market for what there is.")
    return found
