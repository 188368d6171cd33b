"""`manage.py fetch_bars`: download bars from a provider, here and now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from core.errors import ApplicationError, InvalidInput
from market.downloads import bars_download, share_done
from market.intervals import interval_get
from market.keys import credentials_of
from market.management.base import Row, RowsCommand, day, owner_id_of, series_row
from market.management.progress import progress_shown
from market.models import BarSeries
from market.providers.base import BarRequest, Download
from market.providers.kinds import PROVIDERS
from market.selectors import universe_symbols


class Command(RowsCommand):
    help = (
        "Download bars of one or more symbols into the store, shared by all users. What fails for "
        "one symbol is told and the others go on; the exit code is 1 then."
    )

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

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the rows of what was downloaded, then fail if anything was not."""
        self.failed: list[str] = []
        super().handle(*args, **options)
        if self.failed:
            raise CommandError(f"{len(self.failed)} failed: {', '.join(self.failed)}.")

    def rows(self, options: dict[str, Any]) -> list[Row]:
        interval = interval_get(options["interval"])
        start, end = options["start"], options["end"]
        if start and end and end < start:
            raise InvalidInput(f"--end {end} is before --start {start}: swap them.")
        owner_id = owner_id_of(options["owner"])
        credentials = credentials_of(owner_id=owner_id, provider=options["provider"])
        rows, failures = [], []
        symbols = _symbols(options, owner_id)
        for symbol in symbols:
            request = BarRequest(
                symbol=symbol,
                interval=interval,
                start=start,
                end=end,
                now=timezone.now(),
                credentials=credentials,
            )
            try:
                series = self._download(options["provider"], request, overwrite=options["replace"])
            except ApplicationError as error:
                # What cannot be reached for one cannot be for the next.
                if len(symbols) == 1 or error.code == "provider_unreachable":
                    raise
                failures.append(symbol)
                self.stderr.write(f"{symbol}: {error.message}")
                continue
            rows.append(series_row(series))
        self.failed = failures
        return rows

    def _download(self, provider: str, request: BarRequest, *, overwrite: bool) -> BarSeries:
        bars = 0
        with progress_shown(self.stderr) as show:

            def tell(page: Download) -> None:
                nonlocal bars
                bars += len(page.history)
                text = f"{request.symbol} {request.interval} {bars:,} bars"
                show(text, share_done(request, page))

            return bars_download(provider=provider, request=request, overwrite=overwrite, tell=tell)


def _symbols(options: dict[str, Any], owner_id: UUID | None) -> list[str]:
    symbols = list(options["symbols"])
    if options["universe"]:
        symbols += universe_symbols(owner_id=owner_id, name_or_id=options["universe"])
    if not symbols:
        raise InvalidInput("Which symbols? Write them, or --universe NAME.")
    return list(dict.fromkeys(symbols))
