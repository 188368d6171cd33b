"""Files of bars that are imported by a worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.db import uuid7
from core.errors import Conflict
from core.outbox.services import task_enqueue
from market.choices import FETCH_FINAL
from market.files.location import location_of
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import Import
from market.selectors import import_get
from market.transitions import job_cancel, job_queue_again


def import_create(
    *, owner_id: UUID, filename: str, data: bytes, symbol: str, interval: str, **options: Any
) -> Import:
    """Keep a file and queue its import.

    Parameters
    ----------
    owner_id : UUID
    filename : str
        For people.
    data : bytes
    symbol, interval : str
    **options
        What else `market.importing.bars_import` is told.

    Raises
    ------
    InvalidInput
        When the symbol or interval cannot be.
    """
    upload = Import(
        id=uuid7(),
        owner_id=owner_id,
        filename=filename[:200],
        size=len(data),
        symbol=symbol_check(symbol),
        interval=interval_get(interval).name,
        options=options,
    )
    upload.path = f"uploads/{upload.id}"
    # The file first: a row without its file is lost, a file without a row is only rubbish.
    location_of(settings.BARS_URL).write(upload.path, data)
    with transaction.atomic():
        upload.save(force_insert=True)
        task_enqueue(task="market.import", args=[str(upload.id)], queue="market")
    return upload


def import_cancel(*, owner_id: UUID, import_id: UUID | str) -> Import:
    """Stop an import; its worker notices within a second while it reads, and stores nothing.

    Raises
    ------
    NotFound
        When it is not the owner's.
    Conflict
        When it is over.
    """
    upload = import_get(owner_id=owner_id, import_id=import_id)
    if job_cancel(Import.objects.all(), job_id=upload.id):
        return import_get(owner_id=owner_id, import_id=import_id)
    upload = import_get(owner_id=owner_id, import_id=import_id)
    raise Conflict(f"The import is {upload.status} already.", code="already_over")


def import_retry(*, owner_id: UUID, import_id: UUID | str) -> Import:
    """Queue an import again that ended by no fault of its file; the file is kept for a day.

    Raises
    ------
    NotFound
        When it is not the owner's.
    Conflict
        When it is not over, brought its bars, or its file is gone.
    """
    upload = import_get(owner_id=owner_id, import_id=import_id)
    with transaction.atomic():
        if job_queue_again(Import.objects.exclude(path=""), job_id=upload.id, progress=0.0):
            task_enqueue(task="market.import", args=[str(upload.id)], queue="market")
            return import_get(owner_id=owner_id, import_id=import_id)
    why = "its file is gone: upload it again" if upload.status in FETCH_FINAL else "it goes on"
    raise Conflict(f"The import is {upload.status} and {why}.", code="not_retryable")
