"""Kill the worker, wipe Redis: every run completes, once, with the same result."""

from __future__ import annotations

import time

import pytest
import redis


@pytest.fixture
def undisturbed(installation):
    run_id = installation.post_run()
    assert installation.finished(run_id, within_s=60)["status"] == "completed"
    return result_of(installation, run_id)


def result_of(installation, run_id):
    results = installation.call("GET", f"backtests/{run_id}/results")
    trades = installation.call("GET", f"backtests/{run_id}/trades?limit=200")["results"]
    return results["metrics"], [
        {name: value for name, value in trade.items() if name not in {"id", "run_id"}}
        for trade in trades
    ]


def test_a_run_whose_worker_is_killed_in_the_middle_completes_once(installation, undisturbed):
    with installation.database() as blocker:
        # The run can be claimed and computed, but its trades cannot be stored: it is in the middle.
        blocker.execute("LOCK TABLE backtests_trade IN EXCLUSIVE MODE")
        run_id = installation.post_run()
        installation.wait_for_status(run_id, "running")
        time.sleep(0.3)
        installation.workers_kill()
    run = installation.finished(run_id, within_s=90)
    assert (run["status"], run["attempts"]) == ("completed", 2)
    assert result_of(installation, run_id) == undisturbed
    with installation.database() as connection:
        count = "SELECT count(*) FROM backtests_trade WHERE run_id = %s"
        assert connection.execute(count, [run_id]).fetchone() == (len(undisturbed[1]),)
        done = "SELECT count(*) FROM realtime_event WHERE topic = %s AND type = 'run.completed'"
        assert connection.execute(done, [f"backtest:{run_id}"]).fetchone() == (1,)


def test_wiping_redis_with_runs_queued_loses_none(installation, undisturbed):
    server = redis.Redis.from_url(installation.environment["REDIS_URL"])
    with installation.workers_frozen():
        run_ids = [installation.post_run() for _ in range(20)]
        server.flushall()
    assert {installation.finished(run_id, within_s=90)["status"] for run_id in run_ids} == {
        "completed"
    }
    assert result_of(installation, run_ids[7]) == undisturbed
