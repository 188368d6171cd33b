"""No input makes the compiler raise anything but its own error; no valid graph fails to run."""

from __future__ import annotations

import copy
import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Program
from core.engine.simulate import simulate
from core.errors import InvalidInput
from core.indicators.registry import indicator_list
from strategies.graph.build import action_append, condition_append, edge_append, indicator_append
from strategies.graph.catalogue import NODE_TYPES, node_type_get, node_type_names
from strategies.graph.catalogue.flow import EXEC_IN
from strategies.graph.catalogue.forms import PortType, SeriesForm
from strategies.graph.catalogue.orders import WHEN
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.params import Choice, Integer, Number
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_list
from strategies.graph.validate import graph_faults
from tests.strategies.graph.drawn_orders import order_params

VOCABULARY = """
    id type params nodes edges connections parameters settings source target source_port
    target_port sourceHandle targetHandle data label position x y name default min max step
    choices $param value sizing stop_loss take_profit percent multiple price units field close
    operator operation crosses_above gt and not buy sell_put strike expiry when exec left right
    in_1 period n ema macd side long timeframe 1h fast slow enter up int float
    inputs outputs node port every max_iterations while until timeout bars wait equity first then
    order_type limit stop_limit trailing_stop trailing time_stop limit_price time_in_force
    day offset_percent
"""
WORDS = st.sampled_from([*re.findall(r"\S+", VOCABULARY), *node_type_names()])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-3, 30)
    | st.floats()
    | st.text(max_size=4)
    | WORDS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)
LENGTH = 260


def random_bars(seed: int, length: int = LENGTH) -> Bars:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, length)))
    opened = close * (1 + random.normal(0, 0.005, length))
    return Bars.from_arrays(
        ts=np.arange(length, dtype=np.int64) * 86_400 * 10**9,
        open=opened,
        high=np.maximum(opened, close) * 1.01,
        low=np.minimum(opened, close) * 0.99,
        close=close,
        volume=random.integers(1, 1000, length).astype(float),
    )


BARS = random_bars(7)


def run(evaluation: Evaluation) -> None:
    """Simulate what was evaluated; options, which need prices of their own, are left out."""
    program = replace(evaluation.program, option_rules=())
    simulate(BARS, evaluation.columns, program, RunConfig())


def try_everything(document: Any, parameters: Any = None) -> None:
    """Take a document all the way; `InvalidInput` is the only error there may be."""
    with suppress(InvalidInput):
        graph = graph_parse(document)
        canonical = graph_document(graph)
        json.dumps(canonical, allow_nan=False)
        assert graph_parse(canonical) == graph
        assert graph_hash(graph_parse(canonical)) == graph_hash(graph)
        faults, warnings = graph_faults(graph, parameters)
        for detail in (*faults, *warnings):
            json.dumps(detail.as_dict(), allow_nan=False)
        plan = graph_compile(graph, parameters)
        assert not faults
        evaluation = plan_evaluate(plan, BARS)
        run(evaluation)


@given(JSON)
def test_any_json_is_read_or_refused(document):
    try_everything(document)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "parameters": st.lists(st.dictionaries(WORDS, SCALARS, max_size=5), max_size=3) | JSON,
            "nodes": st.lists(
                st.fixed_dictionaries(
                    {"id": WORDS, "type": st.sampled_from(node_type_names())},
                    optional={"params": st.dictionaries(WORDS, JSON, max_size=4), "data": JSON},
                ),
                max_size=6,
            ),
            "edges": st.lists(
                st.fixed_dictionaries(
                    {"source": WORDS, "target": WORDS}, optional={"target_port": WORDS}
                ),
                max_size=8,
            ),
            "settings": st.dictionaries(WORDS, JSON, max_size=3),
        },
    ),
    st.dictionaries(WORDS, JSON, max_size=3),
)
def test_any_document_of_about_the_right_shape_is_run_or_refused(document, parameters):
    try_everything(document, parameters)


