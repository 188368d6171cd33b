"""History fed bar by bar through the live path: the decisions and trades of the backtest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.reading import config_of, plan_of
from brokers.models import BookEntry, Order
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from strategies.graph.evaluate import plan_evaluate
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random

UNITS = {"type": "units", "value": 10}


def with_units(graph):
    """The graph with a size that is the same at the close of the decision and at the open."""
    nodes = [dict(node, params=dict(node.get("params", {}))) for node in graph["nodes"]]
    for node in nodes:
        if "size" in node["params"]:
            node["params"]["size"] = UNITS
    return graph | {"nodes": nodes, "settings": graph.get("settings", {}) | {"sizing": UNITS}}


def backtest_of(deployment, venue, start):
    """The same version on the same bars under the same terms, deciding from the same bar on."""
    plan = plan_of(deployment)
    evaluation = plan_evaluate(plan, venue.bars, charts=False)
    program = replace(evaluation.program, warmup=max(start, evaluation.program.warmup))
    config = config_of(deployment, venue.instrument)
    return simulate(venue.bars, evaluation.columns, program, config), program


def live_fills(deployment):
    rows = BookEntry.objects.filter(deployment=deployment, fill__isnull=False)
    return [
        (
            int(np.datetime64(row.bar_ts.replace(tzinfo=None), "ns").astype(np.int64)),
            row.side,
            float(row.quantity),
            pytest.approx(float(row.price), abs=0.011),
        )
        for row in rows.order_by("bar_ts", "created_at")
    ]


def engine_fills(result):
    return [
        (int(fill["ts"]), int(fill["side"]), float(fill["quantity"]), float(fill["price"]))
        for fill in result.fills
    ]


# Short periods, so that a lot happens: parameters, first bar, bars in all, seed.
CASES = {
    "sma_cross": ({"fast": 2, "slow": 4}, 30, 60, 3),
    "rsi": ({"period": 2, "oversold": 20, "overbought": 80}, 30, 60, 4),
    "macd": ({"fast": 3, "slow": 6, "signal": 2}, 30, 60, 38),
    "la_bomba": (
        {
            "period": 5,
            "deviations": 1,
            "squeeze_bars": 10,
            "squeeze_age": 10,
            "volume_bars": 3,
            "volume_factor": 0.8,
            "atr_period": 3,
            "stop_atr": 0.5,
        },
        40,
        75,
        190,
    ),
    "dca": ({"every": 3, "purchases": 6}, 20, 45, 3),
}


@pytest.mark.parametrize("template", list(CASES))
def test_a_replay_trades_as_the_backtest(template, user):
    parameters, start, stop, seed = CASES[template]
    venue = Venue(user, bars_random(stop, seed=seed, volatility=0.03))
    venue.past(start)
    deployment = venue.deploy(with_units(template_graph(template)[0]), parameters, at=start)
    ticks = [venue.bar(deployment, at) for at in range(start, stop)]
    assert all(tick is not None and tick.status == "decided" for tick in ticks)
    result, _ = backtest_of(deployment, venue, start)
    assert len(result.fills) >= 4
    reasons = {ExitReason(int(fill["reason"])) for fill in result.fills}
    assert (ExitReason.STOP_LOSS in reasons) == (template == "la_bomba")
    assert live_fills(deployment) == engine_fills(result)
    assert [tick.position for tick in ticks] == list(result.position[start:])
    assert [tick.equity for tick in ticks] == pytest.approx(list(result.equity[start:]), abs=1)
    assert not Order.objects.filter(status__in=["denied", "rejected", "unknown"]).exists()


GUARDED = {
    "stop_loss and take_profit": (
        {
            "stop_loss": {"type": "percent", "value": 0.03},
            "take_profit": {"type": "percent", "value": 0.04},
        },
        {ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT},
    ),
    "trailing": ({"trailing": {"type": "percent", "value": 0.03}}, {ExitReason.TRAILING_STOP}),
}


@pytest.mark.parametrize("case", list(GUARDED))
def test_guards_of_a_replay_fill_as_the_backtests(case, user):
    params, wanted = GUARDED[case]
    graph = with_units(template_graph("sma_cross")[0])
    for node in graph["nodes"]:
        if node["type"] == "entry":
            node["params"] |= params
    venue = Venue(user, bars_random(70, seed=11, volatility=0.03))
    venue.past(25)
    deployment = venue.deploy(graph, {"fast": 2, "slow": 4}, at=25)
    ticks = [venue.bar(deployment, at) for at in range(25, 70)]
    result, _ = backtest_of(deployment, venue, 25)
    assert {ExitReason(int(fill["reason"])) for fill in result.fills} >= wanted
    assert live_fills(deployment) == engine_fills(result)
    assert [tick.position for tick in ticks] == list(result.position[25:])


def test_entries_that_wait_fill_as_the_backtests(user):
    graph = with_units(template_graph("sma_cross")[0])
    (entry,) = [node["id"] for node in graph["nodes"] if node["type"] == "entry"]
    buy = {
        "operation": "buy",
        "order_type": "limit",
        "price": {"type": "offset_percent", "value": -0.01},
        "size": UNITS,
    }
    graph["nodes"].append({"id": "buy", "type": "action", "params": buy})
    graph["edges"] = [
        *graph["edges"],
        {"source": entry, "source_port": "exec", "target": "buy", "target_port": "exec"},
    ]
    venue = Venue(user, bars_random(70, seed=11, volatility=0.03))
    venue.past(25)
    deployment = venue.deploy(graph, {"fast": 2, "slow": 4}, at=25)
    ticks = [venue.bar(deployment, at) for at in range(25, 70)]
    result, _ = backtest_of(deployment, venue, 25)
    assert len(result.fills) >= 4
    assert live_fills(deployment) == engine_fills(result)
    assert [tick.position for tick in ticks] == list(result.position[25:])
