"""Orders that wait for a day, exits by moving guards, and alerts: through runs and proofs."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.core.management import call_command

from core.backtests import choices
from core.backtests.alerts import LISTED_AT_MOST, alert_rows
from core.backtests.models import Trade
from core.backtests.prefix import fills_proof
from core.backtests.replay import plan_replay
from core.backtests.reproduction import run_find, run_reproduce
from core.backtests.simulation import graph_simulate
from core.backtests.trade_rows import REASONS
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.result import ExitReason
from market.calendars import sessions_for
from notifications.models import Alert
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.services import strategy_create
from tests.backtests.conftest import daily_bars
from tests.backtests.test_surroundings import csv_of
from tests.backtests.test_whole_way import drawn

HOUR_NS = 3_600 * 10**9
# Of 2020-01-06 in Sydney, open from 23:00 to 05:00 UTC.
OPENS = 1_578_265_200 * 10**9
SYDNEY = Context(
    interval="1h",
    sessions=sessions_for("XASX", first_ts=OPENS, last_ts=OPENS + 6 * HOUR_NS),
)


def sydney_sessions():
    """Two sessions of six hours from 23:00 UTC on; the fourth bar of the second falls to 90."""
    hundred = np.full(12, 100.0)
    lows = hundred.copy()
    lows[9] = 90.0
    return Bars.from_arrays(
        ts=OPENS + np.array([*range(6), *range(24, 30)]) * HOUR_NS,
        open=hundred,
        high=hundred,
        low=lows,
        close=hundred,
        volume=hundred,
    )


def day_buyer():
    """At the session's first bar it bids 95 for the day."""
    bid = {"operation": "buy", "order_type": "limit", "price": 95, "time_in_force": "day",
           "sizing": {"type": "units", "value": 1}}  # fmt: skip
    return drawn(
        [
            ("time", "time", {}),
            ("first", "condition", {"operator": "eq", "right": 0}),
            ("bid", "action", bid),
        ],
        [("time.minutes_since_open", "first", "left"), ("first", "bid", "when")],
    )


def simulated(document, bars, context, **config):
    graph = graph_parse(document)
    return graph_simulate(
        graph=graph_document(graph),
        graph_hash=graph_hash(graph),
        parameters={},
        bars=bars,
        config=RunConfig.from_mapping(config),
        periods_per_year=252.0,
        context=context,
    )


def test_an_order_for_a_day_lives_as_long_as_the_session_not_the_day_of_utc():
    # Midnight of UTC lies between each bid and the end of its session.
    result = simulated(day_buyer(), sydney_sessions(), SYDNEY).result
    assert [(fill["bar"], fill["price"]) for fill in result.fills][:1] == [(9, 95.0)]
    assert result.counters["expired"] == 1


def test_proofs_know_the_sessions_as_well():
    plan = graph_compile(graph_parse(day_buyer()), interval="1h")
    bars = sydney_sessions()
    proof = fills_proof(plan=plan, bars=bars, config=RunConfig(), cuts=[5, 7, 9], context=SYDNEY)
    assert (proof.ok, proof.fills) == (True, 1)
    replay = plan_replay(plan=plan, bars=bars, config=RunConfig(), context=SYDNEY)
    assert (replay.status, replay.trades) == ("equal", 1)


# --- reasons -----------------------------------------------------------------------------------


def test_every_reason_of_the_engine_is_a_word_of_the_database():
    assert [REASONS[reason] for reason in ExitReason] == [reason.label for reason in ExitReason]
    field = Trade._meta.get_field("exit_reason")
    assert max(len(word) for word in choices.ExitReason.values) <= field.max_length


def guarded(**guard):
    """Buys at the first close and holds under a guard; tells of each close above 100."""
    return drawn(
        [
            ("close", "price", {}),
            ("always", "condition", {"operator": "gt", "right": 0}),
            ("high", "condition", {"operator": "gt", "right": 100}),
            ("enter", "entry", {"sizing": {"type": "units", "value": 1}, **guard}),
            ("tell", "action", {"operation": "alert", "message": "Above 100."}),
        ],
        [
            ("close", "always", "left"),
            ("close", "high", "left"),
            ("always", "enter", "when"),
            ("high", "tell", "when"),
        ],
    )


