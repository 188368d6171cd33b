"""Files named by content, and a catalogue that says which one is current.

Writing never touches a file that exists. It writes another one and then turns the catalogue row
to it by compare-and-set, so that of two writers at once neither loses the other's bars, readers
never see half of anything, and an old run finds the bars it was made with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.db import claim
from core.errors import Conflict, InvalidInput, Permanent
from market.cache import BarCache
from market.calendars import NS_PER_S
from market.files.dated import Cut, files_of, history_get, history_put
from market.files.location import location_of
from market.history import History, history_merge
from market.intervals import HOUR_S, Interval, interval_get
from market.locks import folder_hold
from market.models import BarSeries, BarSnapshot, Instrument, QuarantinedBar
from market.quality.sift import RejectedBar
from market.telling import bars_tell

# Writers of one series at once; each round one of them wins.
WRITE_ROUNDS: Final = 20

# Files of series that grow: of all but the last one the next version has the same.
_held: BarCache[pa.Table] = BarCache(settings.BARS_CACHE_BYTES // 2, row_bytes=8 * 8)


def history_read(path: str) -> History:
    """Return the raw bars and adjustments in a file of the store.

    Raises
    ------
    Permanent
        When the file is missing or damaged.
    """
    try:
        url = settings.BARS_URL
        return history_get(location_of(url), path, held=_held, url=url)
    except FileNotFoundError as error:
        raise Permanent(
            f"The bar store has lost {path}: restore it, or fetch or import the bars again.",
            code="bars_lost",
        ) from error


def folder_of(symbol: str, interval: str) -> str:
    """Return the folder of the store that has a symbol's bars, whoever they belong to."""
    return f"{quote(symbol, safe='')}/{interval}"


def history_store(
    *,
    instrument: Instrument,
    interval: Interval,
    provider: str,
    history: History,
    owner_id: UUID | None = None,
    replace: bool = False,
    rejected: Sequence[RejectedBar] = (),
) -> BarSeries:
    """Put bars into the store and return their series.

    They are merged into what is there (`history_merge`), or take its place with `replace`. Rows
    that cannot be bars are put into quarantine in the same transaction.

    Raises
    ------
    InvalidInput
        When there are no bars.
    Conflict
        When the provider restated its prices, or too many others write the same series.
    """
    if not len(history):
        raise InvalidInput(f"There are no bars of {instrument.symbol} to store.", code="no_bars")
    place = {
        "instrument": instrument,
        "interval": interval.name,
        "provider": provider,
        "owner_id": owner_id,
    }
    for _ in range(WRITE_ROUNDS):
        current = BarSeries.objects.filter(**place).first()
        merged = history
        if current is not None and not replace:
            merged = history_merge(history_read(current.path), history)
        with transaction.atomic():
            stored = _store_once(place, current, merged, again=replace)
            if stored is not None:
                quarantine_write(series=stored, history=history, rejected=rejected)
        if stored is not None:
            return stored
    raise Conflict(f"Others keep writing {instrument.symbol} {interval}: try again.", code="busy")


def _store_once(
    place: dict[str, Any], current: BarSeries | None, history: History, *, again: bool
) -> BarSeries | None:
    """Write the file and turn the row to it; None where another writer was faster.

    Where the row is there already nothing but a lost file is written; `again` writes all of them.
    """
    content_hash = history.content_hash()
    interval = interval_get(place["interval"])
    folder = folder_of(place["instrument"].symbol, interval.name)
    # From here on nothing is dropped that lies there already, until rows name it.
    folder_hold(folder)
    location = location_of(settings.BARS_URL)
    # What the row names is not dropped while the row is turned from that to this.
    there = () if again or current is None else files_of(location, current.path)
    path = history_put(location, folder, history, cut=_cut(interval), there=there)
    if current is not None and current.content_hash == content_hash:
        return BarSeries.objects.select_related("instrument").get(id=current.id)
    facts = {
        "adjusted": history.adjusts,
        "rows": len(history),
        "first_ts": _moment(history.bars.ts[0]),
        "last_ts": _moment(history.bars.ts[-1]),
        "last_close": float(history.bars.close[-1]),
        "content_hash": content_hash,
        "path": path,
    }
    mine = BarSeries.objects.filter(**place)
    if current is None:
        row = BarSeries(**place, **facts)
        BarSeries.objects.bulk_create([row], ignore_conflicts=True)
        won = mine.filter(id=row.id).exists()
    else:
        won = claim(mine.filter(id=current.id, content_hash=current.content_hash), **facts)
    if not won:
        return None
    stored = mine.select_related("instrument").get()
    if current is not None:
        # Since when it is not the current one: what is dropped is counted from here.
        replaced = BarSnapshot.objects.filter(series=stored, content_hash=current.content_hash)
        replaced.update(updated_at=timezone.now())
    BarSnapshot.objects.bulk_create(
        [
            BarSnapshot(
                series=stored,
                content_hash=content_hash,
                path=path,
                rows=stored.rows,
                first_ts=stored.first_ts,
                last_ts=stored.last_ts,
            )
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: bars_tell(stored), robust=True)
    return stored


def quarantine_write(
    *, series: BarSeries, history: History, rejected: Sequence[RejectedBar]
) -> None:
    """Put a delivery's rejected rows beside a series, in place of those it gave another word on."""
    first, last = int(history.bars.ts[0]), int(history.bars.ts[-1])
    series.quarantine.filter(ts__gte=first, ts__lte=last).delete()
    QuarantinedBar.objects.bulk_create(
        [
            QuarantinedBar(
                series=series,
                ts=bar.ts,
                **bar.values,
                code=bar.code,
                message=bar.message[:300],
            )
            for bar in rejected
        ],
        ignore_conflicts=True,
    )


def _cut(interval: Interval) -> Cut:
    if not interval.intraday:
        return Cut.WHOLE
    return Cut.YEARS if interval.seconds >= HOUR_S else Cut.DAYS


def _moment(ts: int) -> datetime:
    return datetime.fromtimestamp(int(ts) // NS_PER_S, tz=UTC)
