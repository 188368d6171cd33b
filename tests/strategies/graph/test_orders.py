"""Orders that wait for their price, alerts, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Order, OrderKind, Price, PriceKind, TimeInForce
from core.engine.simulate import simulate
from strategies.graph.build import action_append
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_document, graph_parse
from strategies.graph.validate import graph_faults

DAY_NS = 86_400 * 10**9
GTC = TimeInForce.GOOD_TILL_CANCELLED


def simulated(drawing, close):
    """Bars that open where the one before closed."""
    close = np.asarray(close, dtype=float)
    opened = np.concatenate([close[:1], close[:-1]])
    bars = Bars.from_arrays(
        ts=np.arange(len(close)) * DAY_NS,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.full(len(close), 1000.0),
    )
    evaluation = plan_evaluate(drawing.compile(), bars)
    config = RunConfig.from_mapping({"liquidate_at_end": False})
    return simulate(bars, evaluation.columns, evaluation.program, config)


def filled(drawing, close) -> list[tuple[int, float, float]]:
    """Return bar, signed quantity and price of every fill."""
    fills = simulated(drawing, close).fills
    signed = np.where(fills["side"] > 0, fills["quantity"], -fills["quantity"])
    rows = zip(
        fills["bar"].tolist(), signed.tolist(), fills["price"].round(6).tolist(), strict=True
    )
    return list(rows)


@pytest.fixture
def signals(drawing):
    """True once, at the close of 100."""
    drawing.add("close", "price")
    return drawing.add("now", "condition", {"operator": "eq", "right": 100}, left="close")


def buying(drawing, **params):
    return drawing.add("buy", "action", {"operation": "buy", "sizing": 1} | params, when="now")


def faults(drawing) -> dict[str, str]:
    return {one.path: one.code for one in graph_faults(graph_parse(drawing.document))[0]}


@pytest.mark.parametrize(
    ("params", "order"),
    [
        ({}, Order()),
        ({"order_type": "limit", "price": 95},
         Order(OrderKind.LIMIT, limit=Price(PriceKind.NUMBER, 95.0))),
        ({"order_type": "stop", "price": {"type": "offset_percent", "value": 0.02}},
         Order(OrderKind.STOP, stop=Price(PriceKind.OFFSET, 0.02))),
        ({"order_type": "Stop limit", "price": 102, "limit_price": 103, "time_in_force": "GTC"},
         Order(OrderKind.STOP_LIMIT, Price(PriceKind.NUMBER, 103.0),
               Price(PriceKind.NUMBER, 102.0))),
        ({"order_type": "trailing_stop", "price": {"type": "offset_percent", "value": 0.1},
          "time_in_force": "day"},
         Order(OrderKind.TRAILING_STOP, stop=Price(PriceKind.OFFSET, 0.1),
               time_in_force=TimeInForce.DAY)),
        ({"order_type": "limit", "price": 95, "time_in_force": 3},
         Order(OrderKind.LIMIT, limit=Price(PriceKind.NUMBER, 95.0),
               time_in_force=TimeInForce.BARS, bars=3)),
    ],
)  # fmt: skip
def test_an_action_says_how_it_trades(signals, params, order):
    (rule,) = buying(signals, **params).compile().program.rules
    assert rule.order == order


def test_a_limit_below_the_close_waits_until_it_is_reached(signals):
    price = {"type": "offset_percent", "value": -0.05}
    buying(signals, order_type="limit", price=price)
    assert filled(signals, [99, 100, 101, 97, 94, 99]) == [(4, 1, 95)]


def test_a_limit_expires_with_its_time_in_force(signals):
    buying(signals, order_type="limit", price=95, time_in_force=2)
    assert filled(signals, [99, 100, 101, 97, 94, 99]) == []
    signals.nodes[-1]["params"]["time_in_force"] = {"type": "bars", "value": 3}
    assert filled(signals, [99, 100, 101, 97, 94, 99]) == [(4, 1, 95)]


def test_the_price_of_an_order_is_a_series_of_data_or_of_the_position(signals):
    buying(signals, order_type="limit", price={"type": "price"})
    signals.add("low", "math", {"operation": "subtract", "right": 4}, left="close")
    signals.edges.append({"source": "low", "target": "buy", "target_port": "price"})
    signals.add("pos", "position")
    signals.add("target", "math", {"operation": "multiply", "right": 1.1}, left="pos.entry_price")
    signals.add("held", "condition", {"operator": "gt", "right": 0}, left="pos.side")
    out = {"operation": "sell", "order_type": "limit", "price": {"type": "price"}}
    signals.add("sell", "action", out, when="held", price="target")
    buy, sell = signals.compile().program.rules
    assert (buy.order.limit.column, buy.order.limit.register) == (1, -1)
    assert sell.order.limit.column == -1
    assert sell.order.limit.register >= 0
    found = filled(signals, [99, 100, 95, 98, 104, 110])
    assert found == [(2, 1, 96), (5, -1, 105.6)]


def test_a_trailing_stop_order_leaves_at_a_distance(signals):
    buying(signals)
    signals.add("high", "condition", {"operator": "eq", "right": 110}, left="close")
    out = {"operation": "sell", "order_type": "trailing_stop", "price": 5}
    signals.add("sell", "action", out, when="high")
    assert filled(signals, [99, 100, 105, 110, 120, 117, 112]) == [(2, 1, 100), (6, -1, 115)]


def test_orders_that_wait_are_cancelled(signals):
    buying(signals, order_type="limit", price=95)
    signals.add("up", "condition", {"operator": "gt", "right": 105}, left="close")
    assert filled(signals, [99, 100, 106, 97, 94, 99]) == [(4, 1, 95)]
    signals.add("stop", "action", {"operation": "cancel_orders"}, when="up")
    assert filled(signals, [99, 100, 106, 97, 94, 99]) == []


def test_an_alert_is_given_where_its_entry_could_act_and_does_not_act_for_it(signals):
    signals.add("enter", "entry", {"sizing": 1}, when="now")
    signals.add("tell", "action", {"operation": "alert", "message": "In"}, exec="enter")
    signals.add("all", "action", {"operation": "alert", "message": "100"}, when="now")
    result = simulated(signals, [100, 100, 99, 100])
    rules = signals.compile().program.rules
    assert {rule.operation for rule in rules} == {Operation.OPEN_LONG, Operation.ALERT}
    given = [(int(one["bar"]), rules[one["rule"]].source) for one in result.alerts]
    # In the position from bar 1 on, so the entry tells once; the condition is true three times.
    assert sorted(given) == [(0, "all"), (0, "tell"), (1, "all"), (3, "all")]
    assert len(result.fills) == 1


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"order_type": "limit"}, {"params.price": "required"}),
        ({"order_type": "stop_limit", "price": 3}, {"params.limit_price": "required"}),
        ({"price": 3}, {"params.price": "unexpected"}),
        ({"order_type": "limit", "price": 3, "limit_price": 4},
         {"params.limit_price": "unexpected"}),
        ({"order_type": "limit", "price": {"type": "price"}}, {"params.price": "required"}),
        ({"order_type": "limit", "price": -3}, {"params.price.value": "out_of_range"}),
        ({"order_type": "limit", "price": {"type": "offset_percent", "value": -1}},
         {"params.price.value": "out_of_range"}),
        ({"order_type": "trailing_stop", "price": {"type": "offset_percent", "value": -0.1}},
         {"params.price.value": "out_of_range"}),
        ({"order_type": "lmit", "price": 3}, {"params.order_type": "unknown_choice"}),
        ({"time_in_force": "day"}, {"params.time_in_force": "unexpected"}),
        ({"order_type": "stop", "price": 3, "time_in_force": 0},
         {"params.time_in_force.value": "out_of_range"}),
        ({"order_type": "stop", "price": 3, "time_in_force": "soon"},
         {"params.time_in_force": "wrong_type"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_order_is_told(signals, params, expected):
    found = faults(buying(signals, **params))
    assert {path.removeprefix("nodes[2]."): code for path, code in found.items()} == expected


def test_edges_to_prices_must_mean_something(signals):
    buying(signals, order_type="limit", price=95)
    signals.edges.append({"source": "close", "target": "buy", "target_port": "price"})
    assert faults(signals) == {"nodes[2].params.price": "unexpected_edge"}
    signals.nodes[-1]["params"]["price"] = {"type": "multiple", "value": 2}
    assert faults(signals) == {"nodes[2].params.price.type": "mismatch"}
    signals.nodes[-1]["params"]["order_type"] = "market"
    assert faults(signals) == {"nodes[2].params.price": "unexpected"}


def test_orders_have_one_spelling(signals):
    buying(signals, order_type="LIMIT", price=95.0, time_in_force="Good till cancelled")
    node = graph_document(graph_parse(signals.document))["nodes"][-1]
    assert node["params"]["price"] == {"type": "number", "value": 95}
    assert node["params"]["time_in_force"] == {"type": "gtc"}


def test_an_order_is_built_by_a_step(signals):
    price = {"type": "price", "source": "close"}
    body = {"operation": "buy", "when": "now", "order_type": "limit", "price": price}
    step = action_append(signals.document, body=body)
    assert step.node["params"]["price"] == {"type": "price"}
    assert graph_faults(graph_parse(step.document)) == ([], [])


@pytest.mark.parametrize(
    ("name", "words"),
    [("time_in_force", '"gtc", "day" or a number of bars'), ("price", "a number, or {")],
)
def test_a_value_of_no_known_spelling_is_told_how_it_may_be_written(signals, name, words):
    given = {"order_type": "limit", "price": 95} | {name: "ioc"}
    (fault,) = graph_faults(graph_parse(buying(signals, **given).document))[0]
    assert (fault.path.rpartition(".")[2], fault.code) == (name, "wrong_type")
    assert words in fault.message
