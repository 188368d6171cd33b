"""`manage.py verify`: prove that a strategy does not look ahead, and replay it elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.management.filedata import filedata_arguments, filedata_read
from core.backtests.management.reading import (
    document_read,
    parameters_read,
    settings_read,
)
from core.backtests.proof_report import verification_report
from core.backtests.services.verification import DEFAULT_SAMPLES
from core.backtests.surroundings import surroundings_read
from core.backtests.verification import plan_verify
from core.errors import ApplicationError
from market.store import bars_read
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_parse
from strategies.models import Strategy

COLUMNS = ("proof", "verdict", "message")


class Command(BaseCommand):
    help = (
        "Prove on bars that no node, decision or fill of a strategy looks ahead, and replay it on "
        "the reference engine, trade by trade. Ends with an exit code of 1 where a proof fails."
    )
    # With --graph and --bars no database is looked at.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        strategy = parser.add_mutually_exclusive_group(required=True)
        strategy.add_argument("--graph", metavar="FILE", help="the strategy graph as JSON")
        strategy.add_argument("--template", metavar="NAME", help="a template, such as sma_cross")
        strategy.add_argument("--strategy", metavar="ID", help="the draft of a stored strategy")
        data = parser.add_mutually_exclusive_group(required=True)
        data.add_argument(
            "--bars", metavar="[SYMBOL=]FILE", help="CSV: ts,open,high,low,close,volume"
        )
        data.add_argument("--symbol", help="stored bars")
        filedata_arguments(parser)
        parser.add_argument("--start", type=date.fromisoformat, metavar="DAY")
        parser.add_argument("--end", type=date.fromisoformat, metavar="DAY")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            dest="parameters",
            help="a parameter of the strategy; may be given several times",
        )
        parser.add_argument("--config", metavar="FILE", help="costs, margin, rules as JSON")
        parser.add_argument("--samples", type=int, default=DEFAULT_SAMPLES)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["samples"] < 1:
            raise CommandError("--samples must be 1 or more.")
        try:
            report = self._report(options)
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        if options["format"] == "json":
            self.stdout.write(printing.json_text(report))
        else:
            self.stdout.write(printing.rows_text(report_rows(report), COLUMNS))
        if not report["ok"]:
            raise CommandError("A proof failed.")

    def _report(self, options: Mapping[str, Any]) -> dict[str, Any]:
        document, owner_id = self._document(options)
        graph = graph_parse(document)
        parameters = parameters_read(options["parameters"])
        settings = settings_read(options["config"], None)
        settings.plain_check("Proofs")
        if options["bars"]:
            data = filedata_read(options["bars"], options)
            plan = graph_compile(graph, parameters, interval=data.context.interval)
            bars, context = data.file.bars, data.context
        else:
            stored = bars_read(
                symbol=options["symbol"],
                interval=options["interval"] or "1d",
                start=options["start"],
                end=options["end"],
                owner_id=owner_id,
            )
            plan = graph_compile(graph, parameters, interval=str(stored.interval))
            bars = stored.bars
            context = surroundings_read(
                plan=plan, stored=stored, end=options["end"], owner_id=owner_id
            ).context
        verification = plan_verify(
            plan=plan,
            bars=bars,
            config=settings.engine,
            options=settings.options,
            context=context,
            samples=options["samples"],
            seed=options["seed"],
        )
        return verification_report(verification)

    def _document(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], UUID | None]:
        """Return the graph, and whose private bars it may read."""
        if options["strategy"] is None:
            return document_read(options["graph"], options["template"]), None
        try:
            strategy = Strategy.objects.filter(pk=UUID(options["strategy"])).first()
        except ValueError as error:
            raise CommandError(f"{options['strategy']!r} is not the id of a strategy.") from error
        if strategy is None:
            raise CommandError(f"There is no strategy {options['strategy']}.")
        return strategy.graph, strategy.owner_id


def report_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a report as rows of `COLUMNS`."""
    verdicts = {True: "holds", False: "FAILS"}
    prefixes = [
        {"proof": name, "verdict": verdicts[report[name]["ok"]], "message": report[name]["message"]}
        for name in ("look_ahead", "decisions")
    ]
    replay = report["replay"]
    return [
        *prefixes,
        {"proof": "replay", "verdict": replay["status"], "message": replay["message"]},
    ]
