"""`manage.py import_bars`: bars from a CSV file into the store."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from market.choices import AssetClass
from market.importing import bars_import, bars_preview
from market.management.base import Row, RowsCommand, owner_id_of, series_row
from market.management.progress import progress_shown


class Command(RowsCommand):
    help = (
        "Import a CSV or Parquet file: all of its bars, or none and the reason by line. What its "
        "columns are and how its times are written is found out; --preview shows it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help=".csv, .parquet, .gz or .zip")
        parser.add_argument("--symbol", default="")
        parser.add_argument("--preview", action="store_true", help="show the bars, store nothing")
        parser.add_argument(
            "--column", action="append", default=[], metavar="OURS=THEIRS", help="close=Last, ..."
        )
        parser.add_argument("--date-format", default="", help="iso, epoch, or %%d.%%m.%%Y %%H:%%M")
        parser.add_argument("--times-in", default="UTC", help="zone of times that name none")
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
        meaning = {
            "source": options["file"],
            "columns": dict(_pair(text) for text in options["column"]),
            "date_format": options["date_format"],
            "times_in": options["times_in"],
        }
        if options["preview"]:
            found = bars_preview(**meaning)
            self.stderr.write(
                f"{found['rows']:,} bars, {found['interval'] or 'odd interval'}; "
                f"{found['columns']}; times {found['date_format']}. {' '.join(found['notes'])}"
            )
            return [*found["first"], *found["last"]]
        if not options["symbol"]:
            raise InvalidInput("Of which symbol? Say --symbol, or --preview to look only.")
        with progress_shown(self.stderr) as show:
            series = bars_import(
                owner_id=owner_id_of(options["owner"]),
                symbol=options["symbol"],
                interval=options["interval"],
                **meaning,
                asset_class=options["asset_class"],
                calendar=options["calendar"],
                timezone=options["timezone"],
                name=options["name"],
                replace=options["replace"],
                tell=lambda share: show(f"reading {Path(options['file']).name}", share),
            )
        return [series_row(series)]


def _pair(text: str) -> tuple[str, str]:
    ours, sign, theirs = text.partition("=")
    if not sign:
        raise InvalidInput(f"{text!r} is not OURS=THEIRS, such as close=Last.")
    return ours.strip(), theirs.strip()
