"""`manage.py fetch_bars`: download bars from a provider, here and now."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.errors import InvalidInput
from market.downloads import bars_download, share_done
from market.intervals import interval_get
from market.keys import credentials_of
from market.management.base import Row, RowsCommand, day, owner_id_of, series_row
from market.providers.base import BarRequest, Download
from market.providers.kinds import PROVIDERS
from market.selectors import universe_get


class Command(RowsCommand):
    help = "Download bars of one or more symbols into the store, shared by all users."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="*", metavar="SYMBOL")
        parser.add_argument("--universe", metavar="NAME", help="a named list of symbols as well")
        parser.add_argument(
            "--owner", metavar="EMAIL", help="whose credentials and universes to use"
        )
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
        owner_id = owner_id_of(options["owner"])
        credentials = credentials_of(owner_id=owner_id, provider=options["provider"])
        rows = []
        for symbol in _symbols(options, owner_id):
            request = BarRequest(
                symbol=symbol,
                interval=interval,
                start=start,
                end=end,
                now=timezone.now(),
                credentials=credentials,
            )
            series = bars_download(
                provider=options["provider"],
                request=request,
                overwrite=options["replace"],
                tell=self._teller(request),
            )
            rows.append(series_row(series))
        return rows

    def _teller(self, request: BarRequest) -> Callable[[Download], None]:
        """Return what says how far a download is: a line that changes, or a line every while."""
        told, bars = time.monotonic(), 0
        live = self.stderr.isatty()

        def tell(page: Download) -> None:
            nonlocal told, bars
            bars += len(page.history)
            if time.monotonic() - told < (0.2 if live else 10.0):
                return
            told = time.monotonic()
            share = share_done(request, page)
            done = "" if share is None else f" {share:4.0%}"
            text = f"{request.symbol} {request.interval}{done} {bars:,} bars"
            self.stderr.write(f"\r{text}" if live else text, ending="" if live else "\n")

        return tell


def _symbols(options: dict[str, Any], owner_id: UUID | None) -> list[str]:
    symbols = list(options["symbols"])
    if options["universe"]:
        symbols += universe_get(options["universe"], owner_id=owner_id).symbols
    if not symbols:
        raise InvalidInput("Which symbols? Write them, or --universe NAME.")
    return list(dict.fromkeys(symbols))
