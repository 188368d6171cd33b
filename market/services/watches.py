"""Keeping series up to date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
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
    every_s: int | None = None,
) -> Watch:
    """Keep a series up to date from now on; its first download is due at once.

    Without a period it is downloaded whenever a bar of it is over, by the sessions of its exchange.

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


def watch_change(*, owner_id: UUID, watch_id: UUID | str, changes: Mapping[str, Any]) -> Watch:
    """Change how often a series is downloaded (`every_s`), or whether (`active`); it is due then.

    Raises
    ------
    NotFound
        When it is not the owner's.
    InvalidInput
        When the period cannot be.
    """
    watch = watch_get(owner_id=owner_id, watch_id=watch_id)
    watch.every_s = changes.get("every_s", watch.every_s)
    watch.active = changes.get("active", watch.active)
    _period_check(watch.every_s)
    watch.next_at = timezone.now()
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


def _period_check(every_s: int | None) -> None:
    if every_s is not None and not OFTEN_AT_MOST_S <= every_s <= SELDOM_AT_MOST_S:
        raise InvalidInput(
            f"every_s is {every_s}: use {OFTEN_AT_MOST_S} (a minute) to {SELDOM_AT_MOST_S} "
            "(thirty days), or null: as its bars close.",
            code="out_of_range",
        )
