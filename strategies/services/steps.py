"""Building a draft call by call: each call appends something, or removes a node.

The row is locked while its graph changes, so of two clients that build at once neither loses a
node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from strategies.drafts import draft_read
from strategies.graph import build
from strategies.models import Strategy
from strategies.services.locking import graph_store, strategy_lock


class Step(StrEnum):
    """What a call appends."""

    INDICATOR = "indicator"
    CONDITION = "condition"
    ACTION = "action"
    EDGE = "edge"


APPEND: dict[Step, Callable[..., build.Appended]] = {
    Step.INDICATOR: build.indicator_append,
    Step.CONDITION: build.condition_append,
    Step.ACTION: build.action_append,
    Step.EDGE: build.edge_append,
}


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a call appended, and the revision of the draft that it made."""

    appended: build.Appended
    revision: int


@transaction.atomic
def step_add(
    *,
    owner_id: UUID,
    strategy_id: UUID | str,
    step: Step,
    body: Any,
    revision: int | None = None,
) -> Stepped:
    """Append to the draft what a body describes.

    Parameters
    ----------
    body : JSON
        As the functions of `strategies.graph.build` read it.

    Raises
    ------
    InvalidInput
        With every fault of the body; the draft stays as it was.
    """
    strategy = strategy_lock(owner_id=owner_id, strategy_id=strategy_id, revision=revision)
    appended = APPEND[step](strategy.graph, body=body)
    _store(strategy, appended.document)
    return Stepped(appended=appended, revision=strategy.revision)


@transaction.atomic
def node_delete(
    *, owner_id: UUID, strategy_id: UUID | str, node_id: str, revision: int | None = None
) -> int:
    """Remove a node and its edges from the draft; return the new revision.

    Raises
    ------
    NotFound
        If the draft has no such node.
    """
    strategy = strategy_lock(owner_id=owner_id, strategy_id=strategy_id, revision=revision)
    _store(strategy, build.node_remove(strategy.graph, node_id=node_id))
    return strategy.revision


def _store(strategy: Strategy, document: Mapping[str, Any]) -> None:
    draft = draft_read(document)
    graph_store(strategy, document=draft.document, graph_hash=draft.graph_hash)
