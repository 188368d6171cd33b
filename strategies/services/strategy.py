"""The life of a strategy: made, changed, copied, deleted or archived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import timezone

from core.errors import Detail, InvalidInput
from strategies.drafts import Draft, GraphSource, draft_compose
from strategies.models import Strategy
from strategies.models.strategy import NAME_LENGTH
from strategies.selectors import strategy_get, version_get
from strategies.services.children import draft_change
from strategies.services.locking import graph_store, strategy_lock, strategy_store
from strategies.services.version import version_first


@transaction.atomic
def strategy_create(
    *,
    owner_id: UUID,
    name: str = "",
    description: str | None = None,
    graph: Mapping[str, Any] | None = None,
    source: GraphSource | None = None,
) -> Strategy:
    """Create a strategy, and its version 1 if the graph is complete enough to run.

    Parameters
    ----------
    name : str
        The title of the template or the name of the base where it is empty.
    graph : Mapping, optional
        The document; short for ``source=GraphSource(graph=...)``.
    source : GraphSource, optional
        Where else the graph comes from; without either the draft is empty.

    Raises
    ------
    InvalidInput
        With every fault of the graph at saving level, or of the parameters.
    """
    draft = draft_compose(owner_id=owner_id, source=source or GraphSource(graph=graph))
    name = name or draft.title[:NAME_LENGTH]
    if not name:
        message = "A strategy drawn by hand needs a name: add one."
        raise InvalidInput(message, details=[Detail("name", "required", message)])
    strategy = Strategy.objects.create(
        owner_id=owner_id,
        name=name,
        description=draft.description if description is None else description,
        graph=draft.document,
        graph_hash=draft.graph_hash,
        template=draft.template,
        base_version=draft.base_version,
        overrides=draft.overrides.as_dict() if draft.base_version else {},
    )
    version_first(strategy)
    return strategy_get(owner_id, strategy.pk)


@transaction.atomic
def strategy_update(
    *,
    owner_id: UUID,
    strategy_id: UUID | str,
    name: str | None = None,
    description: str | None = None,
    source: GraphSource | None = None,
    archived: bool | None = None,
    revision: int | None = None,
) -> Strategy:
    """Change what is given; None leaves a field as it is.

    Parameters
    ----------
    source : GraphSource, optional
        Another graph; with nothing but parameters and nodes, changes of the graph there is; with
        a base's version, the same changes on that version.
    archived : bool, optional
        Hide it from lists, or show it again.
    revision : int, optional
        Refuse the change if the draft is no longer at this revision.
    """
    strategy = strategy_lock(owner_id=owner_id, strategy_id=strategy_id, revision=revision)
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = name
    if description is not None:
        changes["description"] = description
    if archived is not None and archived != strategy.archived:
        changes["archived_at"] = timezone.now() if archived else None
        # What comes back from the archive must not compete with the template's present strategy.
        changes["quick"] = False
    draft, provenance = _draft_next(strategy, source)
    if draft is None:
        strategy_store(strategy, **changes)
    else:
        changes |= provenance
        graph_store(strategy, document=draft.document, graph_hash=draft.graph_hash, **changes)
    return strategy_get(owner_id, strategy.pk)


def _draft_next(
    strategy: Strategy, source: GraphSource | None
) -> tuple[Draft | None, dict[str, Any]]:
    """Return the draft to store, if it changes, and where it comes from, if that changes."""
    if source is None:
        return None, {}
    if not source.given:
        return draft_change(strategy, source)
    draft = draft_compose(owner_id=strategy.owner_id, source=source)
    if source.graph is not None:
        return draft, {}
    base = draft.base_version
    if base is not None and base.strategy_id == strategy.pk:
        message = "A strategy cannot be its own base: fork it, or name another one."
        raise InvalidInput(message, details=[Detail("base_strategy", "cycle", message)])
    overrides = draft.overrides.as_dict() if base else {}
    return draft, {"template": draft.template, "base_version": base, "overrides": overrides}


@transaction.atomic
def strategy_fork(
    *,
    owner_id: UUID,
    strategy_id: UUID | str,
    name: str = "",
    version: int | None = None,
) -> Strategy:
    """Copy a strategy's draft, or one of its versions, into a new strategy of its own life."""
    original = strategy_get(owner_id, strategy_id)
    frozen = None if version is None else version_get(original, version)
    fork = Strategy.objects.create(
        owner_id=owner_id,
        name=name or f"{original.name[: NAME_LENGTH - 7]} (fork)",
        description=original.description,
        graph=frozen.graph if frozen else original.graph,
        graph_hash=frozen.graph_hash if frozen else original.graph_hash,
        template=original.template,
        base_version_id=original.base_version_id,
        overrides=original.overrides,
        forked_from=original,
    )
    version_first(fork)
    return strategy_get(owner_id, fork.pk)


@transaction.atomic
def strategy_delete(
    *, owner_id: UUID, strategy_id: UUID | str, revision: int | None = None
) -> Strategy | None:
    """Delete a strategy; archive it where runs, deployments or children refer to it.

    Which rows those are is not this app's business: their foreign keys protect what they need.

    Returns
    -------
    Strategy or None
        The archived strategy, or None if it is gone.
    """
    strategy = strategy_lock(owner_id=owner_id, strategy_id=strategy_id, revision=revision)
    try:
        with transaction.atomic():
            strategy.delete()
    except (ProtectedError, RestrictedError):
        if not strategy.archived:
            strategy_store(strategy, archived_at=timezone.now(), quick=False)
        return strategy_get(owner_id, strategy.pk)
    return None
