from __future__ import annotations

import pytest

from strategies.api import examples

URL = "/api/v1/strategies"


@pytest.fixture
def draft(api):
    body = api.post(URL, {"name": "Step by step"}).json()
    return f"{URL}/{body['id']}"


def add(api, url, body):
    answer = api.post(url, body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_strategy_built_call_by_call_runs(api, draft):
    fast = add(api, f"{draft}/indicators", {"name": "ema", "params": {"period": 20}})
    slow = add(api, f"{draft}/indicators", {"type": "EMA", "period": 50})
    up = add(
        api,
        f"{draft}/conditions",
        {"operator": "crosses_above", "left": fast["node_id"], "right": slow["node_id"]},
    )
    down = add(
        api,
        f"{draft}/conditions",
        {"operator": "crosses_below", "left": fast["node_id"], "right": slow["node_id"]},
    )
    assert up["node"] == {
        "id": up["node_id"],
        "type": "condition",
        "params": {"operator": "crosses_above"},
    }
    add(api, f"{draft}/actions", {"operation": "buy", "when": up["node_id"]})
    last = add(api, f"{draft}/actions", {"operation": "close", "when": down["node_id"]})
    body = api.get(draft).json()
    assert body["runnable"], body["errors"]
    assert body["revision"] == last["revision"] == 7
    assert last.keys() == examples.INDICATOR_ADDED.keys()
    assert api.post(f"{draft}/publish").status_code == 201


def test_every_documented_step_works(api, draft):
    add(api, f"{draft}/indicators", {"name": "ema", "params": {"period": 50}, "id": "ema_2"})
    add(api, f"{draft}/indicators", {"name": "rsi"})
    for name, steps in [
        ("indicators", examples.INDICATOR_STEPS),
        ("conditions", examples.CONDITION_STEPS),
        ("actions", examples.ACTION_STEPS),
    ]:
        for example in steps:
            add(api, f"{draft}/{name}", example.value)


def test_an_edge_can_be_added_and_a_node_removed(api, draft):
    add(api, f"{draft}/indicators", {"name": "ema", "id": "fast"})
    condition = add(api, f"{draft}/conditions", {"operator": "gt", "right": 10, "id": "high"})
    assert [warning["code"] for warning in condition["warnings"]] == ["required"]
    edge = {"source": "fast", "target": "high", "target_port": "left"}
    assert add(api, f"{draft}/edges", edge)["node_id"] == "high"
    assert api.post(f"{draft}/edges", {"source": "fast", "target": "nobody"}).status_code == 422

    assert api.delete(f"{draft}/nodes/fast").status_code == 204
    assert api.delete(f"{draft}/nodes/fast").status_code == 404
    graph = api.get(draft).json()["graph"]
    assert "fast" not in str(graph)


@pytest.mark.parametrize(
    ("part", "body", "path"),
    [
        ("indicators", {"name": "emma"}, "name"),
        ("indicators", {"name": "ema", "params": {"period": 0}}, "period"),
        ("indicators", {"name": "ema", "source": "nobody"}, "source"),
        ("conditions", {"operator": "crosses", "left": 1, "right": 2}, "operator"),
        ("actions", {"operation": "buy", "when": "nobody"}, "when"),
        ("indicators", [], None),
        ("conditions", [], None),
        ("actions", [], None),
        ("edges", [], None),
        ("edges", {}, "source"),
    ],
)
def test_a_wrong_step_is_told_where_and_changes_nothing(api, draft, part, body, path):
    answer = api.post(f"{draft}/{part}", body)
    assert answer.status_code == 422, answer.json()
    if path:
        assert path in [
            detail["path"].removeprefix("params.") for detail in answer.json()["details"]
        ]
    assert api.get(draft).json()["revision"] == 1


def test_a_stale_tab_is_told_before_it_appends(api, draft):
    stale = api.get(draft)["ETag"]
    first = api.post(f"{draft}/indicators", {"name": "ema"}, headers={"If-Match": stale})
    assert first.status_code == 201
    assert first["ETag"] == '"2"'
    second = api.post(f"{draft}/indicators", {"name": "ema"}, headers={"If-Match": stale})
    assert second.status_code == 409
