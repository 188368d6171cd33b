"""Asking for a download."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction

from core.errors import InvalidInput
from core.outbox.services import task_enqueue
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import Fetch
from market.providers.base import interval_check
from market.providers.kinds import provider_get


def fetch_create(
    *,
    owner_id: UUID,
    provider: str,
    symbol: str,
    interval: str,
    start: date | None = None,
    end: date | None = None,
    replace: bool = False,
) -> Fetch:
    """Write a download down and queue it.

    Raises
    ------
    InvalidInput
        When the provider, interval, symbol or range cannot be.
    """
    bar_interval = interval_get(interval)
    interval_check(provider_get(provider), bar_interval)
    if start and end and end < start:
        raise InvalidInput(f"end ({end}) is before start ({start}): swap them.")
    with transaction.atomic():
        fetch = Fetch.objects.create(
            owner_id=owner_id,
            provider=provider,
            symbol=symbol_check(symbol),
            interval=bar_interval.name,
            start=start,
            end=end,
            replace=replace,
        )
        task_enqueue(task="market.fetch", args=[str(fetch.id)], queue="market")
    return fetch
