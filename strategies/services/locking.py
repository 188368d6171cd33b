"""One change of a draft at a time: whoever changes it holds its row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from core.errors import Conflict
from strategies.models import Strategy
from strategies.selectors import strategy_missing


def strategy_lock(
    *, owner_id: UUID, strategy_id: UUID | str, revision: int | None = None
) -> Strategy:
    """Return the newest state of a strategy, locked until the transaction ends.

    Raises
    ------
    NotFound
        If it is gone, or another user's.
    Conflict
        If the caller looked at another revision than the newest.
    """
    rows = Strategy.objects.select_for_update().filter(owner_id=owner_id, pk=strategy_id)
    strategy = rows.first()
    if strategy is None:
        raise strategy_missing(strategy_id)
    if revision is not None and revision != strategy.revision:
        raise Conflict(
            f"The strategy was changed meanwhile: you sent revision {revision} in If-Match, it is "
            f"at {strategy.revision}. GET it again, then repeat your change.",
            code="stale_revision",
        )
    return strategy


def strategy_store(strategy: Strategy, **changes: Any) -> None:
    """Write changes to a locked strategy and count them as one revision."""
    changes |= {"revision": strategy.revision + 1, "updated_at": timezone.now()}
    for name, value in changes.items():
        setattr(strategy, name, value)
    strategy.save(update_fields=list(changes))


def graph_store(
    strategy: Strategy, *, document: dict[str, Any], graph_hash: str, **more: Any
) -> None:
    """Write another graph to a locked strategy; quick backtests then leave it alone."""
    changed = graph_hash != strategy.graph_hash
    quick = more.pop("quick", strategy.quick) and not changed
    strategy_store(strategy, graph=document, graph_hash=graph_hash, quick=quick, **more)
