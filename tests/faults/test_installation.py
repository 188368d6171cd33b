"""A whole installation: its worker is killed, Redis is wiped, a hundred requests wait.

All in one file: whoever runs it starts one installation.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import requests

WAITING = 100
FORM = {
    "ticker": "GOOG",
    "strategy": "SMA",
    "startDate": "2004-08-19",
    "endDate": "2013-03-01",
    "capital": 10_000,
}


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


def busy_connections(installation):
    """How many connections somebody holds a transaction or a query on, ours not counted."""
    with installation.database() as connection:
        query = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
        return connection.execute(query).fetchone()[0]


def test_waiting_requests_hold_no_connection_and_delay_nobody(installation, eventually):
    url = f"{installation.base_url}/api/v1/backtest"
    headers = {**installation.session.headers, "Prefer": "wait=30"}
    with ThreadPoolExecutor(WAITING) as pool:
        with installation.workers_frozen():
            waiting = [
                pool.submit(requests.post, url, json=FORM, headers=headers, timeout=90)
                for _ in range(WAITING)
            ]
            with installation.database() as connection:
                count = "SELECT count(*) FROM backtests_backtestrun WHERE status = 'queued'"
                eventually(lambda: connection.execute(count).fetchone()[0] == WAITING, seconds=40)
            assert not any(answer.done() for answer in waiting)
            # The pool has ten connections: these need one each, a hundred waiting ones have none.
            for _ in range(20):
                assert installation.call("GET", "backtests?limit=1")["results"]
            eventually(lambda: busy_connections(installation) == 0, seconds=10)
        answers = [answer.result() for answer in waiting]
    assert [answer.status_code for answer in answers] == [200] * WAITING
    assert len({answer.json()["id"] for answer in answers}) == WAITING
