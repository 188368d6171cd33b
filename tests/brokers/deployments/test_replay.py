"""History fed bar by bar through the live path: the decisions and trades of the backtest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.reading import config_of, plan_of
from brokers.models import BookEntry, Order
from core.engine.simulate import simulate
from strategies.graph.evaluate import plan_evaluate
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random

UNITS = {"sizing": {"type": "units", "value": 10}}


def with_units(graph):
    return graph | {"settings": graph.get("settings", {}) | UNITS}


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


CASES = {
    "sma_cross": ({"fast": 3, "slow": 8}, 40, 90, 3),
    "rsi": ({}, 40, 90, 4),
    "macd": ({"fast": 4, "slow": 9, "signal": 3}, 40, 90, 3),
    "dca": ({}, 20, 80, 3),
}


@pytest.mark.parametrize("template", list(CASES))
def test_a_replay_trades_as_the_backtest(template, user):
    parameters, start, stop, seed = CASES[template]
    venue = Venue(user, bars_random(stop, seed=seed, volatility=0.03))
    venue.past(start)
    graph = template_graph(template)[0]
    if template != "dca":
        graph = with_units(graph)
    known = {one["name"] for one in graph.get("parameters", [])}
    given = {name: value for name, value in parameters.items() if name in known}
    deployment = venue.deploy(graph, given, at=start)
    ticks = [venue.bar(deployment, at) for at in range(start, stop)]
    assert all(tick is not None and tick.status == "decided" for tick in ticks)
    result, _ = backtest_of(deployment, venue, start)
    assert len(result.fills) >= 2
    assert live_fills(deployment) == engine_fills(result)
    assert [tick.position for tick in ticks] == list(result.position[start:])
    assert [tick.equity for tick in ticks] == pytest.approx(list(result.equity[start:]), abs=1)
    assert not Order.objects.filter(status__in=["denied", "rejected", "unknown"]).exists()
