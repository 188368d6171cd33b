"""`manage.py import_bars`: bars from a CSV file into the store."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from market.choices import AssetClass
from market.management.base import Row, RowsCommand, owner_id_of, series_row
from market.services.imports import bars_import


class Command(RowsCommand):
    help = (
        "Import a CSV file with the header ts,open,high,low,close,volume (and adj_close, if it has "
        "one): all of its bars, or none and the reason by line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a .csv or .csv.gz file")
        parser.add_argument("--symbol", required=True)
        parser.add_argument("--interval", default="1d", help="1m, 1h, 1d, ... (default: 1d)")
        parser.add_argument(
            "--owner", metavar="EMAIL", help="who may see them (default: everybody)"
        )
        parser.add_argument("--asset-class", choices=AssetClass.values, default=AssetClass.EQUITY)
        parser.add_argument("--calendar", default="", help="of a new symbol: XNYS, 24/7, 24/5, ...")
        parser.add_argument("--timezone", default="", help="of a new symbol: America/New_York, ...")
        parser.add_argument("--name", default="", help="of a new symbol")
        parser.add_argument(
            "--replace", action="store_true", help="take the place of what was imported before"
        )
        super().add_arguments(parser)

    def rows(self, options: dict[str, Any]) -> list[Row]:
        series = bars_import(
            owner_id=owner_id_of(options["owner"]),
            symbol=options["symbol"],
            interval=options["interval"],
            source=options["file"],
            asset_class=options["asset_class"],
            calendar=options["calendar"],
            timezone=options["timezone"],
            name=options["name"],
            replace=options["replace"],
        )
        return [series_row(series)]
