"""The worker's side of a download."""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.errors import ApplicationError, Transient
from core.outbox.services import task_enqueue
from core.realtime.services import event_publish
from market.choices import FetchStatus
from market.downloads import bars_download, share_done
from market.history import RESTATED
from market.hold import Hold
from market.intervals import interval_get
from market.keys import credentials_of
from market.models import BarSeries, Fetch, Watch
from market.parts import StoredParts
from market.providers.base import BarRequest, Download
from market.reports import report_try
from market.transitions import fetch_move

UNEXPECTED = "Something broke on our side; it was logged."
# A download that is not done by then stops and goes on as another task.
RUN_AT_MOST_S: Final = settings.CELERY_TASK_SOFT_TIME_LIMIT * 0.7
TELL_EVERY_S: Final = 1.0
# Providers that limit requests send a download away; the sweeper sends it again after minutes.
DEFERRALS_AT_MOST: Final = 20
LATER: Final = frozenset({"rate_limited", "busy"})


class Stopped(Exception):
    """The row says that this worker should not go on."""


class TimeUp(Exception):
    """It takes longer than one task may."""


def fetch_run(*, fetch_id: UUID | str) -> None:
    """Do a queued download; do nothing where another worker has it or it is done."""
    now = timezone.now()
    if not fetch_move(
        fetch_id=fetch_id,
        before=FetchStatus.QUEUED,
        after=FetchStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        stage="downloading",
    ):
        return
    fetch = Fetch.objects.get(id=fetch_id)
    with Hold(Fetch.objects.all(), fetch):
        _attempt(fetch, StoredParts(fetch))


def _attempt(fetch: Fetch, parts: StoredParts) -> None:
    try:
        series = _download(fetch, parts, _request(fetch))
    except Stopped:
        return
    except TimeUp:
        parts.flush()
        _queue_again(fetch, stage="goes on in another task", attempts=0, send=True)
    except Transient as error:
        parts.flush()
        if error.code in LATER and fetch.deferrals < DEFERRALS_AT_MOST:
            _queue_again(fetch, stage=error.message[:200], attempts=0, deferrals=F("deferrals") + 1)
        else:
            fetch_fail(fetch=fetch, error=error)
    except ApplicationError as error:
        parts.flush()
        fetch_fail(fetch=fetch, error=error)
    else:
        report_try(series)
        with transaction.atomic():
            if fetch_end(
                fetch=fetch,
                status=FetchStatus.COMPLETED,
                progress=1.0,
                stage="",
                series=series,
                rows=series.rows,
            ):
                parts.drop()


def _request(fetch: Fetch) -> BarRequest:
    return BarRequest(
        symbol=fetch.symbol,
        interval=interval_get(fetch.interval),
        start=fetch.start,
        end=fetch.end,
        now=timezone.now(),
        credentials=credentials_of(owner_id=fetch.owner_id, provider=fetch.provider),
    )


def _twin_series(fetch: Fetch) -> BarSeries | None:
    """Return what another download of the same bars brought since this one was asked for.

    One that has written its bars may not have come to its end yet.
    """
    brought = Q(status=FetchStatus.COMPLETED, finished_at__gte=fetch.created_at)
    twin = (
        Fetch.objects.filter(
            brought | Q(status=FetchStatus.RUNNING),
            provider=fetch.provider,
            symbol=fetch.symbol,
            interval=fetch.interval,
            start=fetch.start,
            end=fetch.end,
            replace=fetch.replace,
            series__isnull=False,
        )
        .select_related("series")
        .first()
    )
    return None if twin is None else twin.series


def _download(fetch: Fetch, parts: StoredParts, request: BarRequest) -> BarSeries:
    began = told = time.monotonic()
    had = parts.last_ts()

    def tell(page: Download) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELL_EVERY_S:
            told = now
            _progress(fetch, share_done(request, page))
        # A task that gets no further than the one before is at the end.
        if now - began >= RUN_AT_MOST_S and int(page.history.bars.ts[-1]) != had:
            raise TimeUp

    return bars_download(
        provider=fetch.provider,
        request=request,
        overwrite=fetch.replace,
        parts=parts,
        tell=tell,
        done=lambda: _twin_series(fetch),
        written=lambda series: _written(fetch, series),
        waiting=lambda: _waiting(fetch),
    )


def _written(fetch: Fetch, series: BarSeries) -> None:
    """Let others who wait for the same bars know that they are there."""
    Fetch.objects.filter(id=fetch.id).update(series=series)


def _waiting(fetch: Fetch) -> None:
    """Say that somebody else downloads the same bars."""
    Fetch.objects.filter(id=fetch.id, status=FetchStatus.RUNNING, attempts=fetch.attempts).update(
        stage="waiting for another download of these bars", updated_at=timezone.now()
    )


def _progress(fetch: Fetch, share: float | None) -> None:
    """Write how far it is, and stop where somebody else has the row or nobody wants it."""
    changed = Fetch.objects.filter(
        id=fetch.id, status=FetchStatus.RUNNING, attempts=fetch.attempts
    ).update(
        progress=fetch.progress if share is None else max(fetch.progress, min(share, 0.99)),
        stage="downloading",
        updated_at=timezone.now(),
    )
    if not changed:
        raise Stopped
    if share is not None:
        event_publish(
            user_id=fetch.owner_id,
            topic=f"fetch:{fetch.id}",
            type="fetch.progress",
            data={"id": str(fetch.id), "progress": round(share, 4), "stage": "downloading"},
        )


def _queue_again(fetch: Fetch, *, stage: str, send: bool = False, **changes: Any) -> None:
    """Put a download back; the sweeper sends it after a while, or it is sent at once."""
    with transaction.atomic():
        moved = fetch_move(
            fetch_id=fetch.id,
            attempt=fetch.attempts,
            before=FetchStatus.RUNNING,
            after=FetchStatus.QUEUED,
            stage=stage,
            **changes,
        )
        if moved and send:
            task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")


def fetch_fail(*, fetch: Fetch, error: ApplicationError) -> None:
    """Write why a download has no bars; what came of it stays for another try."""
    with transaction.atomic():
        ended = fetch_end(
            fetch=fetch,
            status=FetchStatus.FAILED,
            stage="",
            error_code=error.code,
            error_message=error.message,
            error_details=[detail.as_dict() for detail in error.details],
        )
        if ended and error.code == RESTATED:
            # A watched series is downloaded anew as a whole, and not only in an hour or a month.
            Watch.objects.filter(fetch=fetch).update(next_at=timezone.now())


def fetch_end(*, fetch: Fetch, status: FetchStatus, **changes: Any) -> bool:
    """Write how a download ended and tell its owner; false where it is another worker's by now."""
    with transaction.atomic():
        if not fetch_move(
            fetch_id=fetch.id,
            attempt=fetch.attempts,
            before=FetchStatus.RUNNING,
            after=status,
            finished_at=timezone.now(),
            **changes,
        ):
            return False
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
    return True


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
