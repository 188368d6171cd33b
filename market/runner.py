"""The worker's side of a download."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.errors import ApplicationError
from core.realtime.services import event_publish
from market.choices import FetchStatus
from market.downloads import bars_download
from market.intervals import interval_get
from market.models import Fetch
from market.providers.base import BarRequest
from market.transitions import fetch_move

UNEXPECTED = "Something broke on our side; it was logged."


def fetch_run(*, fetch_id: UUID | str) -> None:
    """Do a queued download; do nothing where another worker has it or it is done."""
    now = timezone.now()
    if not fetch_move(
        fetch_id=fetch_id,
        before=FetchStatus.QUEUED,
        after=FetchStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
    ):
        return
    fetch = Fetch.objects.get(id=fetch_id)
    request = BarRequest(
        symbol=fetch.symbol,
        interval=interval_get(fetch.interval),
        start=fetch.start,
        end=fetch.end,
        now=now,
    )
    try:
        series = bars_download(provider=fetch.provider, request=request, overwrite=fetch.replace)
    except ApplicationError as error:
        fetch_end(
            fetch=fetch,
            status=FetchStatus.FAILED,
            error_code=error.code,
            error_message=error.message,
            error_details=[detail.as_dict() for detail in error.details],
        )
        return
    fetch_end(
        fetch=fetch, status=FetchStatus.COMPLETED, progress=1.0, series=series, rows=series.rows
    )


def fetch_end(*, fetch: Fetch, status: FetchStatus, **changes: Any) -> None:
    """Write how a download ended and tell its owner."""
    with transaction.atomic():
        if fetch_move(
            fetch_id=fetch.id,
            before=FetchStatus.RUNNING,
            after=status,
            finished_at=timezone.now(),
            **changes,
        ):
            event_publish(
                user_id=fetch.owner_id,
                topic=f"fetch:{fetch.id}",
                type=f"fetch.{status}",
                data={
                    "id": str(fetch.id),
                    "status": str(status),
                    "symbol": fetch.symbol,
                    "interval": fetch.interval,
                    "rows": changes.get("rows", 0),
                    "error_message": changes.get("error_message", ""),
                },
            )


def fetch_error(*, fetch_id: UUID | str) -> None:
    """Write that a download ended by our own fault."""
    fetch = Fetch.objects.filter(id=fetch_id).first()
    if fetch is not None:
        fetch_end(
            fetch=fetch,
            status=FetchStatus.ERRORED,
            error_code="internal_error",
            error_message=UNEXPECTED,
        )
