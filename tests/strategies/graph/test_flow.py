"""Loops and waits between what starts an order and the order."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.simulate import simulate
from core.errors import InvalidInput
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_hash, graph_parse
from strategies.graph.validate import graph_faults

DAY_NS = 86_400 * 10**9


def filled(drawing, close) -> list[tuple[int, float]]:
    """Return the bar and signed quantity of every fill."""
    close = np.asarray(close, dtype=float)
    bars = Bars.from_arrays(
        ts=np.arange(len(close)) * DAY_NS,
        open=close,
        high=close * 1.001,
        low=close * 0.999,
        close=close,
        volume=np.full(len(close), 1000.0),
    )
    evaluation = plan_evaluate(drawing.compile(), bars)
    config = RunConfig.from_mapping({"liquidate_at_end": False})
    fills = simulate(bars, evaluation.columns, evaluation.program, config).fills
    signed = np.where(fills["side"] > 0, fills["quantity"], -fills["quantity"])
    return list(zip(fills["bar"].tolist(), signed.tolist(), strict=True))


def level(drawing, name, operator, right):
    """A truth about the close."""
    if not drawing.nodes:
        drawing.add("close", "price")
    return drawing.add(name, "condition", {"operator": operator, "right": right}, left="close")


def faults(drawing) -> dict[str, str]:
    return {one.path: one.code for one in graph_faults(graph_parse(drawing.document))[0]}


def warnings(drawing) -> list[tuple[str, str]]:
    return [(one.code, one.node_id) for one in graph_faults(graph_parse(drawing.document))[1]]


BUY = {"operation": "buy", "sizing": 1}


def test_a_loop_buys_every_n_bars_and_so_often_at_most(drawing):
    level(drawing, "on", "gt", 0)
    drawing.add("loop", "loop", {"every": 3, "max_iterations": 3}, when="on")
    drawing.add("buy", "action", BUY, exec="loop")
    assert filled(drawing, np.full(14, 10.0)) == [(1, 1), (4, 1), (7, 1)]
    (rule,) = drawing.compile().program.rules
    assert (rule.trigger, rule.guard, rule.max_entries) == (-1, 0, 4)


def test_a_loop_goes_on_while_its_condition_holds_though_when_was_true_once(drawing):
    level(drawing, "cheap", "lt", 10)
    level(drawing, "calm", "lt", 20)
    drawing.add("loop", "loop", {"n": 2, "max_iterations": 9}, when="cheap")
    drawing.edges.append({"source": "calm", "target": "loop", "target_port": "while"})
    drawing.add("buy", "action", BUY, exec="loop")
    # It starts at 1, runs at 3 and 5, and is over at 6.
    assert filled(drawing, [15, 9, 15, 15, 15, 15, 25, 15, 15, 15]) == [(2, 1), (4, 1), (6, 1)]


def test_a_loop_behind_an_entry_starts_where_the_entry_could_act(drawing):
    level(drawing, "on", "gt", 0)
    level(drawing, "high", "gt", 50)
    drawing.add("enter", "entry", {"stop_loss": 0.5, "sizing": 2}, when="on")
    drawing.add("loop", "loop", {"every": 2, "max_iterations": 2}, exec="enter")
    drawing.add("buy", "action", {"operation": "buy"}, exec="loop")
    drawing.add("leave", "exit", {}, when="high")
    rule = drawing.compile().program.rules[0]
    assert rule.source == "buy"
    assert rule.size.value == 2
    assert rule.stop_loss.value == 0.5
    # Two runs for the first position; closed at 6, the next one begins at the close of 6.
    close = [10, 10, 10, 10, 10, 60, 10, 10, 10, 10, 10]
    assert filled(drawing, close) == [(1, 2), (3, 2), (6, -4), (7, 2), (9, 2)]


def test_entries_that_may_be_added_include_the_strategys_own(drawing):
    level(drawing, "on", "gt", 0)
    drawing.settings = {"max_open_entries": 3}
    drawing.add("loop", "loop", {"max_iterations": 5}, when="on")
    drawing.add("wait", "wait", {}, exec="loop")
    drawing.add("buy", "action", BUY, exec="wait")
    drawing.add("other", "entry", {"sizing": 7}, when="on")
    entries = {rule.source: rule.max_entries for rule in drawing.compile().program.rules}
    assert entries == {"buy": 8, "other": 0}


def test_a_wait_lets_the_next_action_run_n_bars_later(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("wait", "wait", {"bars": 3}, when="low")
    drawing.add("buy", "action", BUY, exec="wait")
    # Low at 1 and 2: one wait, from 1 to 4, filled at 5.
    assert filled(drawing, [9, 4, 4, 9, 9, 9, 9, 9]) == [(5, 1)]


@pytest.mark.parametrize(
    ("timeout", "expected"), [(4, [(6, 1)]), (3, [])], ids=["in time", "too late"]
)
def test_a_wait_for_something_ends_with_it_or_with_the_timeout(drawing, timeout, expected):
    level(drawing, "low", "lt", 5)
    level(drawing, "high", "gt", 20)
    drawing.add("wait", "wait", {"timeout": timeout, "bars": 0}, when="low", until="high")
    drawing.add("buy", "action", BUY, exec="wait")
    assert filled(drawing, [9, 4, 9, 9, 9, 30, 9, 9]) == expected


def test_a_wait_behind_an_entry_may_close_what_the_entry_opened(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("enter", "entry", {"sizing": 1}, when="low")
    drawing.add("buy", "action", {"operation": "buy"}, exec="enter")
    drawing.add("wait", "wait", {"bars": 3}, exec="enter")
    drawing.add("sell", "action", {"operation": "close"}, exec="wait")
    assert filled(drawing, [9, 4, 9, 9, 9, 9, 9, 9]) == [(2, 1), (5, -1)]


def test_a_wait_behind_an_exit_begins_only_with_a_position_to_close(drawing):
    level(drawing, "low", "lt", 5)
    level(drawing, "high", "gt", 20)
    drawing.add("enter", "entry", {"sizing": 4}, when="low")
    drawing.add("leave", "exit", {"fraction": 0.5, "side": "long"}, when="high")
    drawing.add("wait", "wait", {"bars": 2}, exec="leave")
    drawing.add("sell", "action", {"operation": "sell"}, exec="wait")
    # High at 1 without a position; in it at 5 the wait ends at 7 and half is sold at 8.
    assert filled(drawing, [9, 30, 9, 4, 9, 30, 9, 9, 9, 9]) == [(4, 4), (8, -2)]


def test_a_wait_behind_an_exit_of_any_side_needs_a_position(drawing):
    level(drawing, "low", "lt", 5)
    level(drawing, "high", "gt", 20)
    drawing.add("enter", "entry", {"sizing": 4}, when="low")
    drawing.add("leave", "exit", {}, when="high")
    drawing.add("wait", "wait", {"bars": 2}, exec="leave")
    drawing.add("close", "action", {"operation": "close"}, exec="wait")
    drawing.nodes[0]["id"], drawing.nodes[-1]["id"] = "price", "close"
    for edge in drawing.edges[:2]:
        edge["source"] = "price"
    # High at 1 while flat would let a wait end at 3 and sell at 4 what is bought there.
    assert filled(drawing, [9, 30, 4, 9, 9, 30, 9, 9, 9]) == [(3, 4), (8, -4)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [(1, [(2, 1)]), (2, [(2, 1), (5, 1)])],
    ids=["while it is full", "while there is room"],
)
def test_an_entry_starts_a_wait_only_where_it_could_act(drawing, entries, expected):
    level(drawing, "low", "lt", 5)
    drawing.settings = {"max_open_entries": entries}
    drawing.add("enter", "entry", {"sizing": 1}, when="low")
    drawing.add("wait", "wait", {}, exec="enter")
    drawing.add("buy", "action", {"operation": "buy"}, exec="wait")
    # Low at 0, filled at 2; low again at 3, and once more at 6 with two entries open.
    assert filled(drawing, [4, 9, 9, 4, 9, 9, 4, 9, 9]) == expected


def test_an_entry_that_holds_its_position_starts_nothing(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("enter", "entry", {"sizing": 4}, when="low")
    drawing.add("buy", "action", {"operation": "buy"}, exec="enter")
    drawing.add("wait", "wait", {"bars": 2}, exec="enter")
    drawing.add("half", "action", {"operation": "sell", "fraction": 0.5}, exec="wait")
    # Low at 0: bought at 1, half sold at 3. Low again at 4, in the position.
    assert filled(drawing, [4, 9, 9, 9, 4, 9, 9, 9, 9]) == [(1, 4), (3, -2)]


def test_any_of_several_entries_starts_a_wait(drawing):
    level(drawing, "low", "lt", 5)
    level(drawing, "high", "gt", 20)
    drawing.add("one", "entry", {}, when="low").add("two", "entry", {}, when="high")
    drawing.add("wait", "wait", {}, exec="one")
    drawing.edges.append({"source": "two", "target": "wait", "target_port": "exec"})
    drawing.add("buy", "action", BUY, exec="wait")
    assert filled(drawing, [9, 30, 9, 9]) == filled(drawing, [9, 4, 9, 9]) == [(3, 1)]


def test_the_order_of_edges_into_a_loop_means_nothing(drawing):
    level(drawing, "low", "lt", 5)
    for bars in (1, 2, 3):
        drawing.add(f"w{bars}", "wait", {"bars": bars}, when="low")
    drawing.add("loop", "loop", {"max_iterations": 2})
    drawing.edges += [
        {"source": f"w{bars}", "target": "loop", "target_port": "exec"} for bars in (1, 2, 3)
    ]
    drawing.add("buy", "action", BUY, exec="loop")
    one = drawing.compile().program
    for turn in range(3):
        drawing.edges[4:7] = [*drawing.edges[5:7], drawing.edges[4]]
        assert drawing.compile().program == one, turn


def test_when_guards_what_comes_in_through_exec(drawing):
    level(drawing, "low", "lt", 5)
    level(drawing, "round", "eq", 4)
    drawing.add("enter", "entry", {"sizing": 1}, when="low")
    drawing.add("wait", "wait", {}, exec="enter", when="round")
    drawing.add("buy", "action", {"operation": "buy"}, exec="wait")
    assert filled(drawing, [9, 3, 3, 9, 4, 9, 9]) == [(6, 1)]


def test_the_action_wait_is_the_node_wait(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("wait", "action", {"operation": "wait", "n": 3}, when="low")
    drawing.add("buy", "action", BUY, exec="wait")
    one = drawing.compile().program
    assert filled(drawing, [9, 4, 9, 9, 9, 9, 9]) == [(5, 1)]
    drawing.nodes[2] = {"id": "wait", "type": "wait", "params": {"bars": 3}}
    assert drawing.compile().program == one


def test_an_entry_followed_by_a_wait_alone_sends_nothing_and_says_so(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("enter", "entry", {}, when="low")
    drawing.add("wait", "wait", {}, exec="enter")
    assert faults(drawing) == {"nodes": "no_action"}
    assert warnings(drawing) == [("unused", "wait")]
    drawing.add("loop", "loop", {"max_iterations": 2}, exec="wait")
    drawing.add("pause", "action", {"operation": "wait"}, exec="loop")
    assert [node_id for _, node_id in warnings(drawing)] == ["wait", "loop", "pause"]
    drawing.add("buy", "action", BUY, exec="pause")
    assert (faults(drawing), warnings(drawing)) == ({}, [])


def test_what_several_entries_start_must_not_be_told_different_things(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("one", "entry", {"stop_loss": 0.1}, when="low")
    drawing.add("two", "entry", {"stop_loss": 0.2}, when="low")
    drawing.add("wait", "wait", {}, exec="one")
    drawing.edges.append({"source": "two", "target": "wait", "target_port": "exec"})
    drawing.add("buy", "action", BUY, exec="wait")
    assert faults(drawing) == {"nodes[5].params.stop_loss": "ambiguous"}
    drawing.nodes[5]["params"] = BUY | {"stop_loss": 0.3}
    assert faults(drawing) == {}
    assert drawing.compile().program.rules[0].stop_loss.value == 0.3


def test_a_loop_that_takes_all_equity_at_once_is_a_warning(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("loop", "loop", {"max_iterations": 4}, when="low")
    drawing.add("buy", "action", {"operation": "buy"}, exec="loop")
    assert (faults(drawing), warnings(drawing)) == ({}, [("unaffordable", "buy")])
    drawing.nodes[-1]["params"] |= {"sizing": {"type": "percent_of_equity", "value": 0.25}}
    assert warnings(drawing) == []


@pytest.mark.parametrize(
    ("node", "ports", "expected"),
    [
        (("loop", {"max_iterations": 2}), {}, {"inputs.when": "required"}),
        (("wait", {}), {}, {"inputs.when": "required"}),
        (("loop", {}), {"when": "low"}, {"params.max_iterations": "required"}),
        (("loop", {"max": 1001}), {"when": "low"}, {"params.max_iterations": "out_of_range"}),
        (
            ("loop", {"max": 2, "every": 0}),
            {"when": "low"},
            {"params.every": "out_of_range"},
        ),
        (("wait", {}), {"when": "low", "until": "low"}, {"params.timeout": "required"}),
        (("wait", {"timeout": 5}), {"when": "low"}, {"inputs.until": "required"}),
        (
            ("wait", {"timeout": 5, "bars": 6}),
            {"when": "low", "until": "low"},
            {"params.timeout": "out_of_range"},
        ),
        (("wait", {}), {"when": "close"}, {"": "type_mismatch"}),
    ],
)
def test_what_is_wrong_with_a_loop_or_wait_is_told(drawing, node, ports, expected):
    level(drawing, "low", "lt", 5)
    drawing.add("x", *node, **ports)
    drawing.add("buy", "action", BUY, exec="x")
    found = {path.removeprefix("nodes[2]."): code for path, code in faults(drawing).items()}
    if list(expected) == [""]:
        assert set(found.values()) == {"type_mismatch"}
    else:
        assert found == expected


def test_a_circle_of_waits_is_an_error(drawing):
    level(drawing, "low", "lt", 5)
    drawing.add("one", "wait", {}, exec="two", when="low")
    drawing.add("two", "wait", {}, exec="one")
    drawing.add("buy", "action", BUY, exec="two")
    with pytest.raises(InvalidInput) as caught:
        drawing.compile()
    assert {one.code for one in caught.value.details} == {"cycle"}


def test_a_ladder_of_waits_with_countless_ways_up_is_compiled_at_once(drawing):
    level(drawing, "low", "lt", 5)
    above = ["low"]
    for step in range(90):
        for name in (f"a{step}", f"b{step}"):
            port = "when" if step == 0 else "exec"
            drawing.add(name, "wait", {"bars": 1 + (name[0] == "b")}, **{port: above[0]})
            drawing.edges += [
                {"source": one, "target": name, "target_port": port} for one in above[1:]
            ]
        above = [f"a{step}", f"b{step}"]
    drawing.add("buy", "action", BUY, exec=above[0])
    program = drawing.compile().program
    assert len(program.rules) == 1
    assert graph_hash(graph_parse(drawing.document))
