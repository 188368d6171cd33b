"""`manage.py fetch_bars`: download bars from a provider, here and now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from core.errors import InvalidInput
from market.downloads import bars_download
from market.intervals import interval_get
from market.management.base import Row, RowsCommand, day, series_row
from market.providers.base import BarRequest
from market.providers.kinds import PROVIDERS


class Command(RowsCommand):
    help = "Download bars of one or more symbols into the store, shared by all users."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="+", metavar="SYMBOL")
        parser.add_argument(
            "--provider",
            default="yfinance",
            help=f"{', '.join(PROVIDERS)}; a variant may follow, as in ccxt:kraken",
        )
        parser.add_argument("--interval", default="1d", help="1m, 1h, 1d, ... (default: 1d)")
        parser.add_argument("--start", type=day, help="first day (default: as far as there is)")
        parser.add_argument("--end", type=day, help="last day, included (default: now)")
        parser.add_argument(
            "--replace", action="store_true", help="take the place of what is stored"
        )
        super().add_arguments(parser)

    def rows(self, options: dict[str, Any]) -> list[Row]:
        interval = interval_get(options["interval"])
        start, end = options["start"], options["end"]
        if start and end and end < start:
            raise InvalidInput(f"--end {end} is before --start {start}: swap them.")
        rows = []
        for symbol in options["symbols"]:
            request = BarRequest(
                symbol=symbol, interval=interval, start=start, end=end, now=timezone.now()
            )
            series = bars_download(
                provider=options["provider"], request=request, overwrite=options["replace"]
            )
            rows.append(series_row(series))
        return rows