@st.composite
def damaged(draw, documents: st.SearchStrategy) -> Any:
    """A document in which some values are replaced by others."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(at[key], (dict, list)) and draw(st.integers(0, 3))
            if not deeper:
                at[key] = draw(JSON)
                break
            at = at[key]
    return document


@given(damaged(st.sampled_from([template.document for template in template_list()])))
@settings(max_examples=3 * settings().max_examples)
def test_a_damaged_template_is_run_or_refused(document):
    try_everything(document)


@given(
    st.sampled_from([indicator_append, condition_append, action_append, edge_append]),
    st.sampled_from([{}, *(template.document for template in template_list())]),
    JSON | st.dictionaries(WORDS, SCALARS, max_size=5),
)
def test_any_body_of_a_step_is_appended_or_refused(append, document, body):
    with suppress(InvalidInput):
        step = append(document, body=body)
        assert graph_document(graph_parse(step.document)) == step.document


SERIES_TYPES = [
    one.name
    for one in NODE_TYPES
    if not one.acts
    and one.name != "indicator"
    and any(form.outputs for form in one.forms().values())
]
RULES = ["entry", "exit", "action"]
ORDERS = [
    name
    for name, form in node_type_get("action").forms().items()
    if form.supported and not any(param.required for param in form.params) and not form.outputs
]
INDICATORS = [spec.name for spec in indicator_list() if not spec.repaints]
Output = tuple[str, str]


class Growing:
    """A valid graph in the making: each node is fed by earlier ones."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.outputs: dict[PortType, list[Output]] = {kind: [] for kind in PortType}
        self.coded: set[str] = set()

    def add(self, type_name: str, choice: str = "") -> None:
        """Add a node of some form with random parameters."""
        node_type = node_type_get(type_name)
        form = node_type.form(choice)
        params = {node_type.selector.name: choice} if node_type.selector else {}
        for param in form.params:
            if param.required or (isinstance(param, Choice) and self.draw(st.booleans())):
                params[param.name] = self.draw(values(param))
        if params.get("minimum", 0) > params.get("maximum", 0):
            params["maximum"] = params["minimum"]
        node_id = f"n{len(self.nodes)}"
        if form.code is not None and form.code.always:
            self.coded.add(node_id)
        for port in form.inputs:
            if port.literal and (self.draw(st.booleans()) or not self.sources(port, form)):
                params[port.name] = self.draw(st.integers(-2, 120))
            elif self.sources(port, form) and (
                port.required or port.name == "when" or self.draw(st.booleans())
            ):
                self.feed(node_id, port, form)
                if port.name == "until":
                    params["timeout"] = self.draw(st.integers(1, 20))
        self.nodes.append({"id": node_id, "type": type_name, "params": params})
        for port in form.outputs:
            self.outputs[port.type].append((node_id, port.name))

    def sources(self, port: Any, form: Any) -> list[Output]:
        """Return what may feed a port: where there is no code for it, what is data only."""
        found = self.outputs[port.type]
        if isinstance(form, SeriesForm) and form.code is None:
            return [one for one in found if one[0] not in self.coded]
        return found

    def feed(self, node_id: str, port: Any, form: Any) -> None:
        """Connect a port, a numbered one up to three times."""
        names = [port.name]
        if port.numbered:
            names = [f"{port.name}{n}" for n in range(1, self.draw(st.integers(1, 3)) + 1)]
        for name in names:
            source, output = self.draw(st.sampled_from(self.sources(port, form)))
            if source in self.coded:
                self.coded.add(node_id)
            edge = {"source": source, "source_port": output, "target": node_id}
            self.edges.append(edge | {"target_port": name})

    def series(self, node_id: str, name: str) -> None:
        """Connect any number, of data or of the position, to a port of a rule."""
        source, output = self.draw(st.sampled_from(self.outputs[PortType.NUMBER]))
        edge = {"source": source, "source_port": output, "target": node_id}
        self.edges.append(edge | {"target_port": name})

    def rule(self, kind: str) -> None:
        """Add a node that trades, on a condition or behind a loop or wait."""
        node_id = f"n{len(self.nodes)}"
        operations = st.sampled_from(["buy", "sell", "short", "cover"]) | st.sampled_from(ORDERS)
        params = {"operation": self.draw(operations)} if kind == "action" else {}
        self.nodes.append({"id": node_id, "type": kind, "params": params})
        form = node_type_get(kind).form(params.get("operation", ""))
        drawn, wired = order_params(self.draw, form)
        params.update(drawn)
        for name in wired:
            self.series(node_id, name)
        flows = kind == "action" and self.outputs[PortType.EXEC]
        if not flows or self.draw(st.booleans()):
            self.feed(node_id, WHEN, form)
        else:
            self.feed(node_id, EXEC_IN, form)
        if kind == "entry" and self.draw(st.booleans()):
            self.add(self.draw(st.sampled_from(["loop", "wait"])))
            flow = self.nodes[-1]["id"]
            self.edges.append({"source": node_id, "target": flow, "target_port": "exec"})
            order = {"operation": self.draw(st.sampled_from(["buy", "sell", "short", "cover"]))}
            self.nodes.append({"id": f"{flow}_order", "type": "action", "params": order})
            self.edges.append({"source": flow, "target": f"{flow}_order", "target_port": "exec"})


