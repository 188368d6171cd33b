"""The node that says which of several instruments is served first."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.simulate import simulate
from core.errors import InvalidInput
from strategies.graph.build import action_append, condition_append, indicator_append
from strategies.graph.catalogue import node_type_get
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.identity import graph_hash
from strategies.graph.proof import prefix_proof
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults
from tests.strategies.graph.conftest import bars_of

CLOSE = [10.0, 12.0, 9.0, 15.0, 15.0, 8.0]


@pytest.fixture
def ranked(drawing):
    """Enters above 11, ranked by the change over two bars."""
    drawing.add("close", "price")
    drawing.add("above", "condition", {"operator": "gt", "right": 11}, left="close")
    drawing.add("enter", "entry", {}, when="above")
    drawing.add("change", "math", {"operation": "percent_change", "n": 2}, source="close")
    return drawing


def rank_of(drawing, close=CLOSE, **options):
    evaluation = drawing.evaluate(close, **options)
    return evaluation.columns[evaluation.program.rank], evaluation.program


def test_the_rank_is_the_column_of_its_source(ranked):
    ranked.add("first", "rank", {}, source="change")
    column, program = rank_of(ranked)
    assert program.rank == 1
    np.testing.assert_allclose(column, [np.nan, np.nan, -0.1, 0.25, 2 / 3, -7 / 15])


def test_of_the_lowest_first_the_rank_is_the_negated_source(ranked):
    ranked.add("first", "rank", {"order": "Lowest"}, source="change")
    column, _ = rank_of(ranked)
    np.testing.assert_allclose(column, [np.nan, np.nan, 0.1, -0.25, -2 / 3, 7 / 15])


def test_a_graph_without_the_node_has_no_rank(ranked):
    assert ranked.compile().program.rank == -1


def test_the_rank_may_be_a_column_of_a_rule(drawing):
    drawing.add("close", "price")
    drawing.add("band", "math", {"operation": "multiply", "right": 0.9}, left="close")
    drawing.add("above", "condition", {"operator": "gt", "right": 11}, left="close")
    stop = {"stop_loss": {"type": "price"}}
    drawing.add("enter", "entry", stop, when="above", stop_loss="band")
    drawing.add("first", "rank", {}, source="band")
    column, program = rank_of(drawing)
    assert program.rank == program.rules[0].stop_loss.column
    assert column.tolist() == pytest.approx([0.9 * close for close in CLOSE])


@pytest.mark.parametrize("strict_cross", [False, True])
def test_decisions_do_not_wait_for_the_rank(ranked, strict_cross):
    without = ranked.evaluate(CLOSE, strict_cross=strict_cross).program.warmup
    ranked.add("slow", "indicator", {"name": "sma", "period": 5}, source="change")
    ranked.add("first", "rank", {}, source="slow")
    plan = ranked.compile()
    assert (plan.lookback, plan.program.warmup) == (0, 0)
    assert plan_evaluate(plan, bars_of(CLOSE), strict_cross=strict_cross).program.warmup == without


def test_they_do_wait_for_what_feeds_a_rule_as_well(ranked):
    ranked.add("rises", "condition", {"operator": "gt", "right": 0}, left="change")
    ranked.add("leave", "exit", {}, when="rises")
    ranked.add("first", "rank", {}, source="change")
    assert ranked.compile().lookback == 2
    assert rank_of(ranked)[1].warmup == 2


@pytest.mark.parametrize("timeframe", [None, "1mo"])
def test_too_few_bars_for_the_rank_leave_it_unknown(ranked, timeframe):
    slow = {"name": "sma", "period": 500} | ({"timeframe": timeframe} if timeframe else {})
    ranked.add("slow", "indicator", slow, source="close")
    ranked.add("first", "rank", {}, source="slow")
    evaluation = ranked.evaluate(CLOSE, context=Context(interval="1d"))
    assert np.isnan(evaluation.columns[evaluation.program.rank]).all()
    assert (evaluation.program.warmup, evaluation.warnings) == (0, ())


def test_data_that_are_too_short_name_the_node_that_decisions_wait_for(ranked):
    ranked.add("mean", "indicator", {"name": "sma", "period": 9}, source="close")
    ranked.add("over", "condition", {"operator": "gt"}, left="close", right="mean")
    ranked.add("leave", "exit", {}, when="over")
    ranked.add("slow", "indicator", {"name": "sma", "period": 500}, source="close")
    ranked.add("first", "rank", {}, source="slow")
    with pytest.raises(InvalidInput, match=r"needs 9 bars .*'(mean|over)'"):
        ranked.evaluate(CLOSE)


def test_a_rank_looks_not_ahead(ranked):
    ranked.add("slow", "indicator", {"name": "ema", "period": 40}, source="close")
    ranked.add("first", "rank", {}, source="slow")
    close = np.random.default_rng(1).uniform(8.0, 14.0, 90)
    proof = prefix_proof(ranked.compile(), bars_of(close), samples=5, seed=1)
    assert proof.ok
    assert len(proof.cuts) == 5


def test_a_run_on_one_instrument_does_not_feel_it(ranked):
    close = np.random.default_rng(2).uniform(8.0, 14.0, 60)
    plain = ranked.evaluate(close)
    ranked.add("first", "rank", {}, source="change")
    also = ranked.evaluate(close)
    one, other = (
        simulate(bars_of(close), found.columns, found.program, RunConfig())
        for found in (plain, also)
    )
    assert len(one.fills) > 0
    assert one.fills.tolist() == other.fills.tolist()
    assert one.equity.tolist() == other.equity.tolist()


def test_the_node_and_what_feeds_it_are_not_unused(ranked):
    ranked.add("first", "rank", {}, source="change")
    assert graph_faults(graph_parse(ranked.document)) == ([], [])


def test_a_rank_alone_is_no_action(drawing):
    drawing.add("close", "price").add("first", "rank", {}, source="close")
    (fault,) = graph_faults(graph_parse(drawing.document))[0]
    assert fault.code == "no_action"


def test_what_depends_on_the_position_is_refused(ranked):
    ranked.add("account", "position", {})
    ranked.add("first", "rank", {}, source="account.unrealized_pnl_pct")
    (fault,) = graph_faults(graph_parse(ranked.document))[0]
    assert (fault.code, fault.node_id, fault.path) == (
        "position_dependent",
        "first",
        "nodes[5].inputs.source",
    )
    assert "depends on the position" in fault.message


def test_there_is_one_rank_at_most_and_the_others_are_named(ranked):
    ranked.add("first", "rank", {}, source="change")
    ranked.add("second", "rank", {"order": "lowest"}, source="close")
    (fault,) = graph_faults(graph_parse(ranked.document))[0]
    assert (fault.code, fault.node_id, fault.path) == ("too_many", "second", "nodes[5]")
    assert "'first'" in fault.message


@pytest.mark.parametrize(
    ("params", "ports", "code"),
    [
        ({}, {}, "required"),
        ({}, {"source": "above"}, "type_mismatch"),
        ({"order": "best"}, {"source": "close"}, "unknown_choice"),
    ],
)
def test_faults_of_the_node_name_it(ranked, params, ports, code):
    ranked.add("first", "rank", params, **ports)
    faults = graph_faults(graph_parse(ranked.document))[0]
    assert [(fault.code, fault.node_id) for fault in faults] == [(code, "first")]


def test_nothing_can_follow_it(ranked):
    ranked.add("first", "rank", {}, source="change")
    ranked.add("over", "condition", {"operator": "gt", "right": 1}, left="first")
    ranked.add("leave", "exit", {}, when="over")
    codes = {fault.code for fault in graph_faults(graph_parse(ranked.document))[0]}
    assert codes == {"unknown_port"}


def test_the_order_and_the_source_are_part_of_the_identity(ranked):
    hashes = {graph_hash(graph_parse(ranked.document))}
    for params, source in (({}, "close"), ({}, "change"), ({"order": "lowest"}, "change")):
        document = ranked.document
        document["nodes"] = [*document["nodes"], {"id": "r", "type": "rank", "params": params}]
        edge = {"source": source, "target": "r", "target_port": "source"}
        document["edges"] = [*document["edges"], edge]
        hashes.add(graph_hash(graph_parse(document)))
    assert len(hashes) == 4


def test_it_may_stand_in_a_group():
    inner = {
        "nodes": [
            {"id": "rise", "type": "math", "params": {"operation": "percent_change", "n": 1}},
            {"id": "first", "type": "rank"},
            {"id": "up", "type": "condition", "params": {"operator": "gt", "right": 0}},
        ],
        "edges": [{"source": "rise", "target": "first"}, {"source": "rise", "target": "up"}],
        "inputs": [{"name": "of", "node": "rise", "port": "source"}],
        "outputs": [{"name": "up", "node": "up"}],
    }
    document = {
        "nodes": [
            {"id": "close", "type": "price"},
            {"id": "momentum", "type": "group", "params": inner},
            {"id": "enter", "type": "entry"},
        ],
        "edges": [
            {"source": "close", "target": "momentum"},
            {"source": "momentum", "target": "enter"},
        ],
    }
    for edge in inner["edges"][1:]:
        edge["target_port"] = "left"
    graph = graph_parse(document)
    assert graph_faults(graph) == ([], [])
    assert graph_compile(graph).program.rank == 1


def test_it_is_built_step_by_step():
    document = indicator_append({}, body={"name": "roc", "period": 20}).document
    up = {"operator": "gt", "left": "roc", "right": 0}
    document = condition_append(document, body=up).document
    document = action_append(document, body={"operation": "buy", "when": "gt"}).document
    step = action_append(document, body={"type": "rank", "source": "roc", "order": "lowest"})
    assert step.node == {"id": "rank", "type": "rank", "params": {"order": "lowest"}}
    assert step.warnings == []
    assert graph_compile(graph_parse(step.document)).program.rank == 1


def test_the_catalogue_offers_it():
    about = node_type_get("rank").describe()
    (order,) = about["parameters"]
    assert (order["name"], order["default"], order["choices"]) == (
        "order",
        "highest",
        ["highest", "lowest"],
    )
    assert [(port["name"], port["type"], port["required"]) for port in about["inputs"]] == [
        ("source", "number", True)
    ]
    assert about["outputs"] == []
