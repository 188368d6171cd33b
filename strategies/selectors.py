"""Reading strategies. Everything starts from the owner, so another user's row is not found."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from core.errors import NotFound
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get
from strategies.models import Strategy, StrategyVersion


def strategy_list(owner_id: UUID) -> QuerySet[Strategy]:
    """Return a user's strategies with the numbers of their versions, archived ones included.

    Each row has `version` (number of the version that equals the draft, None while the draft has
    changes that are not published), `latest_version`, `base_number` and `base_latest` (of the
    base strategy) and `base_strategy_id`.
    """
    versions = StrategyVersion.objects.filter(strategy=OuterRef("pk"))
    of_base = StrategyVersion.objects.filter(strategy=OuterRef("base_version__strategy"))
    return Strategy.objects.filter(owner_id=owner_id).annotate(
        version=Subquery(versions.filter(graph_hash=OuterRef("graph_hash")).values("number")[:1]),
        latest_version=Subquery(versions.order_by("-number").values("number")[:1]),
        base_strategy_id=F("base_version__strategy_id"),
        base_number=F("base_version__number"),
        base_latest=Subquery(of_base.order_by("-number").values("number")[:1]),
    )


def strategy_get(owner_id: UUID, strategy_id: UUID | str) -> Strategy:
    """Return a user's strategy, archived or not, with the fields of `strategy_list`.

    Raises
    ------
    NotFound
        If there is none with this id, or it is another user's.
    """
    strategy = strategy_list(owner_id).filter(pk=strategy_id).first()
    if strategy is None:
        raise strategy_missing(strategy_id)
    return strategy


def strategy_missing(strategy_id: UUID | str) -> NotFound:
    """Return the error for a strategy that is not there, or not the caller's."""
    return NotFound(f"There is no strategy {strategy_id}: GET strategies lists yours.")


def version_list(strategy: Strategy) -> QuerySet[StrategyVersion]:
    """Return the versions of a strategy."""
    return StrategyVersion.objects.filter(strategy=strategy)


def version_get(strategy: Strategy, number: int | str | None = None) -> StrategyVersion:
    """Return one version of a strategy, the newest where no number is given.

    Raises
    ------
    NotFound
        If the strategy has no version of that number, or none at all.
    """
    versions = version_list(strategy).order_by("-number")
    found = (versions if number is None else versions.filter(number=number)).first()
    if found is None:
        latest = versions.values_list("number", flat=True).first()
        known = f"its newest is {latest}" if latest else "it has none yet: publish it first"
        wanted = "no version" if number is None else f"no version {number}"
        raise NotFound(f"The strategy {strategy.name!r} has {wanted}; {known}.")
    return found


def strategy_of_template(owner_id: UUID, name: str) -> Strategy:
    """Return the strategy that a user's quick backtests of a template run under.

    It is made at the first call, and follows the template when a release changes it; versions
    that earlier runs have pinned stay. Once its owner edits its graph it is an ordinary strategy,
    and the next call makes a new one.

    Parameters
    ----------
    name : str
        A template's name or alias in any case: ``"sma_cross"``, ``"SMA"``.

    Raises
    ------
    InvalidInput
        If there is no such template.
    """
    template = template_get(name)
    graph, identity = template_graph(template.name)
    strategy, _ = Strategy.objects.defer("graph").get_or_create(
        owner_id=owner_id,
        template=template.name,
        quick=True,
        archived_at=None,
        defaults={
            "name": template.title,
            "description": template.description,
            "graph": graph,
            "graph_hash": identity,
        },
    )
    if strategy.graph_hash != identity:
        stale = Strategy.objects.filter(pk=strategy.pk, revision=strategy.revision)
        stale.update(
            graph=graph, graph_hash=identity, revision=F("revision") + 1, updated_at=timezone.now()
        )
        strategy.refresh_from_db()
    return strategy


@cache
def template_graph(name: str) -> tuple[dict[str, Any], str]:
    """Return the canonical document of a template, which nobody may change, and its hash."""
    graph = graph_parse(template_get(name).document)
    return graph_document(graph), graph_hash(graph)
