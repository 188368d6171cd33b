"""Keeping series up to date."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from market.intervals import interval_get
from market.listings import symbol_check
from market.models import Watch
from market.providers.base import interval_check
from market.providers.kinds import provider_get
from market.selectors import watch_get

OFTEN_AT_MOST_S: Final = 60
SELDOM_AT_MOST_S: Final = 30 * 86_400
WATCHES_AT_MOST: Final = 500


def watch_create(
    *,
    owner_id: UUID,
    provider: str,
    symbol: str,
    interval: str,
    start: date | None = None,
    every_s: int = 3600,
) -> Watch:
    """Keep a series up to date from now on; its first download is due at once.

    Raises
    ------
    InvalidInput
        When the provider, interval, symbol or period cannot be, or there are too many.
    Conflict
        When the owner watches the series already.
    """
    bar_interval = interval_get(interval)
    interval_check(provider_get(provider), bar_interval)
    _period_check(every_s)
    if Watch.objects.filter(owner_id=owner_id).count() >= WATCHES_AT_MOST:
        raise InvalidInput(f"You watch {WATCHES_AT_MOST} series already.", code="too_many")
    try:
        with transaction.atomic():
            return Watch.objects.create(
                owner_id=owner_id,
                provider=provider,
                symbol=symbol_check(symbol),
                interval=bar_interval.name,
                start=start,
                every_s=every_s,
                next_at=timezone.now(),
            )
    except IntegrityError as error:
        raise Conflict(
            f"You watch {symbol} {bar_interval} from {provider} already.", code="exists"
        ) from error


def watch_change(
    *,
    owner_id: UUID,
    watch_id: UUID | str,
    every_s: int | None = None,
    active: bool | None = None,
) -> Watch:
    """Change how often a series is downloaded, or whether.

    Raises
    ------
    NotFound
        When it is not the owner's.
    InvalidInput
        When the period cannot be.
    """
    watch = watch_get(owner_id=owner_id, watch_id=watch_id)
    if every_s is not None:
        _period_check(every_s)
        watch.every_s = every_s
    if active is not None:
        watch.active = active
        watch.next_at = timezone.now() if active else watch.next_at
    watch.save(update_fields=["every_s", "active", "next_at", "updated_at"])
    return watch


def watch_delete(*, owner_id: UUID, watch_id: UUID | str) -> None:
    """Stop watching; the bars stay.

    Raises
    ------
    NotFound
        When it is not the owner's.
    """
    watch_get(owner_id=owner_id, watch_id=watch_id).delete()


def _period_check(every_s: int) -> None:
    if not OFTEN_AT_MOST_S <= every_s <= SELDOM_AT_MOST_S:
        raise InvalidInput(
            f"every_s is {every_s}: use {OFTEN_AT_MOST_S} (a minute) to {SELDOM_AT_MOST_S} "
            "(thirty days).",
            code="out_of_range",
        )
