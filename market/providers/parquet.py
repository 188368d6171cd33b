"""A folder of Parquet files as a source: one a symbol and interval, or one a year in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from django.conf import settings

from core.errors import InvalidInput, Permanent
from market.choices import AssetClass
from market.files.parquet_bars import parquet_bars_read
from market.history import History
from market.intervals import INTERVALS
from market.providers.assembling import pages_join
from market.providers.base import USUAL, BarRequest, Download
from market.providers.range import history_cut, nothing_in_range

ADJUSTED: Final = "adj_close"


class ParquetProvider:
    """`SYMBOL_INTERVAL.parquet` in the folder `PARQUET_BARS_DIR`, or a folder of that name.

    The files of a folder (`GOOG_1m/2023.parquet`) are read in the order of their names, each
    following the one before. A column `adj_close` makes prices adjustable.
    """

    name: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Parquet files"
    intervals: ClassVar[frozenset[str]] = frozenset(INTERVALS)

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a file."""
        return pages_join(self.pages(request), request)

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars of a request, a file at a time."""
        listing = replace(USUAL[AssetClass.EQUITY], symbol=request.symbol)
        found = False
        for path in _paths(request):
            history = _read(path)
            try:
                yield Download(history_cut(history, request=request, listing=listing), listing)
                found = True
            except Permanent as error:
                if error.code != "no_bars_in_range":
                    raise
        if not found:
            raise nothing_in_range(request)


def _paths(request: BarRequest) -> list[Path]:
    # Quoted, so that BTC/USDT stays in the folder.
    stem = f"{quote(request.symbol, safe='')}_{request.interval}"
    root = Path(settings.PARQUET_BARS_DIR)
    single = root / f"{stem}.parquet"
    paths = [single] if single.is_file() else sorted((root / stem).glob("*.parquet"))
    if not paths:
        raise Permanent(
            f"There is no file {single.name}, nor a folder {stem}, in the folder of Parquet files "
            "(PARQUET_BARS_DIR).",
            code="unknown_symbol",
        )
    return paths


def _read(path: Path) -> History:
    try:
        read = parquet_bars_read(path.read_bytes(), optional=(ADJUSTED,))
        adjusted = read.extra.get(ADJUSTED)
        factor = None if adjusted is None else adjusted / read.bars.close
        return History.from_bars(read.bars, factor=factor)
    except InvalidInput as error:
        raise Permanent(
            f"{path.name}: {error.message}", code=error.code, details=error.details
        ) from error
