"""The ways to give a strategy its graph: drawn, from a template, or from a base strategy."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from core.errors import ApplicationError, Detail, InvalidInput, NotFound
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get
from strategies.graph.validate import graph_faults
from strategies.inheritance import Overrides, nodes_replace
from strategies.models import StrategyVersion
from strategies.selectors import strategy_get, template_graph, version_get


@dataclass(frozen=True, slots=True)
class GraphSource:
    """Where a draft's graph comes from, as a caller gives it: at most one of the first three.

    Attributes
    ----------
    graph : Mapping or None
        A document, in any spelling that `graph_parse` reads.
    template : str
        Name of a template.
    base_strategy : UUID or None
        One of the owner's strategies, at version `base_version` (its newest where that is None).
        Without `base_strategy` a `base_version` is one of the base that the strategy has already.
    parameters : Mapping
        Defaults that replace the graph's own.
    nodes : Mapping
        Nodes that take the place of the base's, by id.
    path : str
        Where the graph stands in the caller's input, for the paths of faults: ``"graph"``, or
        empty where nodes and edges were given at the top.
    """

    graph: Mapping[str, Any] | None = None
    template: str = ""
    base_strategy: UUID | str | None = None
    base_version: int | None = None
    parameters: Mapping[str, Any] | None = None
    nodes: Mapping[str, Any] | None = None
    path: str = "graph"

    @property
    def given(self) -> bool:
        """Whether there is a graph in it, and not just changes of one."""
        return self.graph is not None or bool(self.template) or self.base_strategy is not None

    @property
    def overrides(self) -> Overrides:
        """The changes of a graph in it."""
        return Overrides(self.parameters or {}, self.nodes or {})


@dataclass(frozen=True, slots=True)
class Draft:
    """A graph ready to be stored, and what it was made from."""

    document: dict[str, Any]
    graph_hash: str
    title: str = ""
    description: str = ""
    template: str = ""
    base_version: StrategyVersion | None = None
    overrides: Overrides = field(default_factory=Overrides)


@dataclass(frozen=True, slots=True)
class Report:
    """Whether a draft can run, what stands in its way, and what it reads besides its own bars.

    Attributes
    ----------
    symbols : tuple of str
        Other instruments whose bars a run needs; empty while there are faults.
    timeframes : tuple of str
        Longer time frames that nodes name; empty while there are faults.
    """

    faults: tuple[Detail, ...]
    warnings: tuple[Detail, ...]
    symbols: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()

    @property
    def runnable(self) -> bool:
        """Whether a version can be made of it."""
        return not self.faults


def draft_compose(*, owner_id: UUID, source: GraphSource) -> Draft:
    """Return the draft that a source describes; an empty one if it gives no graph.

    Raises
    ------
    InvalidInput
        With all faults of the graph and its parameters, each where the caller wrote it.
    """
    if source.base_strategy is not None:
        return _draft_of_base(owner_id, source)
    without_base_refuse(source)
    if source.template:
        template = template_get(source.template)
        draft = draft_read(template_graph(template.name)[0], parameters=source.parameters)
        return replace(
            draft,
            title=template.title,
            description=template.description,
            template=template.name,
        )
    return draft_read(source.graph or {}, parameters=source.parameters, path=source.path)


def _draft_of_base(owner_id: UUID, source: GraphSource) -> Draft:
    try:
        base = strategy_get(owner_id, str(source.base_strategy))
        version = version_get(base, source.base_version)
    except NotFound as error:
        missing = Detail("base_strategy", "not_found", error.message, received=source.base_strategy)
        raise InvalidInput(error.message, details=[missing]) from error
    draft = draft_on_base(version, source.overrides)
    return replace(draft, title=base.name, description=base.description, template=base.template)


def without_base_refuse(source: GraphSource) -> None:
    """Refuse what only a strategy with a base can be told.

    Raises
    ------
    InvalidInput
        Naming the field.
    """
    for name, given in (("base_version", source.base_version), ("replace_nodes", source.nodes)):
        if given:
            message = (
                f"The strategy has no base, so {name!r} means nothing: name a 'base_strategy', or "
                "change the graph itself."
            )
            raise InvalidInput(message, details=[Detail(name, "no_base", message)])


def draft_on_base(version: StrategyVersion, overrides: Overrides) -> Draft:
    """Return the draft of a version of a base with a child's changes.

    Raises
    ------
    InvalidInput
        With every fault of the nodes, or of the parameters: what a child replaces may be gone
        from a newer version.
    """
    document = nodes_replace(version.graph, overrides.nodes) if overrides.nodes else version.graph
    draft = draft_read(document, parameters=overrides.parameters)
    return replace(draft, base_version=version, overrides=overrides)


def draft_read(
    document: Mapping[str, Any],
    *,
    parameters: Mapping[str, Any] | None = None,
    path: str = "graph",
) -> Draft:
    """Return the draft of a document with some of its parameters' defaults replaced."""
    try:
        graph = graph_parse(document)
    except InvalidInput as error:
        raise faults_under(error, path) from error
    if parameters:
        graph = graph_parse(_defaults_replace(graph_document(graph), parameters))
    return Draft(document=graph_document(graph), graph_hash=graph_hash(graph))


def _defaults_replace(document: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with other defaults, each within its parameter's bounds."""
    faults: list[Detail] = []
    replaced = deepcopy(document)
    by_name = {about["name"]: about for about in replaced["parameters"]}
    for name, value in parameters.items():
        if name in by_name:
            by_name[name]["default"] = value
            continue
        message = f"The strategy has no parameter {name!r}; it has: {', '.join(by_name) or 'none'}."
        faults.append(
            Detail(f"parameters.{name}", "unknown_parameter", message, list(by_name), name)
        )
    names = [about["name"] for about in replaced["parameters"]]
    try:
        graph_parse(replaced)
    except InvalidInput as error:
        faults.extend(_named(detail, names) for detail in error.details)
    if faults:
        raise InvalidInput(faults[0].message, details=faults)
    return replaced


def _named(detail: Detail, names: list[str]) -> Detail:
    """Return the fault of ``parameters[2].default`` as that of ``parameters.fast``."""
    for index, name in enumerate(names):
        if detail.path.startswith(f"parameters[{index}]"):
            return replace(detail, path=f"parameters.{name}")
    return detail


def draft_report(
    document: Mapping[str, Any], *, parameters: Mapping[str, Any] | None = None
) -> Report:
    """Return what keeps a document from running with these parameters, and what is odd about it.

    A document that could not even be saved is reported like one that is incomplete.
    """
    try:
        graph = graph_parse(document)
        faults, warnings = graph_faults(graph, parameters)
    except InvalidInput as error:
        return Report(faults=faults_under(error, "graph").details, warnings=())
    plan = None if faults else graph_compile(graph, parameters)
    return Report(
        faults=tuple(_under(fault, "graph") for fault in faults),
        warnings=tuple(_under(warning, "graph") for warning in warnings),
        symbols=plan.symbols if plan else (),
        timeframes=plan.timeframes if plan else (),
    )


def faults_under(error: ApplicationError, path: str) -> InvalidInput:
    """Return the error with its faults moved under `path`."""
    details = [_under(detail, path) for detail in error.details]
    return InvalidInput(error.message, code=error.code, details=details)


def _under(detail: Detail, path: str) -> Detail:
    # "parameters.fast" is a value the caller gave beside the graph, "parameters[0]" is within it.
    if not path or detail.path.startswith("parameters."):
        return detail
    return replace(detail, path=f"{path}.{detail.path}" if detail.path else path)
