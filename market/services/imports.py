"""Files of bars that are imported by a worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.db import uuid7
from core.outbox.services import task_enqueue
from market.files.location import location_of
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import Import


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
