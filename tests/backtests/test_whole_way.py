"""The whole way: from a graph file to a printed result, and from a request to a stored trade."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.core.management import call_command

from strategies.graph.templates import TEMPLATES, template_get
from tests.backtests.conftest import daily_bars, store
from tests.backtests.test_surroundings import csv_of

WAVE = daily_bars(np.round(100 + 20 * np.sin(np.arange(500) / 15) + np.arange(500) / 20, 2))


@pytest.fixture(scope="module")
def wave_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars") / "wave.csv"
    path.write_text(csv_of(WAVE))
    return str(path)


def printed(folder, document, bars, *arguments):
    path = folder / "graph.json"
    path.write_text(json.dumps(document))
    out = io.StringIO()
    call_command("backtest", "--graph", str(path), "--bars", bars, "--format", "json", *arguments,
                 stdout=out)  # fmt: skip
    return json.loads(out.getvalue())


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_runs_from_its_file(tmp_path, wave_file, name):
    output = printed(tmp_path, template_get(name).document, wave_file)
    assert len(output["equity"]) == 500
    assert output["metrics"]["final_equity"] == pytest.approx(output["equity"][-1])


def wide_graph():
    """200 nodes: averages of 60 periods, each compared and weighed, and a vote of all."""
    nodes = [("close", "price", {}), ("volume", "price", {"field": "volume"})]
    edges = []
    for n in range(60):
        nodes += [
            (f"average{n}", "indicator", {"name": "sma", "period": n + 2}),
            (f"above{n}", "condition", {"operator": "gt"}),
            (f"weight{n}", "math", {"operation": "divide"}),
        ]
        edges += [
            ("close", f"average{n}", "source"),
            ("close", f"above{n}", "left"),
            (f"average{n}", f"above{n}", "right"),
            ("close", f"weight{n}", "left"),
            (f"average{n}", f"weight{n}", "right"),
        ]
    for n in range(12):
        nodes.append((f"firm{n}", "condition", {"operator": "gt", "right": 0.9}))
        edges.append((f"weight{n}", f"firm{n}", "left"))
    nodes += [
        ("most", "logic", {"operator": "at_least", "k": 40}),
        ("firm", "logic", {"operator": "and"}),
        ("up", "logic", {"operator": "and"}),
        ("few", "logic", {"operator": "not"}),
        ("enter", "entry", {}),
        ("leave", "exit", {}),
    ]
    edges += [(f"above{n}", "most", f"in_{n + 1}") for n in range(60)]
    edges += [(f"firm{n}", "firm", f"in_{n + 1}") for n in range(12)]
    edges += [("most", "up", "in_1"), ("firm", "up", "in_2"), ("up", "enter", "when")]
    edges += [("most", "few", "in_1"), ("few", "leave", "when")]
    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in nodes],
        "edges": [{"source": s, "target": t, "target_port": p} for s, t, p in edges],
    }


def test_a_graph_of_200_nodes_runs_from_its_file(tmp_path, wave_file):
    document = wide_graph()
    assert len(document["nodes"]) == 200
    output = printed(tmp_path, document, wave_file)
    assert len(output["trades"]) >= 5
    # A vote of 40 of 60 averages: by hand.
    close = WAVE.close
    votes = np.zeros(500)
    for period in range(2, 62):
        mean = np.convolve(close, np.ones(period) / period)[: len(close)]
        mean[: period - 1] = np.nan
        votes += close > mean
    first = int(np.flatnonzero((votes >= 40) & (np.arange(500) >= 60))[0])
    assert output["trades"][0]["entry_bar"] == first + 1


# --- what depends on the position, over HTTP -----------------------------------------------------


def drawn(nodes, edges, **settings):
    def wire(source, target, port):
        node, _, output = source.partition(".")
        edge = {"source": node, "target": target, "target_port": port}
        return edge | ({"source_port": output} if output else {})

    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in nodes],
        "edges": [wire(*edge) for edge in edges],
        "settings": settings,
    }


@pytest.fixture
def dip(db):
    """Each day opens at the close of the day before."""
    return store("DIP", daily_bars([100, 90, 80, 90, 100, 120, 120, 120]))


@pytest.fixture
def tried(api, dip, work):
    """Return a function that posts a strategy, backtests it and gives its trades and its run."""

    def run(graph, **config):
        answer = api.post("/api/v1/strategies", {"name": "x", "graph": graph})
        assert answer.status_code == 201, answer.json()
        strategy = answer.json()
        assert strategy["runnable"], strategy["errors"]
        body = {"strategy_id": strategy["id"], "symbols": ["DIP"], "start": "2020-01-01",
                "end": "2020-02-01", "capital": 1000, "config": config}  # fmt: skip
        queued = api.post("/api/v1/backtests", body)
        assert queued.status_code == 202, queued.json()
        work(queued.json())
        result = api.get(f"/api/v1/backtests/{queued.json()['id']}/results").json()
        keys = ("entry_bar", "exit_bar", "size", "entry_price", "exit_price", "exit_reason")
        return [tuple(trade[key] for key in keys) for trade in result["trades"]], result

    return run


CHEAP = [
    ("close", "price", {}),
    ("cheap", "condition", {"operator": "lt", "right": 95}),
]
UNIT = {"operation": "buy", "sizing": {"type": "units", "value": 1}}


def test_a_loop_scales_in_and_the_position_says_when_to_leave(tried):
    # Cheap from day 1 on: bought at the opens of days 2 and 4, both at 90, and no third time.
    # At the close of day 4 (100) the position is 11 % up: sold at the open of day 5.
    graph = drawn(
        [
            *CHEAP,
            ("twice", "loop", {"every": 2, "max_iterations": 2}),
            ("buy", "action", UNIT),
            ("position", "position", {}),
            ("up", "condition", {"operator": "gte", "right": 10}),
            ("leave", "exit", {}),
        ],
        [
            ("close", "cheap", "left"),
            ("cheap", "twice", "when"),
            ("twice", "buy", "exec"),
            ("position.unrealized_pnl_pct", "up", "left"),
            ("up", "leave", "when"),
        ],
    )
    trades, result = tried(graph)
    assert trades == [(2, 5, 1.0, 90.0, 100.0, "signal"), (4, 5, 1.0, 90.0, 100.0, "signal")]
    assert result["metrics"]["final_equity"] == 1020.0


def test_a_wait_lets_the_next_action_run_later(tried):
    # Cheap at the close of day 1, so two closes later the order goes out: the open of day 4.
    graph = drawn(
        [*CHEAP, ("later", "wait", {"bars": 2}), ("buy", "action", UNIT)],
        [("close", "cheap", "left"), ("cheap", "later", "when"), ("later", "buy", "exec")],
    )
    trades, _ = tried(graph)
    assert trades == [(4, 7, 1.0, 90.0, 120.0, "end")]


def test_a_position_is_left_after_so_many_bars(tried):
    # In at the open of day 2; held for 3 bars at the close of day 5: out at the open of day 6.
    graph = drawn(
        [
            *CHEAP,
            ("enter", "entry", {"sizing": {"type": "units", "value": 2}}),
            ("position", "position", {}),
            ("old", "condition", {"operator": "gte", "right": 3}),
            ("leave", "exit", {}),
        ],
        [
            ("close", "cheap", "left"),
            ("cheap", "enter", "when"),
            ("position.bars_held", "old", "left"),
            ("old", "leave", "when"),
        ],
    )
    trades, result = tried(graph)
    assert trades == [(2, 6, 2.0, 90.0, 120.0, "signal")]
    shown = result["run"]
    assert (shown["status"], shown["trade_count"], shown["warnings"]) == ("completed", 1, [])


def test_an_indicator_over_the_position_is_refused_when_it_is_to_run(api, dip):
    graph = drawn(
        [
            *CHEAP,
            ("enter", "entry", {}),
            ("position", "position", {}),
            ("average", "indicator", {"name": "sma", "period": 3}),
            ("high", "condition", {"operator": "gt", "right": 0}),
            ("leave", "exit", {}),
        ],
        [
            ("close", "cheap", "left"),
            ("cheap", "enter", "when"),
            ("position.equity", "average", "source"),
            ("average", "high", "left"),
            ("high", "leave", "when"),
        ],
    )
    strategy = api.post("/api/v1/strategies", {"name": "x", "graph": graph}).json()
    assert not strategy["runnable"]
    assert {fault["node_id"] for fault in strategy["errors"]} == {"average"}
    body = {"strategy_id": strategy["id"], "symbols": ["DIP"], "start": "2020-01-01",
            "end": "2020-02-01", "capital": 1000}  # fmt: skip
    answer = api.post("/api/v1/backtests", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_runnable")


def test_a_run_on_a_longer_time_frame_says_where_its_data_went(tried, api, dip, work):
    store("LONG", daily_bars(100 + np.arange(60.0)))
    graph = drawn(
        [
            ("close", "price", {}),
            ("trend", "indicator", {"name": "sma", "period": 5, "timeframe": "1w"}),
            ("above", "condition", {"operator": "gt"}),
            ("enter", "entry", {}),
        ],
        [
            ("close", "trend", "source"),
            ("close", "above", "left"),
            ("trend", "above", "right"),
            ("above", "enter", "when"),
        ],
    )
    strategy = api.post("/api/v1/strategies", {"name": "x", "graph": graph}).json()
    body = {"strategy_id": strategy["id"], "symbols": ["LONG"], "start": "2020-01-01",
            "end": "2021-01-01", "capital": 1000}  # fmt: skip
    run = work(api.post("/api/v1/backtests", body).json())
    (warning,) = run.warnings
    # Five weeks are over with bar 34.
    assert (warning["code"], warning["node_id"]) == ("warmup_long", "trend")
    assert "at bar 34 of 60" in warning["message"]
    assert run.trades.get().entry_bar == 35
