"""`manage.py backtest`: a graph file and a bars file in, a result out; no database, no server."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from core.backtests import printing
from core.backtests.files import BarFile, bars_file_read
from core.backtests.periods import bars_per_year, sessions_per_year_guess
from core.backtests.simulation import Simulation, graph_simulate, warnings_of
from core.engine.config import RunConfig
from core.engine.result import ExitReason
from core.errors import ApplicationError
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get

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
        parser.add_argument("--format", choices=printing.FORMATS, default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            file = bars_file_read(one_file(options["bars"]))
            document = document_read(options["graph"], options["template"])
            config = config_read(options["config"], options["profile"])
            graph = graph_parse(document)
            identity = graph_hash(graph)
            sessions = options["sessions_per_year"] or sessions_per_year_guess(file.bars.ts)
            simulation = graph_simulate(
                graph=graph_document(graph),
                graph_hash=identity,
                parameters=parameters_read(options["parameters"]),
                bars=file.bars,
                config=config,
                periods_per_year=bars_per_year(file.bars.ts, sessions_per_year=sessions),
                charts=False,
            )
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        output = output_of(simulation, file=file, identity=identity, config=config)
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


def one_file(given: list[str]) -> str:
    """Return the path of the one bars file."""
    if len(given) > 1:
        raise CommandError(
            f"A run takes the bars of one instrument; {len(given)} files were given: run it once "
            "for each."
        )
    symbol, equals, path = given[0].partition("=")
    return path if equals and not Path(given[0]).exists() and symbol.isalnum() else given[0]


def document_read(path: str | None, template: str | None) -> dict[str, Any]:
    """Return the graph document of a file or of a template."""
    if path is None:
        return dict(template_get(template or "").document)
    document = json_read(path)
    # What GET strategies/{id} returns holds the graph under its own key.
    inner = document.get("graph")
    return inner if isinstance(inner, dict) and "nodes" not in document else document


def config_read(path: str | None, profile: str | None) -> RunConfig:
    """Return the configuration of a file, with the profile of the command line."""
    mapping = {} if path is None else json_read(path)
    return RunConfig.from_mapping(mapping | ({"profile": profile} if profile else {}))


def parameters_read(pairs: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs; a value is JSON where it can be, else text."""
    parameters = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--set {pair}: write it as NAME=VALUE, such as --set fast=10.")
        try:
            parameters[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            parameters[name.strip()] = text
    return parameters


def json_read(path: str) -> dict[str, Any]:
    """Return the JSON object of a file."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path} must hold a JSON object, not {type(document).__name__}.")
    return document


def output_of(
    simulation: Simulation, *, file: BarFile, identity: str, config: RunConfig
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
            "bars": {
                "file": file.path,
                "sha256": file.snapshot,
                "count": len(file.bars),
                "first": iso_time(file.bars.ts[0]),
                "last": iso_time(file.bars.ts[-1]),
            },
            "engine_version": result.engine_version,
            "metrics_version": summary.metrics_version,
            "counters": result.counters,
            "metric_reasons": summary.reasons,
        },
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


def iso_time(ts: Any) -> str:
    """Return UTC nanoseconds as ISO 8601, as short as it is exact."""
    stamp = np.datetime64(int(ts), "ns")
    for unit in ("s", "ms", "us"):
        if stamp == stamp.astype(f"datetime64[{unit}]"):
            stamp = stamp.astype(f"datetime64[{unit}]")
            break
    return f"{np.datetime_as_string(stamp)}Z"
