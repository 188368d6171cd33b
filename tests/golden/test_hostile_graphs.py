"""Graphs and accounts nobody sensible would run: valid, so they must give sense or be refused.

Each goes from its document to the metrics. Whatever happens, no number is NaN or infinite, every
missing metric says why, and the account adds up; the numbers beside each case are worked out by
hand.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.backtests.simulation import graph_simulate, warnings_of
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.result import ExitReason
from core.errors import InvalidInput
from strategies.graph.schema import graph_document, graph_hash, graph_parse

DAY_NS = 86_400_000_000_000
RISING = np.arange(100.0, 121.0)


def bars_of(prices, volume=1000.0):
    prices = np.asarray(prices, dtype=float)
    return Bars.from_arrays(
        ts=np.arange(len(prices)) * DAY_NS,
        open=prices,
        high=prices * 1.01,
        low=prices * 0.99,
        close=prices,
        volume=np.full(len(prices), volume),
    )


def always(entry=None, *, settings=None, nodes=(), edges=()):
    """A graph that wants to enter at every close, and what is added to it."""
    close, on = ("close", "price", {}), ("on", "condition", {"operator": "gt", "right": 0})
    enter = ("enter", "entry", entry or {})
    wires = [("close", "on", "left"), ("on", "enter", "when"), *edges]
    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in (close, on, enter, *nodes)],
        "edges": [{"source": s, "target": t, "target_port": p} for s, t, p in wires],
        "settings": settings or {},
    }


def simulate(document, prices=RISING, **config):
    graph = graph_parse(document)
    bars = prices if isinstance(prices, Bars) else bars_of(prices)
    run = graph_simulate(
        graph=graph_document(graph),
        graph_hash=graph_hash(graph),
        parameters={},
        bars=bars,
        config=RunConfig.from_mapping(config),
        periods_per_year=252.0,
    )
    result, summary = run.result, run.summary
    for series in (result.equity, result.cash, result.position):
        assert np.isfinite(series).all()
    worth = result.cash + result.position * bars.close
    np.testing.assert_allclose(result.equity, worth, rtol=1e-9, atol=1e-6)
    for field in result.trades.dtype.names:
        assert np.isfinite(result.trades[field].astype(float)).all(), field
    assert {key for key, value in summary.values.items() if value is None} == set(summary.reasons)
    assert all(value is None or math.isfinite(value) for value in summary.values.values())
    return run


def exit_node(name="leave", when="on", **params):
    return {"nodes": [(name, "exit", params)], "edges": [(when, name, "when")]}


def stop_at(price, name="stop_loss"):
    return {
        "entry": {name: {"type": "price"}},
        "nodes": [("k", "constant", {"value": price})],
        "edges": [("k", "enter", name)],
    }


@pytest.mark.parametrize(
    ("document", "prices", "config", "trades", "final"),
    [
        (always(), RISING, {}, 1, 10_000 + 99 * 19),
        (always(), [100.0], {}, 0, 10_000),
        (always(), [100.0, 101.0], {}, 1, 10_000),
        (always(), bars_of(RISING, volume=0.0), {}, 1, 10_000 + 99 * 19),
        (always(), RISING, {"margin": 0.5}, 1, 10_000 + 198 * 19),
        (always({"sizing": 0.5}), RISING, {}, 0, 10_000),
        (always({"sizing": 0.5}), RISING, {"fractional": True}, 1, 10_000 + 0.5 * 19),
        (always({"sizing": 0.6}), RISING, {"lot_size": 0.25}, 1, 10_000 + 0.5 * 19),
        (always(), RISING, {"cash": 50}, 0, 50),
        (always(), RISING, {"cash": 50, "fractional": True}, 1, 50 * 120 / 101),
        (always(), RISING, {"cash": 150, "commission": {"minimum": 60}}, 0, 150),
        (always(), RISING, {"cash": 161, "commission": {"minimum": 60}}, 1, 161 + 19 - 120),
        (always(), RISING, {"cash": 4, "commission": {"per_order": 5}, "fractional": True}, 0, 4),
        (always(), RISING, {"commission": {"percent": 0.5}}, 1, 10_000 - 66 * 91.5),
        (always(), RISING, {"slippage": {"bps": 9_999}}, 1, 10_000 + 49 * (0.012 - 201.9899)),
        (always({"side": "short"}), RISING, {}, 1, 10_000 - 99 * 19),
        (always({"side": "short"}), [1, 1, 1, 100, 100], {}, 1, 10_000 - 10_000 * 99),
        (always(), [100, 100, 50, 20, 20], {"margin": 0.3}, 1, 10_000 - 333 * 50),
        (always({}, settings={"max_open_entries": 3}), RISING, {}, 1, 10_000 + 99 * 19),
        (always({"sizing": 7}, settings={"max_open_entries": 3}), RISING, {}, 3, 10_000 + 7 * 54),
        (always(**exit_node()), [100, 100, 102, 102, 105], {}, 2, 10_000 + 100 * 2 + 100 * 3),
        (always(**exit_node(fraction=0.01), settings={}), [100, 100, 110], {}, 2, 11_000),
        (always(**stop_at(200.0)), RISING, {}, 0, 10_000),
        (always(**stop_at(-5.0)), RISING, {}, 0, 10_000),
        (always(**stop_at(50.0, "take_profit")), RISING, {}, 0, 10_000),
        (always(), np.full(10, 1e12), {}, 0, 10_000),
        (always(), np.full(10, 1e300), {"fractional": True}, 1, 10_000),
        (always(), np.full(10, 1e-9), {}, 1, 10_000),
        (always({"sizing": {"type": "risk_percent", "value": 0.5}, "stop_loss": 0.05}),
         RISING, {}, 0, 10_000),
    ],
    ids=["plain", "one bar", "two bars", "no volume", "credit", "half a unit",
         "half a unit, fractional", "0.6 of lots of 0.25", "less cash than a unit",
         "less cash than a unit, fractional", "no money for the minimum fee",
         "all money for the minimum fee", "fee above the cash", "half of it in fees",
         "slippage of all", "short into a rise", "short into a debt", "long into a debt",
         "adding without money", "adding units", "entry and exit at once",
         "fraction of a unit less", "stop above the price", "stop below zero",
         "target below the price", "price above the cash", "huge price, fractional",
         "tiny price", "risk beyond the account"],
)  # fmt: skip
def test_it_ends_in_sense(document, prices, config, trades, final):
    result = simulate(document, prices, **config).result
    assert len(result.trades) == trades
    assert result.equity[-1] == pytest.approx(final, rel=1e-9)
    if not trades and len(result.equity) > 1:
        assert any("rejected" in warning for warning in result.warnings)


def test_long_and_short_at_every_close_reverse_at_every_open():
    short = [("sell", "entry", {"side": "short"}), ("half", "exit", {"fraction": 0.5})]
    document = always(nodes=short, edges=[("on", "sell", "when"), ("on", "half", "when")])
    result = simulate(document, [100, 100, 110, 110, 100]).result
    assert result.trades["side"].tolist() == [1, -1, 1, -1]
    assert result.trades["pnl"].tolist() == [100 * 10, 0, 100 * -10, 0]
    reversal, end = ExitReason.REVERSAL, ExitReason.END
    assert result.trades["exit_reason"].tolist() == [reversal, reversal, reversal, end]


@pytest.mark.parametrize(
    ("document", "prices", "defined"),
    [
        (always({"sizing": 0.5}), RISING, {"total_return_pct": 0.0, "trades": 0}),
        (always(), RISING, {"trades": 1, "winrate_pct": 100.0, "max_drawdown_pct": 0.0}),
        (always(), [100.0, 101.0], {"trades": 1, "winrate_pct": 0.0, "total_return_pct": 0.0}),
        (always(**exit_node()), RISING, {"winrate_pct": 100.0, "trades": 10}),
        (always({"side": "short"}), [1, 1, 1, 100], {"total_return_pct": -9_900.0, "trades": 1}),
    ],
    ids=["no trade", "one trade", "two bars", "all wins", "debt"],
)
def test_metrics_that_a_run_cannot_have_are_missing_with_a_reason(document, prices, defined):
    summary = simulate(document, prices).summary
    assert {key: summary.values[key] for key in defined} == defined
    assert {"payoff", "kelly"} <= set(summary.reasons)


def test_a_ruined_account_has_no_growth_and_says_so():
    summary = simulate(always({"side": "short"}), [1, 1, 1, 100, 100]).summary
    assert {"cagr_pct", "sharpe", "sortino", "var_95_pct", "turnover"} <= set(summary.reasons)
    assert summary.values["max_drawdown_pct"] == -9_900.0


@pytest.mark.parametrize(("period", "trades"), [(20, 1), (21, 0)])
def test_a_warm_up_as_long_as_the_data_decides_at_the_last_close_at_most(period, trades):
    nodes = [
        ("mean", "indicator", {"name": "sma", "period": period}),
        ("above", "condition", {"operator": "gt"}),
        ("buy", "entry", {}),
        ("source", "price", {}),
    ]
    edges = [("source", "mean", "source"), ("source", "above", "left"), ("mean", "above", "right")]
    document = always(nodes=nodes, edges=[*edges, ("above", "buy", "when")])
    document["nodes"] = [node for node in document["nodes"] if node["id"] != "enter"]
    document["edges"] = [edge for edge in document["edges"] if edge["target"] != "enter"]
    assert len(simulate(document).result.trades) == trades
    with pytest.raises(InvalidInput, match=f"needs {period} bars"):
        simulate(document, RISING[: period - 1])


def test_a_series_that_never_has_a_value_is_told_and_nothing_trades():
    nodes = [("zero", "math", {"operator": "subtract"}), ("q", "math", {"operator": "divide"})]
    edges = [("close", "zero", "left"), ("close", "zero", "right")]
    edges += [("zero", "q", "left"), ("zero", "q", "right")]
    nodes += [
        ("c", "condition", {"operator": "gt", "right": 0}),
        ("no", "logic", {"operator": "not"}),
    ]
    edges += [("q", "c", "left"), ("c", "no", "in_1")]
    document = always(nodes=nodes, edges=edges)
    document["edges"][1]["source"] = "no"
    run = simulate(document)
    assert len(run.result.fills) == 0
    assert [warning["code"] for warning in warnings_of(run)][-1] == "never_defined"
