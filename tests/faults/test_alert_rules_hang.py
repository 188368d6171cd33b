"""A rule that takes too long is switched off, and alerts of others leave meanwhile."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

pytestmark = [
    # It computes for a minute beside an installation: the other tests would slow both down.
    pytest.mark.skipif("ALERTS_HANG" not in os.environ, reason="one of `make faults`"),
]
BARS = 20_000
HEAVY = 200  # averages of deviations over thousands of bars: a minute on all of them
AT_MOST_S = 5.0


def bars(count):
    """A minute each, up and down."""
    first = datetime(2024, 1, 1, tzinfo=UTC)
    rows = ["ts,open,high,low,close,volume"]
    for number in range(count):
        price = 100 + number % 7
        at = (first + timedelta(minutes=number)).isoformat()
        rows.append(f"{at},{price},{price + 1},{price - 1},{price},10")
    return "\n".join(rows).encode()


def heavy_graph():
    nodes, edges = [], []
    for number in range(HEAVY):
        period = 4000 + number
        nodes.append(
            {"id": f"c{number}", "type": "indicator", "params": {"name": "cci", "period": period}}
        )
        nodes.append(
            {"id": f"b{number}", "type": "condition", "params": {"operator": "gt", "right": 9e9}}
        )
        edges += [
            {"source": f"c{number}", "target": f"b{number}", "target_port": "left"},
            {"source": f"b{number}", "target": "any", "target_port": f"in_{number + 1}"},
        ]
    nodes += [
        {"id": "any", "type": "logic", "params": {"operator": "or"}},
        {"id": "enter", "type": "entry"},
        {"id": "leave", "type": "exit"},
    ]
    edges += [
        {"source": "any", "target": "enter", "target_port": "when"},
        {"source": "any", "target": "leave", "target_port": "when"},
    ]
    return {"nodes": nodes, "edges": edges}


def import_bars(installation, count):
    answer = requests.post(
        f"{installation.base_url}/api/v1/imports",
        headers=installation.session.headers,
        files={"file": ("bars.csv", bars(count), "text/csv")},
        data={"symbol": "HANG", "interval": "1m", "calendar": "24/7", "replace": "true"},
        timeout=60,
    )
    assert answer.ok, answer.text


@pytest.fixture
def served(installation):
    """The installation once its workers take tasks: the web server answers some seconds before.

    Until then every alert waits for a worker to come, whatever rules there are.
    """
    deadline = time.monotonic() + 60
    while requests.get(f"{installation.base_url}/readyz", timeout=10).status_code != 200:
        assert time.monotonic() < deadline, "the workers have not come"
        time.sleep(0.2)
    return installation


@pytest.fixture
def other(installation):
    """Somebody else, with a mailbox: calls the API and tells how long each message took."""

    class Other:
        def __init__(self):
            self.session = requests.Session()
            self.session.headers["Authorization"] = f"Bearer {installation._register()}"
            channel = self.call("POST", "channels", {"kind": "email", "address": "o@example.com"})
            with installation.database() as connection:
                connection.execute(
                    "UPDATE notifications_userchannel SET verified_at = now() WHERE id = %s",
                    [channel["id"]],
                )

        def call(self, method, path, body=None):
            url = f"{installation.base_url}/api/v1/{path}"
            answer = self.session.request(method, url, json=body, timeout=60)
            assert answer.ok, answer.text
            return answer.json()

        def waits(self):
            rows = self.call("GET", "notifications/history?channel=smtp_email&limit=200")["results"]
            for row in rows:
                (mail,) = (one for one in row["deliveries"] if one["kind"] == "smtp_email")
                until = mail["sent_at"] or datetime.now(tz=UTC).isoformat()
                passed = datetime.fromisoformat(until) - datetime.fromisoformat(row["created_at"])
                yield passed.total_seconds()

    return Other()


def test_a_rule_that_hangs_delays_no_alert_of_another_by_more_than_5_s(served, other):
    import_bars(served, BARS)
    strategy = served.call("POST", "strategies", {"name": "heavy", "graph": heavy_graph()})
    began = time.monotonic()
    rule = served.call(
        "POST",
        "alert-rules",
        {
            "event": "condition.met",
            "symbol": "HANG",
            "interval": "1m",
            "condition": {"strategy_id": strategy["id"], "node": "any"},
        },
    )
    assert time.monotonic() - began < AT_MOST_S, "it is not computed while its owner waits"
    import_bars(served, BARS + 1)
    deadline = time.monotonic() + 60
    while served.call("GET", f"alert-rules/{rule['id']}")["enabled"]:
        assert time.monotonic() < deadline, "the rule hangs still"
        other.call("POST", "notifications/alerts", {"message": "x", "channels": ["email"]})
        time.sleep(0.3)
    time.sleep(1)
    waits = list(other.waits())
    assert len(waits) > 5
    assert max(waits) < AT_MOST_S
    told = served.call("GET", "notifications/history?event=rule.disabled")["results"]
    assert told[0]["data"]["rule_id"] == rule["id"]
