"""Option actions of a graph: what each becomes, what is refused, and that it trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.option_rules import (
    CloseWhen,
    Cycle,
    Expiry,
    OptionLeg,
    OptionOperation,
    Policy,
    Right,
    Strike,
    StrikeBy,
)
from core.engine.simulate import simulate
from core.errors import InvalidInput
from core.options.simulate import simulate_with_options
from strategies.graph.catalogue import node_type_get
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.validate import graph_faults
from tests.options.walk import market

CALL, PUT, BUY, SELL = Right.CALL, Right.PUT, 1, -1
MONTH = Expiry(30)
ATM = Strike()


def document(params: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """An option action that runs where the close is above a hundred."""
    return {
        "nodes": [
            {"id": "close", "type": "price", "params": {"field": "close"}},
            {"id": "high", "type": "condition", "params": {"operator": "gt", "right": 100}},
            {"id": "trade", "type": "action", "params": params},
        ],
        "edges": [
            {"source": "close", "target": "high", "target_port": "left"},
            {"source": "high", "target": "trade", "target_port": "when"},
        ],
    } | extra


def rule_of(params: dict[str, Any]):
    (rule,) = graph_compile(graph_parse(document(params))).program.option_rules
    return rule


def legs_of(operation: str, **params: Any) -> tuple[OptionLeg, ...]:
    return rule_of({"operation": operation} | params).legs


def faults(params: dict[str, Any]) -> dict[str, str]:
    found, _ = graph_faults(graph_parse(document(params)))
    return {fault.path.removeprefix("nodes[2].params."): fault.code for fault in found}


def test_the_action_of_the_design_is_one_rule():
    rule = rule_of(
        {
            "operation": "sell_put",
            "strike": {"by": "atm", "offset": 0},
            "expiry": {"dte": 30, "policy": "nearest"},
            "quantity": 2,
            "close_when": {"profit_pct": 0.5, "loss_pct": 2.0, "dte": 7},
        }
    )
    assert rule.operation == OptionOperation.OPEN
    assert (rule.name, rule.source, rule.quantity) == ("sell_put", "trade", 2)
    assert rule.legs == (OptionLeg(PUT, SELL, 1, ATM, MONTH),)
    assert rule.close_when == CloseWhen(0.5, 2.0, 7)
    assert (rule.trigger, rule.guard, rule.max_positions, rule.secured) == (0, -1, 1, False)


def test_sell_put_at_atm_needs_no_more_than_its_name():
    assert legs_of("sell_put", strike="ATM") == legs_of("sell_put")
    assert legs_of("Sell Put".lower().replace(" ", "_")) == (OptionLeg(PUT, SELL, 1, ATM, MONTH),)


@pytest.mark.parametrize(
    ("operation", "right", "side"),
    [
        ("buy_call", CALL, BUY),
        ("sell_call", CALL, SELL),
        ("buy_put", PUT, BUY),
        ("sell_put", PUT, SELL),
        ("covered_call", CALL, SELL),
        ("cash_secured_put", PUT, SELL),
    ],
)
def test_operations_of_one_leg(operation, right, side):
    assert legs_of(operation) == (OptionLeg(right, side, 1, ATM, MONTH),)


def test_what_is_secured():
    secured = {name: rule_of({"operation": name}).secured for name in ("covered_call", "sell_put")}
    assert secured == {"covered_call": True, "sell_put": False}
    assert rule_of({"operation": "sell_put", "secured": True}).secured
    assert rule_of({"operation": "cash_secured_put"}).secured
    assert rule_of({"operation": "collar"}).secured


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ATM", ATM),
        ("atm + 2", Strike(StrikeBy.ATM, 2)),
        ("ATM-1", Strike(StrikeBy.ATM, -1)),
        (95, Strike(StrikeBy.EXACT, 95)),
        ({"by": "delta", "value": 0.3}, Strike(StrikeBy.DELTA, 0.3)),
        ({"by": "delta", "value": -0.3}, Strike(StrikeBy.DELTA, 0.3)),
        ({"by": "otm_pct", "value": 0.05}, Strike(StrikeBy.OTM, 0.05)),
        ({"by": "price", "value": 2.5}, Strike(StrikeBy.PREMIUM, 2.5)),
    ],
)
def test_ways_to_say_a_strike(given, expected):
    assert legs_of("sell_put", strike=given)[0].strike == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (45, Expiry(45)),
        ({"dte": 45, "policy": "at_least"}, Expiry(45, Policy.AT_LEAST)),
        ({"dte": 45, "cycle": "monthly"}, Expiry(45, Policy.NEAREST, Cycle.MONTHLY)),
        ("weekly", Expiry(1, Policy.AT_LEAST, Cycle.WEEKLY)),
        ("Monthly", Expiry(1, Policy.AT_LEAST, Cycle.MONTHLY)),
        ("2024-01-19", Expiry(date=19_741)),
    ],
)
def test_ways_to_say_an_expiry(given, expected):
    assert legs_of("sell_put", expiry=given)[0].expiry == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {"operation": "vertical", "right": "put", "width": 5},
            [(PUT, SELL, ATM), (PUT, BUY, Strike(StrikeBy.LEG_WIDTH, -5, 0))],
        ),
        (
            {"operation": "vertical", "right": "call", "side": "buy", "width": {"strikes": 2}},
            [(CALL, BUY, ATM), (CALL, SELL, Strike(StrikeBy.LEG_STRIKES, 2, 0))],
        ),
        (
            {"operation": "straddle", "side": "buy"},
            [(PUT, BUY, ATM), (CALL, BUY, Strike(StrikeBy.LEG_STRIKES, 0, 0))],
        ),
        (
            {"operation": "strangle"},
            [(PUT, SELL, Strike(StrikeBy.DELTA, 0.25)), (CALL, SELL, Strike(StrikeBy.DELTA, 0.25))],
        ),
        (
            {"operation": "strangle", "strike": "ATM+2", "call_strike": 120},
            [(PUT, SELL, Strike(StrikeBy.ATM, -2)), (CALL, SELL, Strike(StrikeBy.EXACT, 120))],
        ),
        (
            {"operation": "iron_condor", "width": 5, "strike": {"by": "otm_pct", "value": 0.1}},
            [
                (PUT, SELL, Strike(StrikeBy.OTM, 0.1)),
                (CALL, SELL, Strike(StrikeBy.OTM, 0.1)),
                (PUT, BUY, Strike(StrikeBy.LEG_WIDTH, -5, 0)),
                (CALL, BUY, Strike(StrikeBy.LEG_WIDTH, 5, 1)),
            ],
        ),
        (
            {"operation": "collar"},
            [(PUT, BUY, Strike(StrikeBy.OTM, 0.05)), (CALL, SELL, Strike(StrikeBy.OTM, 0.05))],
        ),
    ],
)
def test_operations_of_several_legs(params, expected):
    found = [(leg.right, leg.side, leg.strike) for leg in rule_of(params).legs]
    assert found == expected


def test_explicit_legs_take_the_expiry_of_the_action_where_they_have_none():
    legs = legs_of(
        "legs",
        expiry=10,
        legs=[
            {"side": "sell", "right": "put", "strike": {"by": "delta", "value": 0.2}},
            {"side": "buy", "right": "put", "ratio": 2, "expiry": "monthly"}
            | {"strike": {"by": "leg", "leg": 0, "offset": -3}},
            {"side": "buy", "right": "call", "strike": {"by": "leg", "leg": 1, "width": 12.5}},
        ],
    )
    monthly = Expiry(1, Policy.AT_LEAST, Cycle.MONTHLY)
    assert legs == (
        OptionLeg(PUT, SELL, 1, Strike(StrikeBy.DELTA, 0.2), Expiry(10)),
        OptionLeg(PUT, BUY, 2, Strike(StrikeBy.LEG_STRIKES, -3, 0), monthly),
        OptionLeg(CALL, BUY, 1, Strike(StrikeBy.LEG_WIDTH, 12.5, 1), Expiry(10)),
    )


LEG = {"side": "sell", "right": "put"}


@pytest.mark.parametrize(
    ("params", "path", "code"),
    [
        ({"operation": "sell_put", "strike": "money"}, "strike", "wrong_type"),
        ({"operation": "sell_put", "strike": {"by": "gamma"}}, "strike", "wrong_type"),
        ({"operation": "sell_put", "strike": {"by": "leg", "leg": 0}}, "strike", "wrong_type"),
        ({"operation": "sell_put", "strike": {"by": "delta"}}, "strike.value", "required"),
        (
            {"operation": "sell_put", "strike": {"by": "delta", "value": 30}},
            "strike.value",
            "out_of_range",
        ),
        (
            {"operation": "sell_put", "strike": {"by": "otm_pct", "value": 5}},
            "strike.value",
            "out_of_range",
        ),
        (
            {"operation": "sell_put", "strike": {"by": "atm", "value": 1}},
            "strike.value",
            "unknown_key",
        ),
        ({"operation": "sell_put", "expiry": "soon"}, "expiry", "wrong_type"),
        ({"operation": "sell_put", "expiry": -1}, "expiry.dte", "out_of_range"),
        (
            {"operation": "sell_put", "expiry": {"dte": 3, "policy": "about"}},
            "expiry.policy",
            "unknown_choice",
        ),
        (
            {"operation": "sell_put", "expiry": {"date": "2024-02-30"}},
            "expiry.date",
            "wrong_type",
        ),
        ({"operation": "sell_put", "quantity": 0}, "quantity", "out_of_range"),
        ({"operation": "sell_put", "quantity": 1.5}, "quantity", "wrong_type"),
        ({"operation": "sell_put", "close_when": 0.5}, "close_when", "wrong_type"),
        (
            {"operation": "sell_put", "close_when": {"profit": 0.5}},
            "close_when.profit",
            "unknown_key",
        ),
        (
            {"operation": "sell_put", "close_when": {"profit_pct": 0}},
            "close_when.profit_pct",
            "out_of_range",
        ),
        ({"operation": "sell_put", "width": 5}, "width", "unknown_parameter"),
        ({"operation": "vertical", "width": 5}, "right", "required"),
        ({"operation": "vertical", "right": "put"}, "width", "required"),
        ({"operation": "iron_condor", "width": -5}, "width", "out_of_range"),
        ({"operation": "legs", "legs": []}, "legs", "wrong_type"),
        ({"operation": "legs", "legs": [LEG, {"side": "sell"}]}, "legs[1].right", "unknown_choice"),
        (
            {"operation": "legs", "legs": [LEG | {"strike": {"by": "leg", "leg": 0}}]},
            "legs[0].strike.offset",
            "required",
        ),
        (
            {"operation": "legs", "legs": [LEG | {"strike": {"by": "leg", "leg": 0, "offset": 1}}]},
            "legs[0].strike.leg",
            "out_of_range",
        ),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(params, path, code):
    assert faults(params) == {path: code}


def test_an_option_action_must_be_started_by_something():
    alone = document({"operation": "sell_put"})
    alone["edges"] = alone["edges"][:1]
    found, _ = graph_faults(graph_parse(alone))
    assert [(fault.path, fault.code) for fault in found] == [("nodes[2].inputs.when", "required")]


def test_every_operation_is_in_the_catalogue_as_one_that_runs():
    forms = {form["value"]: form for form in node_type_get("action").describe()["forms"]}
    for name in ("sell_put", "vertical", "iron_condor", "collar", "legs", "close_options"):
        assert "supported" not in forms[name], name
        assert len(forms[name]["description"]) > 10
        assert all(param["description"] for param in forms[name]["parameters"])


def test_parameters_reach_into_strikes_and_conditions():
    given = document(
        {
            "operation": "sell_put",
            "strike": {"by": "delta", "value": {"$param": "delta"}},
            "close_when": {"profit_pct": {"$param": "profit"}},
        },
        parameters=[
            {"name": "delta", "type": "float", "default": 0.3, "min": 0.1, "max": 0.9},
            {"name": "profit", "type": "float", "default": 0.5, "min": 0.1, "max": 1},
        ],
    )
    graph = graph_parse(given)
    (usual,) = graph_compile(graph).program.option_rules
    (other,) = graph_compile(graph, {"delta": 0.5, "profit": 0.2}).program.option_rules
    assert (usual.legs[0].strike.value, usual.close_when.profit) == (0.3, 0.5)
    assert (other.legs[0].strike.value, other.close_when.profit) == (0.5, 0.2)


def test_spellings_are_one_document_with_one_hash():
    short = graph_parse(document({"action": "Sell put", "strike": "ATM", "dte": 30}))
    long = graph_parse(
        document(
            {
                "operation": "sell_put",
                "strike": {"by": "ATM"},
                "expiry": {"dte": 30.0, "policy": "nearest"},
            }
        )
    )
    assert graph_document(short) == graph_document(long)
    assert graph_hash(short) == graph_hash(long)


def test_the_order_of_nodes_makes_no_difference_to_the_rules():
    one = document({"operation": "sell_put"})
    other_put = {"id": "other", "type": "action", "params": {"operation": "buy_call"}}
    edge = {"source": "high", "target": "other", "target_port": "when"}
    forth = one | {"nodes": [*one["nodes"], other_put], "edges": [*one["edges"], edge]}
    back = forth | {"nodes": forth["nodes"][::-1]}
    rules = [graph_compile(graph_parse(way)).program.option_rules for way in (forth, back)]
    assert rules[0] == rules[1]


def run(given: dict[str, Any], closes: list[float]):
    bars = market(closes)
    evaluation = plan_evaluate(graph_compile(graph_parse(given)), bars)
    return simulate_with_options(
        bars,
        evaluation.columns,
        evaluation.program,
        RunConfig(cash=100_000.0),
        volatility=np.full(len(bars), 0.3),
    )


RISING = [99.0, 99.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0]


def test_an_action_trades_where_its_condition_is_true():
    result = run(document({"operation": "sell_put"}), RISING)
    assert result.option_fills["bar"][0] == 3
    assert result.option_fills["strike"][0] == 100.0


def test_an_entry_runs_an_option_action_in_place_of_its_own_order():
    given = document({"operation": "sell_put"})
    given["nodes"].append({"id": "enter", "type": "entry", "params": {}})
    given["edges"] = [
        given["edges"][0],
        {"source": "high", "target": "enter", "target_port": "when"},
        {"source": "enter", "source_port": "exec", "target": "trade", "target_port": "exec"},
    ]
    result = run(given, RISING)
    assert result.option_fills["bar"][0] == 3
    assert len(result.fills) == 0


def test_an_exit_closes_options_as_well():
    given = document({"operation": "sell_put"})
    given["nodes"] += [
        {"id": "higher", "type": "condition", "params": {"operator": "gt", "right": 105}},
        {"id": "leave", "type": "exit", "params": {}},
    ]
    given["edges"] += [
        {"source": "close", "target": "higher", "target_port": "left"},
        {"source": "higher", "target": "leave", "target_port": "when"},
    ]
    assert run(given, RISING).option_trades["exit_bar"][0] == 8
    given["nodes"][-1] = {
        "id": "leave",
        "type": "action",
        "params": {"operation": "close_options"},
    }
    assert run(given, RISING).option_trades["exit_bar"][0] == 8


def test_a_condition_on_the_position_guards_an_option_action():
    """Calls are sold once there are shares to cover them: the second half of the wheel."""
    given = document({"operation": "covered_call", "strike": "ATM+2"})
    given["nodes"] += [
        {"id": "buy", "type": "action", "params": {"operation": "buy", "sizing": 100}},
        {"id": "held", "type": "position", "params": {}},
        {"id": "enough", "type": "condition", "params": {"operator": "gte", "right": 100}},
    ]
    given["edges"] = [
        given["edges"][0],
        {"source": "high", "target": "buy", "target_port": "when"},
        {"source": "held", "source_port": "quantity", "target": "enough", "target_port": "left"},
        {"source": "enough", "target": "trade", "target_port": "when"},
    ]
    result = run(given, RISING)
    assert result.fills["bar"][0] == 3  # bought where the close of bar 2 is above 100
    assert result.option_fills["bar"][0] == 4
    assert result.counters["rejected_option_money"] == 0


def test_a_loop_sells_puts_again_and_again():
    given = document({"operation": "sell_put", "max_positions": 10})
    given["nodes"].append(
        {"id": "again", "type": "loop", "params": {"every": 2, "max_iterations": 3}}
    )
    given["edges"] = [
        given["edges"][0],
        {"source": "high", "target": "again", "target_port": "when"},
        {"source": "again", "source_port": "exec", "target": "trade", "target_port": "exec"},
    ]
    assert run(given, RISING).option_contracts.tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 0]


def test_the_engine_alone_refuses_what_trades_options():
    bars = market(RISING)
    evaluation = plan_evaluate(
        graph_compile(graph_parse(document({"operation": "sell_put"}))), bars
    )
    with pytest.raises(InvalidInput, match=r"core\.options\.simulate"):
        simulate(bars, evaluation.columns, evaluation.program, RunConfig())
    with pytest.raises(InvalidInput, match="reference profile"):
        simulate_with_options(
            bars, evaluation.columns, evaluation.program, RunConfig(profile="reference")
        )