@pytest.fixture
def tried(user, tiny, new_run, work):
    """Return a function that runs a graph on the five days of TINY as a worker does."""

    def run(graph):
        strategy = strategy_create(owner_id=user.id, name="x", graph=graph)
        done = work(new_run("TINY", strategy.id))
        assert done.status == "completed", done.error_message
        return done

    return run


@pytest.mark.parametrize(
    ("guard", "reason"),
    [
        ({"trailing": {"type": "percent", "value": 0.1}}, "trailing_stop"),
        ({"time_stop": 2}, "time_stop"),
    ],
)
def test_a_guard_that_moves_or_counts_is_stored_shown_and_reproduced(api, tried, guard, reason):
    run = tried(guarded(**guard))
    shown = api.get(f"/api/v1/backtests/{run.id}/trades").json()["results"]
    assert shown[0]["exit_reason"] == reason
    assert run_reproduce(run=run_find(run.id)).identical


# --- alerts ------------------------------------------------------------------------------------


def test_alerts_are_listed_with_the_result_and_compared_when_it_is_reproduced(api, tried):
    # 100, 110, 121, 99, 108.9
    run = tried(guarded())
    body = api.get(f"/api/v1/backtests/{run.id}/results").json()
    assert body["alert_count"] == 3
    days = ["2020-01-07", "2020-01-08", "2020-01-10"]
    assert body["alerts"] == [
        {"time": f"{day}T00:00:00Z", "bar": bar, "node_id": "tell", "message": "Above 100."}
        for day, bar in zip(days, [1, 2, 4], strict=True)
    ]
    assert not Alert.objects.filter(text__contains="Above 100.").exists()
    assert run_reproduce(run=run_find(run.id)).identical
    run.curve.alerts = body["alerts"][:2]
    run.curve.save()
    (mismatch,) = run_reproduce(run=run_find(run.id)).mismatches
    assert mismatch.what == "alerts"


def test_a_result_without_alerts_does_not_speak_of_them(api, done):
    assert (
        not {"alerts", "alert_count"}
        & api.get(f"/api/v1/backtests/{done.id}/results").json().keys()
    )


def test_the_command_line_lists_the_first_alerts_and_counts_them_all(tmp_path):
    count = LISTED_AT_MOST + 5
    (tmp_path / "bars.csv").write_text(csv_of(daily_bars([100.0] + [101.0] * count)))
    (tmp_path / "graph.json").write_text(json.dumps(guarded()))

    def run(kind):
        out = io.StringIO()
        call_command("backtest", "--graph", str(tmp_path / "graph.json"), "--bars",
                     str(tmp_path / "bars.csv"), "--format", kind, stdout=out)  # fmt: skip
        return out.getvalue()

    output = json.loads(run("json"))
    assert (len(output["alerts"]), output["alert_count"]) == (LISTED_AT_MOST, count)
    assert output["alerts"][0]["node_id"] == "tell"
    table = run("table")
    assert "Above 100." in table
    assert f"… and {count - 20} more alerts" in table


def test_an_alert_in_a_group_is_told_by_its_path():
    inner = guarded()
    tell = inner["nodes"].pop()
    inner["edges"].pop()
    group = {"nodes": [tell], "edges": [], "outputs": [],
             "inputs": [{"name": "when", "node": "tell", "port": "when"}]}  # fmt: skip
    inner["nodes"].append({"id": "telling", "type": "group", "params": group})
    inner["edges"].append({"source": "high", "target": "telling", "target_port": "when"})
    found = simulated(inner, daily_bars([100.0, 110.0]), Context())
    assert [row["node_id"] for row in alert_rows(found.plan, found.result.alerts)] == [
        "telling/tell"
    ]
