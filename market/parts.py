"""What of a download came already: in memory, or beside the store for whoever goes on."""

from __future__ import annotations

import dataclasses
import time
from decimal import Decimal
from typing import Any, Final, Protocol

from django.conf import settings
from django.db import transaction

from market.choices import AssetClass
from market.files.location import location_of
from market.files.parquet import history_bytes, history_parse
from market.history import histories_merge
from market.models import Fetch, FetchPart
from market.providers.base import Download, Listing
from market.quality.sift import RejectedBar

# A part is written when it has this many bars, or when this much time went by.
PART_ROWS: Final = 50_000
PART_SECONDS: Final = 5.0


class Parts(Protocol):
    """Pages of a download, in the order in which they come."""

    def add(self, page: Download) -> None:
        """Keep a page."""

    def last_ts(self) -> int | None:
        """Return the time of the last bar that was kept, ns; None where there is none."""

    def join(self) -> Download | None:
        """Return everything as one; None where there is nothing."""


class MemoryParts:
    """Pages of a download that nobody takes over."""

    def __init__(self) -> None:
        self._pages: list[Download] = []

    def add(self, page: Download) -> None:
        """Keep a page."""
        self._pages.append(page)

    def last_ts(self) -> int | None:
        """Return the time of the last bar, ns."""
        return int(self._pages[-1].history.bars.ts[-1]) if self._pages else None

    def join(self) -> Download | None:
        """Return everything as one."""
        return pages_merge(self._pages)


class StoredParts:
    """Pages that outlive the worker: files in the store's folder `parts`, and a row for each."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._rows = list(fetch.parts.order_by("number"))
        self._held = MemoryParts()
        self._held_rows = 0
        self._held_since = time.monotonic()

    def add(self, page: Download) -> None:
        """Keep a page; small ones are gathered for a few seconds first."""
        if not self._held_rows:
            self._held_since = time.monotonic()
        self._held.add(page)
        self._held_rows += len(page.history)
        old = time.monotonic() - self._held_since >= PART_SECONDS
        if old or self._held_rows >= PART_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is only in memory."""
        page = self._held.join()
        if page is None:
            return
        number = self._rows[-1].number + 1 if self._rows else 1
        path = f"parts/{self._fetch.id}/{number:05}.parquet"
        # The file first: a row without its file loses bars, a file without a row is only rubbish.
        location_of(settings.BARS_URL).write(path, history_bytes(page.history))
        self._rows.append(
            FetchPart.objects.create(
                fetch=self._fetch,
                number=number,
                path=path,
                rows=len(page.history),
                last_ts=int(page.history.bars.ts[-1]),
                listing=_listing_out(page.listing),
                rejected=[_rejected_out(bar) for bar in page.rejected],
            )
        )
        self._held, self._held_rows = MemoryParts(), 0

    def last_ts(self) -> int | None:
        """Return the time of the last bar, ns."""
        held = self._held.last_ts()
        if held is not None:
            return held
        return self._rows[-1].last_ts if self._rows else None

    def join(self) -> Download | None:
        """Return everything as one."""
        location = location_of(settings.BARS_URL)
        stored = [
            Download(
                history_parse(location.read(row.path), name=row.path),
                _listing_in(row.listing),
                tuple(_rejected_in(bar) for bar in row.rejected),
            )
            for row in self._rows
        ]
        held = self._held.join()
        return pages_merge(stored if held is None else [*stored, held])

    def drop(self) -> None:
        """Forget everything; the files go after the commit, and a file that stays does no harm."""
        paths = [row.path for row in self._rows]
        self._fetch.parts.all().delete()
        self._rows = []
        transaction.on_commit(lambda: _files_delete(paths), robust=True)


def _files_delete(paths: list[str]) -> None:
    location = location_of(settings.BARS_URL)
    for path in paths:
        location.delete(path)


def pages_merge(pages: list[Download]) -> Download | None:
    """Return pages as one; later ones replace earlier ones where they overlap."""
    if not pages:
        return None
    return Download(
        histories_merge([page.history for page in pages]),
        pages[-1].listing,
        _rejected_once(pages),
    )


def _rejected_once(pages: list[Download]) -> tuple[RejectedBar, ...]:
    """Return the rejected rows of all pages; one that two pages reject counts once."""
    seen: dict[tuple[int, str, str], RejectedBar] = {}
    for page in pages:
        for bar in page.rejected:
            seen.setdefault((bar.ts, bar.code, repr(sorted(bar.values.items()))), bar)
    return tuple(seen.values())


def _listing_out(listing: Listing) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in dataclasses.asdict(listing).items()
    }


def _listing_in(fields: dict[str, Any]) -> Listing:
    return Listing(
        **{
            **fields,
            "asset_class": AssetClass(fields["asset_class"]),
            "tick_size": Decimal(fields["tick_size"]),
            "lot_size": Decimal(fields["lot_size"]),
        }
    )


def _rejected_out(bar: RejectedBar) -> dict[str, Any]:
    # As text: JSON has no word for infinity.
    values = {name: repr(value) for name, value in bar.values.items()}
    return {"ts": bar.ts, "values": values, "code": bar.code, "message": bar.message}


def _rejected_in(fields: dict[str, Any]) -> RejectedBar:
    values = {name: float(text) for name, text in fields["values"].items()}
    return RejectedBar(fields["ts"], values, fields["code"], fields["message"])
