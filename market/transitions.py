"""The only way a download's status changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.db import claim
from market.choices import FetchStatus
from market.models import Fetch, Import

ALLOWED = frozenset(
    {
        (FetchStatus.QUEUED, FetchStatus.RUNNING),
        (FetchStatus.RUNNING, FetchStatus.COMPLETED),
        (FetchStatus.RUNNING, FetchStatus.FAILED),
        (FetchStatus.RUNNING, FetchStatus.ERRORED),
        # its worker died, its time was up, or the provider sent it away for now
        (FetchStatus.RUNNING, FetchStatus.QUEUED),
        (FetchStatus.QUEUED, FetchStatus.CANCELED),
        (FetchStatus.RUNNING, FetchStatus.CANCELED),
        # tried again by its owner, from where it stopped
        (FetchStatus.FAILED, FetchStatus.QUEUED),
        (FetchStatus.ERRORED, FetchStatus.QUEUED),
        (FetchStatus.CANCELED, FetchStatus.QUEUED),
    }
)


def fetch_move(
    *, fetch_id: UUID | str, before: FetchStatus, after: FetchStatus, **changes: Any
) -> bool:
    """Change a status and tell whether it was still `before`."""
    if (before, after) not in ALLOWED:
        raise ValueError(f"A fetch does not go from {before} to {after}.")
    return claim(Fetch.objects.filter(id=fetch_id, status=before), status=after, **changes)


def import_move(
    *, import_id: UUID | str, before: FetchStatus, after: FetchStatus, **changes: Any
) -> bool:
    """Change the status of an import and tell whether it was still `before`."""
    if (before, after) not in ALLOWED:
        raise ValueError(f"An import does not go from {before} to {after}.")
    return claim(Import.objects.filter(id=import_id, status=before), status=after, **changes)