@st.composite
def valid_graphs(draw) -> dict[str, Any]:
    """Return a graph of random nodes that ends in rules."""
    graph = Growing(draw)
    graph.add("price", "close")
    graph.add("condition", "gt")
    for _ in range(draw(st.integers(1, 10))):
        type_name = draw(st.sampled_from([*SERIES_TYPES, "indicator", "indicator"]))
        forms = INDICATORS if type_name == "indicator" else list(node_type_get(type_name).forms())
        graph.add(type_name, draw(st.sampled_from(forms)))
    for kind in draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=3)):
        graph.rule(kind)
    return {"nodes": graph.nodes, "edges": graph.edges}


def values(param) -> st.SearchStrategy:
    if isinstance(param, Choice):
        return st.sampled_from(param.choices)
    if isinstance(param, Integer):
        low = int(param.minimum or 0)
        return st.integers(low, min(low + 8, int(param.maximum or low + 8)))
    assert isinstance(param, Number)
    return st.integers(0, 50)


def folded(document: dict[str, Any], chosen: set[str], name: str) -> dict[str, Any]:
    """Return a graph with some of its nodes in a group."""
    inside = [node for node in document["nodes"] if node["id"] in chosen]
    within, into, out_of, around = [], [], [], []
    for number, edge in enumerate(document["edges"]):
        starts, ends = edge["source"] in chosen, edge["target"] in chosen
        port = {"name": f"p{number}"}
        if starts and ends:
            within.append(edge)
        elif ends:
            into.append(port | {"node": edge["target"], "port": edge["target_port"]})
            around.append(edge | {"target": name, "target_port": port["name"]})
        elif starts:
            output = edge.get("source_port", "")
            out_of.append(port | {"node": edge["source"], "port": output})
            around.append(edge | {"source": name, "source_port": port["name"]})
        else:
            around.append(edge)
    params = {"nodes": inside, "edges": within, "inputs": into, "outputs": out_of}
    outside = [node for node in document["nodes"] if node["id"] not in chosen]
    group = {"id": name, "type": "group", "params": params}
    return document | {"nodes": [*outside, group], "edges": around}


@st.composite
def folded_graphs(draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a valid graph as it is, and with some nodes in groups, perhaps in one another."""
    document = draw(valid_graphs())
    other = document
    for name in draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")])):
        ids = [node["id"] for node in other["nodes"]]
        other = folded(other, set(draw(st.lists(st.sampled_from(ids), min_size=1))), name)
    return document, other


def nameless(program: Program) -> Program:
    """Return a program that says nothing of the ids of nodes."""
    return replace(
        program,
        rules=tuple(replace(rule, source="") for rule in program.rules),
        option_rules=tuple(replace(rule, source="") for rule in program.option_rules),
    )


@given(folded_graphs())
def test_a_graph_in_groups_is_the_same_strategy(pair):
    one, two = (graph_parse(document) for document in pair)
    assert graph_hash(one) == graph_hash(two)
    assert nameless(graph_compile(one).program) == nameless(graph_compile(two).program)


@given(damaged(folded_graphs().map(lambda pair: pair[1])))
@settings(max_examples=2 * settings().max_examples)
def test_a_damaged_graph_of_anything_is_run_or_refused(document):
    try_everything(document)


@given(valid_graphs(), st.booleans())
@settings(max_examples=3 * settings().max_examples)
def test_a_valid_graph_runs_and_never_looks_ahead(document, strict):
    plan = graph_compile(graph_parse(document))
    if plan.lookback >= LENGTH:
        return
    whole = plan_evaluate(plan, BARS, strict_cross=strict)
    assert len(whole.columns) == len(whole.program.columns)
    for column in whole.columns:
        assert column.shape == (LENGTH,)
    run(whole)
    stop = (plan.lookback + 1 + LENGTH) // 2
    part = plan_evaluate(plan, BARS.slice(0, stop), strict_cross=strict)
    for known, later in zip(part.columns, whole.columns, strict=True):
        np.testing.assert_array_equal(known, later[:stop])


@given(valid_graphs(), st.randoms(use_true_random=False))
def test_a_graph_renamed_and_shuffled_is_the_same_strategy(document, random):
    other = copy.deepcopy(document)
    names = [node["id"] for node in document["nodes"]]
    renamed = dict(zip(names, random.sample(names, len(names)), strict=True))
    for node in other["nodes"]:
        node["id"] = renamed[node["id"]]
    for edge in other["edges"]:
        edge |= {"source": renamed[edge["source"]], "target": renamed[edge["target"]]}
    random.shuffle(other["nodes"])
    random.shuffle(other["edges"])
    one, two = graph_parse(document), graph_parse(other)
    assert graph_hash(one) == graph_hash(two)
    assert nameless(graph_compile(one).program) == nameless(graph_compile(two).program)
