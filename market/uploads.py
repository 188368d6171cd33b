"""The worker's side of an import."""

from __future__ import annotations

import time
from datetime import timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.db import claim
from core.errors import ApplicationError, Transient
from core.realtime.services import event_publish
from market.choices import FETCH_FINAL, FetchStatus
from market.files.location import location_of
from market.hold import Hold
from market.importing import bars_import
from market.models import Import
from market.reports import report_try
from market.transitions import import_move

UNEXPECTED: Final = "Something broke on our side; it was logged."
TELL_EVERY_S: Final = 1.0
# How far an import is when its file was read, and when its bars were stored.
READ: Final = 0.7
STORED: Final = 0.9
# An import that ended by no fault of its file waits that long for another try.
FILE_KEPT: Final = timedelta(days=1)
PRUNED_AT_ONCE: Final = 100


class Stopped(Exception):
    """The row says that this worker should not go on."""


def import_run(*, import_id: UUID | str) -> None:
    """Do a queued import; do nothing where another worker has it or it is done."""
    if not import_move(
        import_id=import_id,
        before=FetchStatus.QUEUED,
        after=FetchStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=timezone.now(),
        stage="reading",
        progress=0.0,
    ):
        return
    upload = Import.objects.get(id=import_id)
    with Hold(Import.objects.all(), upload):
        _attempt(upload)


def _attempt(upload: Import) -> None:
    try:
        series = bars_import(
            owner_id=upload.owner_id,
            symbol=upload.symbol,
            interval=upload.interval,
            source=BytesIO(location_of(settings.BARS_URL).read(upload.path)),
            tell=_Progress(upload).share,
            **upload.options,
        )
        _tell(upload, stage="checking", progress=STORED)
        report_try(series)
    except Stopped:
        return
    except FileNotFoundError:
        _end(
            upload,
            FetchStatus.FAILED,
            error_code="file_lost",
            error_message="The uploaded file is gone: upload it again.",
        )
    except ApplicationError as error:
        _end(
            upload,
            FetchStatus.FAILED,
            error_code=error.code,
            error_message=error.message,
            error_details=[detail.as_dict() for detail in error.details],
            keep=isinstance(error, Transient),
        )
    else:
        _end(upload, FetchStatus.COMPLETED, progress=1.0, series=series, rows=series.rows)


def import_error(*, import_id: UUID | str) -> None:
    """Write that an import ended by our own fault."""
    upload = Import.objects.filter(id=import_id).first()
    if upload is not None:
        _end(
            upload,
            FetchStatus.ERRORED,
            error_code="internal_error",
            error_message=UNEXPECTED,
            keep=True,
        )


def files_prune() -> int:
    """Drop files of imports that ended a day ago without bars; return how many."""
    old = Import.objects.filter(
        status__in=FETCH_FINAL, updated_at__lt=timezone.now() - FILE_KEPT
    ).exclude(path="")
    dropped = 0
    for upload in old[:PRUNED_AT_ONCE]:
        if claim(Import.objects.filter(id=upload.id, status=upload.status), path=""):
            location_of(settings.BARS_URL).delete(upload.path)
            dropped += 1
    return dropped


class _Progress:
    """Tells how far the reading is, once a second."""

    def __init__(self, upload: Import) -> None:
        self._upload = upload
        self._told = time.monotonic()

    def share(self, read: float) -> None:
        """Take the share of the file that was read."""
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_S:
            self._told = now
            _tell(self._upload, stage="reading", progress=READ * read)
        if read >= 1.0:
            _tell(self._upload, stage="storing", progress=READ)


def _tell(upload: Import, *, stage: str, progress: float) -> None:
    """Write how far it is, and stop where somebody else has the row or nobody wants it."""
    changed = Import.objects.filter(
        id=upload.id, status=FetchStatus.RUNNING, attempts=upload.attempts
    ).update(stage=stage, progress=progress, updated_at=timezone.now())
    if not changed:
        raise Stopped
    event_publish(
        user_id=upload.owner_id,
        topic=f"fetch:{upload.id}",
        type="import.progress",
        data={"id": str(upload.id), "progress": round(progress, 4), "stage": stage},
    )


def _end(upload: Import, status: FetchStatus, *, keep: bool = False, **changes: Any) -> None:
    """Write how an import ended, tell its owner, and drop the file unless it may be needed."""
    with transaction.atomic():
        if not import_move(
            import_id=upload.id,
            attempt=upload.attempts,
            before=FetchStatus.RUNNING,
            after=status,
            finished_at=timezone.now(),
            stage="",
            path=upload.path if keep else "",
            **changes,
        ):
            return
        event_publish(
            user_id=upload.owner_id,
            # The topic that clients know for getting bars.
            topic=f"fetch:{upload.id}",
            type=f"import.{status}",
            data={
                "id": str(upload.id),
                "status": str(status),
                "symbol": upload.symbol,
                "interval": upload.interval,
                "rows": changes.get("rows", 0),
                "error_message": changes.get("error_message", ""),
            },
        )
        if not keep:
            location = location_of(settings.BARS_URL)
            transaction.on_commit(lambda: location.delete(upload.path), robust=True)
