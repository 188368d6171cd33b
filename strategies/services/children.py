"""Changes of a draft that keep its graph: other defaults, other nodes, a newer base."""

from __future__ import annotations

from typing import Any

from core.errors import Conflict, Detail, InvalidInput, NotFound
from strategies.drafts import Draft, GraphSource, draft_on_base, draft_read, without_base_refuse
from strategies.graph.schema import graph_hash, graph_parse
from strategies.inheritance import Overrides, nodes_replace
from strategies.models import Strategy, StrategyVersion
from strategies.selectors import version_get


def draft_change(strategy: Strategy, source: GraphSource) -> tuple[Draft | None, dict[str, Any]]:
    """Return the draft that changes make of a strategy's own, and what else is to be stored.

    A child remembers its changes: with another version of its base they are made again on that.

    Raises
    ------
    InvalidInput
        If there is no base to take nodes or a version from, or a change does not fit the graph.
    Conflict
        If a child was edited by hand, so that its base cannot be changed below it.
    """
    changes = source.overrides
    if strategy.base_version is None:
        without_base_refuse(source)
        if not changes.parameters:
            return None, {}
        return draft_read(strategy.graph, parameters=changes.parameters), {}
    overrides = Overrides.from_dict(strategy.overrides).merged(changes)
    if source.base_version is None:
        if not changes.parameters and not changes.nodes:
            return None, {}
        document = nodes_replace(strategy.graph, changes.nodes)
        draft = draft_read(document, parameters=changes.parameters)
        return draft, {"overrides": overrides.as_dict()}
    version = _base_version(strategy.base_version, source.base_version)
    _refuse_edited(strategy, strategy.base_version)
    draft = draft_on_base(version, overrides)
    return draft, {"base_version": version, "overrides": overrides.as_dict()}


def _base_version(base: StrategyVersion, number: int) -> StrategyVersion:
    try:
        return version_get(base.strategy, number)
    except NotFound as error:
        missing = Detail("base_version", "not_found", error.message, received=number)
        raise InvalidInput(error.message, details=[missing]) from error


def _refuse_edited(strategy: Strategy, base: StrategyVersion) -> None:
    """Refuse to lose what was drawn by hand: only remembered changes can be made again."""
    remembered = draft_on_base(base, Overrides.from_dict(strategy.overrides))
    if remembered.graph_hash == graph_hash(graph_parse(strategy.graph)):
        return
    raise Conflict(
        "The graph was edited beyond the remembered changes of its base, and these edits would be "
        "lost: send 'base_strategy' as well to start from the base again, or merge by hand with "
        "the help of GET versions/diff of the base.",
        code="edited",
    )
