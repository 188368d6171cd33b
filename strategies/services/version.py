"""Freezing drafts. Whoever runs a strategy pins a version first, and runs that."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Max

from core.errors import Conflict, InvalidInput
from strategies.drafts import draft_report
from strategies.models import Strategy, StrategyVersion
from strategies.selectors import version_get
from strategies.services.locking import strategy_lock


@transaction.atomic
def version_publish(
    *, owner_id: UUID, strategy_id: UUID | str, revision: int | None = None
) -> tuple[StrategyVersion, bool]:
    """Freeze the draft; tell whether a new version was made.

    A draft equal to an earlier version gives that version again.

    Raises
    ------
    InvalidInput
        With every fault that keeps the draft from running.
    """
    strategy = strategy_lock(owner_id=owner_id, strategy_id=strategy_id, revision=revision)
    version = _version_of_draft(strategy)
    return (version, False) if version else (_version_checked(strategy), True)


@transaction.atomic
def version_pin(*, strategy: Strategy, number: int | None = None) -> StrategyVersion:
    """Return a version to run: the one that equals the draft, published now if need be.

    Call it inside the transaction that creates what refers to the version: it holds the
    strategy's row, so that the strategy cannot be deleted in between.

    Parameters
    ----------
    number : int, optional
        A version published earlier, in place of the draft's.

    Raises
    ------
    InvalidInput
        With every fault that keeps the draft from running.
    NotFound
        If the strategy was deleted meanwhile, or has no version of that number.
    Conflict
        If it is archived.
    """
    locked = strategy_lock(owner_id=strategy.owner_id, strategy_id=strategy.pk)
    if locked.archived:
        raise Conflict(
            f"The strategy {locked.name!r} is archived: restore it with PATCH "
            '{"archived": false}, or fork it.',
            code="archived",
        )
    if number is not None:
        return version_get(locked, number)
    return _version_of_draft(locked) or _version_checked(locked)


def _version_of_draft(strategy: Strategy) -> StrategyVersion | None:
    versions = StrategyVersion.objects.filter(strategy=strategy, graph_hash=strategy.graph_hash)
    return versions.first()


def version_first(strategy: Strategy) -> None:
    """Publish version 1 of a new strategy if it can run."""
    if draft_report(strategy.graph).runnable:
        _version_insert(strategy)


def _version_checked(strategy: Strategy) -> StrategyVersion:
    report = draft_report(strategy.graph)
    if not report.runnable:
        first, rest = report.faults[0], len(report.faults) - 1
        more = f" (and {rest} more: see details)" if rest else ""
        raise InvalidInput(
            f"The strategy cannot run yet: {first.message}{more}",
            code="not_runnable",
            details=report.faults,
        )
    return _version_insert(strategy)


def _version_insert(strategy: Strategy) -> StrategyVersion:
    """Insert the next version of a strategy that is locked or new."""
    versions = StrategyVersion.objects.filter(strategy=strategy)
    latest = versions.aggregate(latest=Max("number"))["latest"] or 0
    return StrategyVersion.objects.create(
        strategy=strategy,
        number=latest + 1,
        graph=strategy.graph,
        graph_hash=strategy.graph_hash,
        parameters=strategy.graph.get("parameters", []),
    )
