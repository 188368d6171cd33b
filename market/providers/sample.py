"""Real bars that come with the product: it works before it has ever seen a network.

Daily shares are in `market/sample/` (see the README there). Hourly EURUSD is read from the file
that the package `backtesting` brings for its own tests; that package is optional (AGPL-3.0) and
not imported, and without it only EURUSD is missing.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from core.errors import Permanent
from market.actions import actions_find
from market.choices import AssetClass
from market.files.csv_bars import csv_bars_read, csv_read
from market.history import History
from market.providers.base import USUAL, BarRequest, Download, Listing, interval_check
from market.providers.range import history_cut

FOLDER: Final = Path(__file__).resolve().parent.parent / "sample"

SHARES: Final = MappingProxyType(
    {
        listing.symbol: listing
        for listing in (
            Listing("AAPL", name="Apple Inc.", exchange="NASDAQ"),
            Listing("GOOG", name="Google Inc. Class A", exchange="NASDAQ"),
            Listing("IBM", name="International Business Machines", exchange="NYSE"),
            Listing("MSFT", name="Microsoft Corporation", exchange="NASDAQ"),
        )
    }
)
EURUSD: Final = replace(
    USUAL[AssetClass.FOREX],
    symbol="EURUSD",
    name="Euro / US dollar",
    exchange="OTC",
    lot_size=Decimal(1),
)
SAMPLES: Final = (*((symbol, "1d") for symbol in SHARES), ("EURUSD", "1h"))


class SampleProvider:
    """AAPL, GOOG, IBM and MSFT daily, EURUSD hourly."""

    name: ClassVar[str] = "sample"
    title: ClassVar[str] = "Sample data"
    intervals: ClassVar[frozenset[str]] = frozenset({"1d", "1h"})

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a sample."""
        interval_check(self, request.interval)
        if (request.symbol, request.interval) not in SAMPLES:
            there = ", ".join(f"{symbol} ({interval})" for symbol, interval in SAMPLES)
            raise Permanent(
                f"There is no sample of {request.symbol} {request.interval}: there are {there}.",
                code="unknown_symbol",
            )
        listing = SHARES.get(request.symbol, EURUSD)
        history = share_read(request.symbol) if request.symbol in SHARES else eurusd_read()
        return Download(history_cut(history, request=request, listing=listing), listing)


def share_read(symbol: str) -> History:
    """Return a share's daily bars; the factor is what the source's adjusted close tells."""
    read = csv_read(FOLDER / f"{symbol}.csv.gz", optional=("adj_close",))
    factor = read.extra["adj_close"] / read.bars.close
    # The source has splits and dividends in one; volumes are to be divided by splits alone.
    found = actions_find(History.from_bars(read.bars, factor=factor))
    return History.from_bars(read.bars, factor=factor, split=found.split_factor(len(read.bars)))


def eurusd_read() -> History:
    """Return the hourly bars of EURUSD that come with `backtesting`.

    Raises
    ------
    Permanent
        When that package is not installed.
    """
    found = importlib.util.find_spec("backtesting")
    path = Path(found.origin).parent / "test" / "EURUSD.csv" if found and found.origin else None
    if path is None or not path.is_file():
        raise Permanent(
            "The sample of EURUSD comes with the optional package `backtesting`, which is not "
            "installed: `pip install backtesting==0.6.6`, or use another symbol.",
            code="sample_unavailable",
        )
    # Its first column, the time (UTC), has no name.
    return History.from_bars(csv_bars_read(BytesIO(b"ts" + path.read_bytes())))
