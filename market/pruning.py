"""Dropping bars as they once were, where nobody can ask for them any more.

A series that is kept up to date leaves a version behind with every download. Those that a run names
stay for as long as the run; the others go some hours after another took their place, when nobody
can still be reading them. Files go under a lock that keeps writers of their folder out, and only
those that no row names: of the files of years, versions share most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import unquote
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from core.errors import Permanent
from market.archive import folder_of
from market.files.dated import files_of
from market.files.location import Location, location_of
from market.holders import snapshots_held
from market.intervals import INTERVALS
from market.locks import folder_lock
from market.memory import memory
from market.models import BarSeries, BarSnapshot, QualityReport

log = structlog.get_logger(__name__)

# Longer than any run reads, from its beginning to the row that says what it has read.
KEPT: Final = timedelta(hours=6)
PRUNED_AT_ONCE: Final = 5_000
DUE_EVERY_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped of a folder, or would be.

    Attributes
    ----------
    symbol, interval : str
    snapshots, files, bytes : int
    """

    symbol: str
    interval: str
    snapshots: int
    files: int
    bytes: int


def snapshots_prune(
    *, now: datetime, kept: timedelta = KEPT, dry_run: bool = False
) -> list[Pruned]:
    """Drop versions of series that were replaced a while ago and that no run names.

    Parameters
    ----------
    now : datetime
    kept : timedelta
        How long after they were replaced.
    dry_run : bool
        Only say what would go.

    Returns
    -------
    list of Pruned
        By symbol and interval. Folders that somebody writes to are left for the next time.
    """
    old = _replaced(now - kept)
    hashes = set(old.values_list("content_hash", flat=True))
    free = (
        old.filter(content_hash__in=hashes - snapshots_held(hashes))
        .select_related("series__instrument")
        .order_by("series__instrument__symbol", "series__interval")[:PRUNED_AT_ONCE]
    )
    pruned = [
        _folder_prune(symbol, interval, list(group), dry_run=dry_run)
        for (symbol, interval), group in groupby(free, key=_place)
    ]
    return [one for one in pruned if one is not None]


def strays_prune(*, dry_run: bool = False) -> list[Pruned]:
    """Drop all files of bars that no row names: of accounts that were deleted, of writes cut off.

    Only for a store that no other database has rows of; so nothing calls it by itself.
    """
    pruned = []
    for folder in location_of(settings.BARS_URL).folders():
        symbol, _, interval = unquote(folder).rpartition("/")
        if interval in INTERVALS:
            pruned.append(_folder_prune(symbol, interval, [], dry_run=dry_run))
    return [one for one in pruned if one is not None and one.files]


def prune_due() -> bool:
    """Return whether an hour went by since somebody was told so; False where Redis is away."""
    key = f"{settings.REDIS_NAMESPACE}:market:pruned"
    try:
        return bool(memory().set(key, b"1", nx=True, ex=DUE_EVERY_S))
    except redis.RedisError as error:
        log.warning("market.prune_without_redis", error=str(error))
        return False


def _replaced(before: datetime) -> QuerySet[BarSnapshot]:
    """Return versions that are not the current one since before a time."""
    return BarSnapshot.objects.filter(updated_at__lt=before).exclude(
        content_hash=F("series__content_hash")
    )


def _place(snapshot: BarSnapshot) -> tuple[str, str]:
    return snapshot.series.instrument.symbol, snapshot.series.interval


def _folder_prune(
    symbol: str, interval: str, snapshots: Sequence[BarSnapshot], *, dry_run: bool
) -> Pruned | None:
    folder = folder_of(symbol, interval)
    with folder_lock(folder) as mine:
        if not mine:
            return None
        location = location_of(settings.BARS_URL)
        ids = [snapshot.id for snapshot in snapshots]
        try:
            unneeded = _unneeded(location, folder, symbol, interval, ids)
        except (FileNotFoundError, Permanent) as error:
            # What a list names that cannot be read, nobody knows: all files stay.
            log.warning("market.prune_left", folder=folder, error=str(error))
            return None
        if not dry_run:
            _rows_drop(snapshots)
            for path in unneeded:
                location.delete(path)
    return Pruned(symbol, interval, len(ids), len(unneeded), sum(unneeded.values()))


def _rows_drop(snapshots: Sequence[BarSnapshot]) -> None:
    with transaction.atomic():
        for snapshot in snapshots:
            QualityReport.objects.filter(
                series_id=snapshot.series_id, content_hash=snapshot.content_hash
            ).delete()
        BarSnapshot.objects.filter(id__in=[snapshot.id for snapshot in snapshots]).delete()


def _unneeded(
    location: Location, folder: str, symbol: str, interval: str, dropped: Sequence[UUID]
) -> dict[str, int]:
    """Return the files of a folder, with their sizes, that no row but the dropped ones names."""
    needed = {
        file for path in set(_named(symbol, interval, dropped)) for file in files_of(location, path)
    }
    there = location.sizes(folder)
    return {path: size for path, size in there.items() if path not in needed}


def _named(symbol: str, interval: str, dropped: Sequence[UUID]) -> Iterator[str]:
    """Return the paths in all rows of a symbol's bars, whoever they belong to."""
    series = BarSeries.objects.filter(instrument__symbol=symbol, interval=interval)
    yield from series.values_list("path", flat=True)
    kept = BarSnapshot.objects.filter(series__in=series).exclude(id__in=dropped)
    yield from kept.values_list("path", flat=True)
