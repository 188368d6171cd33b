"""A folder of CSV files as a source: whoever can write there can feed the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from django.conf import settings

from core.errors import InvalidInput, Permanent
from market.choices import AssetClass
from market.files.csv_bars import csv_read
from market.history import History
from market.intervals import INTERVALS
from market.providers.base import USUAL, BarRequest, Download
from market.providers.range import history_cut

ENDINGS = (".csv", ".csv.gz")


class CsvProvider:
    """`SYMBOL_INTERVAL.csv` (or `.csv.gz`) in the folder `CSV_BARS_DIR`, such as `GOOG_1d.csv`.

    A column `adj_close` beside the six that every file has makes prices adjustable.
    """

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "CSV files"
    intervals: ClassVar[frozenset[str]] = frozenset(INTERVALS)

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a file."""
        # Quoted, so that BTC/USDT stays in the folder.
        stem = f"{quote(request.symbol, safe='')}_{request.interval}"
        paths = [Path(settings.CSV_BARS_DIR) / f"{stem}{ending}" for ending in ENDINGS]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise Permanent(
                f"There is no file {paths[0].name} in the folder of CSV files (CSV_BARS_DIR).",
                code="unknown_symbol",
            )
        try:
            read = csv_read(path, optional=("adj_close",))
        except InvalidInput as error:
            raise Permanent(
                f"{path.name}: {error.message}", code=error.code, details=error.details
            ) from error
        adjusted_close = read.extra.get("adj_close")
        history = History.from_bars(
            read.bars, factor=None if adjusted_close is None else adjusted_close / read.bars.close
        )
        listing = replace(USUAL[AssetClass.EQUITY], symbol=request.symbol)
        return Download(history_cut(history, request=request, listing=listing), listing)
