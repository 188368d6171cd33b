"""`manage.py backtest`: a graph file and a bars file in, a result out; no database, no server."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.alerts import KEYS as ALERT_KEYS
from core.backtests.instruments import SHOWN_KEYS as INSTRUMENT_KEYS
from core.backtests.management.filedata import (
    filedata_arguments,
    filedata_read,
    sessions_of_calendar,
    symbol_and_path,
)
from core.backtests.management.insidedata import insidedata_arguments, insidedata_read
from core.backtests.management.output import keys_of, output_of, portfolio_output, shown_keys
from core.backtests.management.reading import document_read, parameters_read, settings_read
from core.backtests.portfolio import Instrument, graph_simulate_portfolio
from core.backtests.simulation import graph_simulate
from core.errors import ApplicationError
from strategies.graph.schema import graph_document, graph_hash, graph_parse

TRADES_SHOWN = 20
ALERTS_SHOWN = 20


class Command(BaseCommand):
    help = "Backtest a strategy graph on bars from a file."
    # Files alone: nothing here needs the database to be there.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        strategy = parser.add_mutually_exclusive_group(required=True)
        strategy.add_argument("--graph", metavar="FILE", help="the strategy graph as JSON")
        strategy.add_argument("--template", metavar="NAME", help="a template, such as sma_cross")
        parser.add_argument(
            "--bars",
            required=True,
            action="append",
            metavar="[SYMBOL=]FILE",
            help="CSV with the header ts,open,high,low,close,volume; given several times with a "
            "symbol each, the instruments share one account",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            dest="parameters",
            help="a parameter of the strategy; may be given several times",
        )
        parser.add_argument("--config", metavar="FILE", help="costs, margin, rules as JSON")
        parser.add_argument("--profile", choices=["standard", "reference"])
        parser.add_argument(
            "--sessions-per-year",
            type=float,
            help="252 for shares, 365 for markets that never close; guessed from the weekdays",
        )
        filedata_arguments(parser)
        insidedata_arguments(parser)
        parser.add_argument("--format", choices=printing.FORMATS, default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        many = len(options["bars"]) > 1
        try:
            output = self._together(options) if many else self._alone(options)
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        self._print(output, options["format"])

    def _alone(self, options: dict[str, Any]) -> dict[str, Any]:
        """Run on the bars of one file."""
        per_year = options["sessions_per_year"]
        data = filedata_read(options["bars"][0], options, sessions_per_year=per_year)
        graph = graph_parse(document_read(options["graph"], options["template"]))
        settings = settings_read(options["config"], options["profile"])
        inside = insidedata_read(data, options, settings)
        simulation = graph_simulate(
            graph=graph_document(graph),
            graph_hash=graph_hash(graph),
            parameters=parameters_read(options["parameters"]),
            bars=data.file.bars,
            config=settings.engine,
            options=settings.options,
            periods_per_year=data.periods_per_year,
            session_ids=data.session_ids,
            context=data.context,
            detail=inside.detail,
            actions=inside.actions,
            charts=False,
        )
        output = output_of(simulation, data=data, identity=graph_hash(graph), settings=settings)
        output["warnings"] = [*inside.warnings, *output["warnings"]]
        output["provenance"] |= inside.provenance
        return output

    def _together(self, options: dict[str, Any]) -> dict[str, Any]:
        """Run on the bars of several files under one account."""
        for given in options["bars"]:
            if symbol_and_path(given)[0] is None:
                raise CommandError(f"--bars {given}: write it as SYMBOL=FILE, such as SPY=spy.csv.")
        per_year = options["sessions_per_year"]
        data = [
            filedata_read(given, options, sessions_per_year=per_year) for given in options["bars"]
        ]
        graph = graph_parse(document_read(options["graph"], options["template"]))
        settings = settings_read(options["config"], options["profile"])
        inside = [insidedata_read(one, options, settings) for one in data]
        simulation = graph_simulate_portfolio(
            graph=graph_document(graph),
            graph_hash=graph_hash(graph),
            parameters=parameters_read(options["parameters"]),
            instruments=[
                Instrument(
                    one.context.symbol or "",
                    one.file.bars,
                    one.context,
                    one.session_ids,
                    found.actions,
                    found.detail,
                )
                for one, found in zip(data, inside, strict=True)
            ],
            config=settings.engine,
            periods_per_year=max(one.periods_per_year for one in data),
            sessions_of=sessions_of_calendar(options["calendar"]),
        )
        output = portfolio_output(
            simulation, data=data, identity=graph_hash(graph), settings=settings
        )
        told = [warning for one in inside for warning in one.warnings]
        output["warnings"] = [*told, *output["warnings"]]
        for one, found in zip(data, inside, strict=True):
            output["provenance"]["bars"][one.context.symbol] |= found.provenance
        return output

    def _print(self, output: dict[str, Any], kind: str) -> None:
        if kind == "json":
            self.stdout.write(printing.json_text(output))
        elif kind == "csv":
            self.stdout.write(printing.csv_text(output["trades"], keys_of(output["trades"])))
        else:
            trades = output["trades"]
            self.stdout.write(printing.metrics_text(output["metrics"], title="Metrics"))
            if "instruments" in output:
                self.stdout.write(printing.rows_text(output["instruments"], INSTRUMENT_KEYS))
            self.stdout.write(printing.rows_text(trades[:TRADES_SHOWN], shown_keys(trades)))
            if len(trades) > TRADES_SHOWN:
                self.stdout.write(f"… and {len(trades) - TRADES_SHOWN} more trades")
            self._print_alerts(output)
            for warning in output["warnings"]:
                self.stderr.write(f"warning: {warning['message']}")

    def _print_alerts(self, output: dict[str, Any]) -> None:
        if "alerts" not in output:
            return
        count = output["alert_count"]
        self.stdout.write("Alerts, simulated: listed, not sent.")
        self.stdout.write(printing.rows_text(output["alerts"][:ALERTS_SHOWN], ALERT_KEYS))
        if count > ALERTS_SHOWN:
            self.stdout.write(f"… and {count - ALERTS_SHOWN} more alerts")
