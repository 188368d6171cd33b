"""The data that a fresh installation starts with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import Permanent
from market.downloads import bars_download
from market.intervals import interval_get
from market.models import BarSeries
from market.providers.base import BarRequest
from market.providers.sample import SAMPLES
from market.services.universes import universes_load


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one sample: its series, or why there is none."""

    symbol: str
    interval: str
    series: BarSeries | None
    reason: str = ""


def samples_load(*, now: datetime) -> list[Loaded]:
    """Load all samples and the built-in universes; what is loaded already stays as it is."""
    universes_load()
    return [_load(symbol, interval, now) for symbol, interval in SAMPLES]


def _load(symbol: str, interval: str, now: datetime) -> Loaded:
    request = BarRequest(
        symbol=symbol, interval=interval_get(interval), start=None, end=None, now=now
    )
    try:
        series = bars_download(provider="sample", request=request, overwrite=True)
    except Permanent as error:
        # Without the optional package there is no EURUSD, and that is all right.
        if error.code != "sample_unavailable":
            raise
        return Loaded(symbol, interval, None, error.message)
    return Loaded(symbol, interval, series)
