"""`manage.py backtest`: a graph file and a bars file in, a result out; no database, no server."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.files import BarFile
from core.backtests.management.filedata import FileData, filedata_arguments, filedata_read
from core.backtests.management.reading import (
    config_read,
    document_read,
    one_file,
    parameters_read,
)
from core.backtests.simulation import Simulation, graph_simulate, warnings_of
from core.backtests.times import iso_time
from core.engine.config import RunConfig
from core.engine.result import ExitReason
from core.errors import ApplicationError
from strategies.graph.schema import graph_document, graph_hash, graph_parse

TRADE_KEYS = (
    "entry_bar",
    "exit_bar",
    "entry_ts",
    "exit_ts",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "return",
    "commission",
    "exit_reason",
)
TRADES_SHOWN = 20
SHOWN_KEYS = (
    "entry_ts",
    "exit_ts",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "return",
    "exit_reason",
)


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
            help="CSV with the header ts,open,high,low,close,volume",
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
        parser.add_argument("--format", choices=printing.FORMATS, default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            data = filedata_read(
                one_file(options["bars"]), options, sessions_per_year=options["sessions_per_year"]
            )
            document = document_read(options["graph"], options["template"])
            config = config_read(options["config"], options["profile"])
            graph = graph_parse(document)
            identity = graph_hash(graph)
            simulation = graph_simulate(
                graph=graph_document(graph),
                graph_hash=identity,
                parameters=parameters_read(options["parameters"]),
                bars=data.file.bars,
                config=config,
                periods_per_year=data.periods_per_year,
                session_ids=data.session_ids,
                context=data.context,
                charts=False,
            )
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        output = output_of(simulation, data=data, identity=identity, config=config)
        self._print(output, options["format"])

    def _print(self, output: dict[str, Any], kind: str) -> None:
        if kind == "json":
            self.stdout.write(printing.json_text(output))
        elif kind == "csv":
            self.stdout.write(printing.csv_text(output["trades"], TRADE_KEYS))
        else:
            trades = output["trades"]
            self.stdout.write(printing.metrics_text(output["metrics"], title="Metrics"))
            self.stdout.write(printing.rows_text(trades[:TRADES_SHOWN], SHOWN_KEYS))
            if len(trades) > TRADES_SHOWN:
                self.stdout.write(f"… and {len(trades) - TRADES_SHOWN} more trades")
            for warning in output["warnings"]:
                self.stderr.write(f"warning: {warning['message']}")


def output_of(
    simulation: Simulation, *, data: FileData, identity: str, config: RunConfig
) -> dict[str, Any]:
    """Return what is printed: metrics, trades, equity (one number a bar), warnings, provenance."""
    result, summary = simulation.result, simulation.summary
    return {
        "metrics": summary.values,
        "trades": [trade_row(trade) for trade in result.trades],
        "equity": result.equity,
        "warnings": warnings_of(simulation),
        "provenance": {
            "graph_hash": identity,
            "parameters": dict(simulation.plan.parameters),
            "config": config.as_dict(),
            "bars": file_row(data.file),
            "others": {symbol: file_row(file) for symbol, file in data.others.items()},
            "engine_version": result.engine_version,
            "metrics_version": summary.metrics_version,
            "counters": result.counters,
            "metric_reasons": summary.reasons,
        },
    }


def file_row(file: BarFile) -> dict[str, Any]:
    """Return what was read of a file."""
    return {
        "file": file.path,
        "sha256": file.snapshot,
        "count": len(file.bars),
        "first": iso_time(file.bars.ts[0]),
        "last": iso_time(file.bars.ts[-1]),
    }


def trade_row(trade: Any) -> dict[str, Any]:
    """Return one trade under the keys of the contract."""
    return {
        "entry_bar": int(trade["entry_bar"]),
        "exit_bar": int(trade["exit_bar"]),
        "entry_ts": iso_time(trade["entry_ts"]),
        "exit_ts": iso_time(trade["exit_ts"]),
        "side": "long" if trade["side"] > 0 else "short",
        "quantity": float(trade["quantity"]),
        "entry_price": float(trade["entry_price"]),
        "exit_price": float(trade["exit_price"]),
        "pnl": float(trade["pnl"]),
        "return": float(trade["return"]),
        "commission": float(trade["commission"]),
        "exit_reason": ExitReason(int(trade["exit_reason"])).label,
    }
