"""A hundred requests that wait hold nothing that another one needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

WAITING = 100
FORM = {
    "ticker": "GOOG",
    "strategy": "SMA",
    "startDate": "2004-08-19",
    "endDate": "2013-03-01",
    "capital": 10_000,
}


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
