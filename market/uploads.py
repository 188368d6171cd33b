"""The worker's side of an import."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.errors import ApplicationError
from core.realtime.services import event_publish
from market.choices import FetchStatus
from market.files.location import location_of
from market.importing import bars_import
from market.models import Import
from market.reports import report_try
from market.transitions import import_move

UNEXPECTED: Final = "Something broke on our side; it was logged."


def import_run(*, import_id: UUID | str) -> None:
    """Do a queued import; do nothing where another worker has it or it is done."""
    if not import_move(
        import_id=import_id,
        before=FetchStatus.QUEUED,
        after=FetchStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=timezone.now(),
        stage="reading",
        progress=0.1,
    ):
        return
    upload = Import.objects.get(id=import_id)
    try:
        data = location_of(settings.BARS_URL).read(upload.path)
        series = bars_import(
            owner_id=upload.owner_id,
            symbol=upload.symbol,
            interval=upload.interval,
            source=BytesIO(data),
            **upload.options,
        )
        _tell(upload, stage="checking", progress=0.9)
        report_try(series)
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
        )


def _tell(upload: Import, *, stage: str, progress: float) -> None:
    Import.objects.filter(id=upload.id, status=FetchStatus.RUNNING).update(
        stage=stage, progress=progress, updated_at=timezone.now()
    )


def _end(upload: Import, status: FetchStatus, **changes: Any) -> None:
    """Write how an import ended, tell its owner, and drop the file."""
    with transaction.atomic():
        if not import_move(
            import_id=upload.id,
            before=FetchStatus.RUNNING,
            after=status,
            finished_at=timezone.now(),
            stage="",
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
        location = location_of(settings.BARS_URL)
        transaction.on_commit(lambda: location.delete(upload.path), robust=True)
