"""Which rules on bars are looked at next: those of each owner one after the other.

Messages go the same way as the rules, so rules must not fill it: of an owner one task is queued or
runs at a time, and it makes room after a second. However many rules somebody has, and however
long they take, what others wait for is behind one of them at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from core.errors import ApplicationError
from core.outbox.services import task_enqueue
from market.models import BarSeries
from notifications.choices import EVALUATE_TASK
from notifications.models import AlertRule
from notifications.watching import bar_rules, market_mark

# A turn that was lost is given again after so long.
TURN_S: Final = 60

Place = tuple[UUID | None, str, str]


def rules_watch() -> int:
    """Queue the rules whose bars have changed since they were looked at; return how many."""
    rows = bar_rules().only("id", "owner_id", "symbol", "interval", "seen_hash").order_by("id")
    rules = list(rows)
    private = _private_symbols(rules)
    marks: dict[Place, str] = {}
    changed: defaultdict[UUID, list[str]] = defaultdict(list)
    for rule in rules:
        own = (rule.owner_id, rule.symbol) in private
        place = (rule.owner_id if own else None, rule.symbol, rule.interval)
        if place not in marks:
            marks[place] = _mark_or_none(*place)
        if marks[place] not in {"", rule.seen_hash}:
            changed[rule.owner_id].append(str(rule.id))
    return sum(len(ids) for owner_id, ids in changed.items() if _turn_begin(owner_id, ids))


def turn_end(owner_id: UUID, rest: list[str]) -> None:
    """Queue what is left of an owner's turn, or let the next one begin."""
    if not rest:
        cache.delete(_turn(owner_id))
        return
    cache.set(_turn(owner_id), 1, timeout=TURN_S)
    _queue(owner_id, rest)


def _turn_begin(owner_id: UUID, ids: list[str]) -> bool:
    if not cache.add(_turn(owner_id), 1, timeout=TURN_S):
        return False
    _queue(owner_id, ids)
    return True


def _queue(owner_id: UUID, ids: list[str]) -> None:
    with transaction.atomic():
        task_enqueue(task=EVALUATE_TASK, args=[str(owner_id), ids], queue="alerts")


def _turn(owner_id: UUID) -> str:
    return f"alert-rules:{owner_id}"


def _private_symbols(rules: Iterable[AlertRule]) -> set[tuple[UUID | None, str]]:
    """Return the owners who have bars of their own, with their symbols; all others see the same."""
    symbols = {rule.symbol for rule in rules}
    own = BarSeries.objects.filter(instrument__symbol__in=symbols, owner__isnull=False)
    return set(own.values_list("owner_id", "instrument__symbol"))


def _mark_or_none(owner_id: UUID | None, symbol: str, interval: str) -> str:
    """Return the mark of a symbol's bars, "" where there are none."""
    try:
        return market_mark(owner_id=owner_id, symbol=symbol, interval=interval)[0]
    except ApplicationError:
        return ""
