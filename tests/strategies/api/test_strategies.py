from __future__ import annotations

import copy

import pytest

from strategies.api import examples
from strategies.selectors import strategy_get
from strategies.services import strategy_create

URL = "/api/v1/strategies"


def test_a_graph_becomes_a_strategy_with_a_version(api, user, graph):
    answer = api.post(URL, {"name": "EMA cross", "graph": graph})
    assert answer.status_code == 201
    body = answer.json()
    assert answer["Location"] == f"{URL}/{body['id']}/"
    assert (body["version"], body["runnable"], body["errors"], body["warnings"]) == (
        1,
        True,
        [],
        [],
    )
    assert body["graph"] == strategy_get(user.id, body["id"]).graph
    assert api.get(f"{URL}/{body['id']}/").json() == body
    assert body.keys() == examples.STRATEGY.keys()
    assert body["origin"].keys() == examples.STRATEGY["origin"].keys()


@pytest.mark.parametrize("example", examples.CREATE, ids=lambda example: example.summary or "")
def test_every_documented_way_to_create_a_strategy_works(api, strategy, example):
    body = copy.deepcopy(example.value)
    if "base_strategy" in body:
        body["base_strategy"] = str(strategy.id)
    answer = api.post(URL, body)
    assert answer.status_code == 201, answer.json()


def test_an_editors_spelling_is_stored_as_the_canonical_one(api, graph):
    flow = [
        {"id": node["id"], "type": node["type"], "data": {"params": node["params"]}}
        for node in graph["nodes"]
    ]
    connections = [
        {"source": edge["source"], "target": edge["target"], "targetHandle": edge["target_port"]}
        for edge in graph["edges"]
    ]
    body = {"name": "x", "nodes": flow, "connections": connections}
    sent = {**body, "parameters": graph["parameters"], "settings": graph["settings"]}
    drawn = api.post(URL, sent).json()["graph"]
    assert drawn == api.post(URL, {"name": "x", "graph": graph}).json()["graph"]


def test_all_faults_of_a_graph_are_told_at_once_where_they_are(api, graph):
    graph["nodes"][1]["type"] = "indicatr"
    graph["edges"][7]["target"] = "nobody"
    graph["parameters"][0]["default"] = 1
    answer = api.post(URL, {"name": "x", "graph": graph})
    assert answer.status_code == 422
    details = answer.json()["details"]
    paths = {detail["path"]: detail.get("node_id") for detail in details}
    assert paths["graph.nodes[1].type"] == "fast_ema"
    assert "graph.parameters[0].default" in paths
    assert any(path.startswith("graph.edges[7]") for path in paths)


def test_faults_of_nodes_at_the_top_are_told_without_a_graph_in_the_path(api):
    answer = api.post(URL, {"name": "x", "nodes": [{"id": "a", "type": "nonsense"}]})
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == "nodes[0].type"


def test_an_incomplete_graph_is_stored_and_told_what_it_lacks(api, graph):
    graph["edges"].pop()
    body = api.post(URL, {"name": "x", "graph": graph}).json()
    assert (body["version"], body["runnable"]) == (None, False)
    assert [fault["node_id"] for fault in body["errors"]] == ["leave"]
    assert body["errors"][0].keys() == examples.FAULT.keys()
    publish = api.post(f"{URL}/{body['id']}/publish")
    assert publish.status_code == 422
    assert publish.json()["code"] == "not_runnable"
    assert publish.json()["details"] == body["errors"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": "x", "grph": {}}, "grph"),
        ({"name": "x", "graph": []}, "graph"),
        ({"name": "x", "graph": None}, "graph"),
        ({"name": "x", "graph": {}, "template": "rsi"}, "template"),
        ({"name": "x", "edges": []}, "edges"),
        ({"name": "x" * 101, "graph": {}}, "name"),
        ({"template": "nope"}, "template"),
        ({"template": "rsi", "parameters": [1]}, "parameters"),
        ({"base_strategy": "7"}, "base_strategy"),
        ({"base_strategy": examples.STRATEGY_ID}, "base_strategy"),
        ([], ""),
    ],
)
def test_a_body_that_makes_no_sense_is_told_where(api, body, path):
    answer = api.post(URL, body)
    assert answer.status_code == 422, answer.json()
    assert path in [detail["path"] for detail in answer.json()["details"]]


def test_what_get_answered_can_be_put_back(api, strategy):
    url = f"{URL}/{strategy.id}"
    body = api.get(url).json()
    body["name"] = "Renamed"
    answer = api.put(url, body)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["name"] == "Renamed"
    assert answer.json()["graph"] == body["graph"]


def test_put_asks_for_the_whole_strategy_and_patch_does_not(api, strategy):
    url = f"{URL}/{strategy.id}"
    assert api.put(url, {"name": "b"}).status_code == 422
    assert api.patch(url, {"name": "b"}).json()["name"] == "b"
    changed = api.patch(url, {"parameters": {"fast": 30}}).json()
    assert changed["graph"]["parameters"][0]["default"] == 30
    assert (changed["version"], changed["latest_version"]) == (None, 1)


def test_if_match_keeps_a_stale_client_from_overwriting(api, strategy):
    url = f"{URL}/{strategy.id}"
    tag = api.get(url)["ETag"]
    assert api.patch(url, {"name": "b"}, headers={"If-Match": tag}).status_code == 200
    stale = api.patch(url, {"name": "c"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_revision")
    assert api.patch(url, {"name": "c"}, headers={"If-Match": "x"}).status_code == 400


def test_deleting_is_204_or_the_archived_strategy(api, strategy):
    child = api.post(URL, {"base_strategy": str(strategy.id)}).json()
    assert child["origin"]["base_strategy"] == str(strategy.id)
    answer = api.delete(f"{URL}/{strategy.id}")
    assert (answer.status_code, answer.json()["archived"]) == (200, True)
    assert [row["id"] for row in api.get(URL).json()["results"]] == [child["id"]]
    assert api.delete(f"{URL}/{child['id']}").status_code == 204
    assert api.get(f"{URL}/{child['id']}").status_code == 404


def test_validate_tells_all_faults_and_saves_nothing(api, strategy, graph):
    url = f"{URL}/{strategy.id}/validate"
    nothing = {"errors": [], "warnings": [], "symbols": [], "timeframes": []}
    assert api.post(url).json() == {"valid": True, **nothing}
    graph["edges"].pop()
    graph["nodes"][2]["params"]["period"] = -1
    body = api.post(url, {"graph": graph, "parameters": {"nope": 1}}).json()
    assert not body["valid"]
    assert {"graph.nodes[2].params.period", "parameters.nope"} <= {
        fault["path"] for fault in body["errors"]
    }
    assert {fault.get("node_id") for fault in body["errors"]} >= {"slow_ema", "leave"}
    assert api.get(f"{URL}/{strategy.id}").json()["runnable"]


def test_validate_tells_which_other_bars_a_run_needs(api, strategy, graph):
    url = f"{URL}/{strategy.id}/validate"
    graph["nodes"][0]["params"] |= {"symbol": "spy"}
    graph["nodes"][2]["params"]["timeframe"] = "1 week"
    body = api.post(url, {"graph": graph}).json()
    assert (body["valid"], body["symbols"], body["timeframes"]) == (True, ["SPY"], ["1w"])
    graph["edges"].pop()
    assert api.post(url, {"graph": graph}).json()["symbols"] == []


def test_a_cycle_is_told_with_its_nodes(api, strategy, graph):
    graph["nodes"].append({"id": "a", "type": "math", "params": {"operation": "add"}})
    graph["nodes"].append({"id": "b", "type": "math", "params": {"operation": "add"}})
    for source, target, port in [("a", "b", "left"), ("b", "a", "left")]:
        graph["edges"].append({"source": source, "target": target, "target_port": port})
    body = api.post(f"{URL}/{strategy.id}/validate", {"graph": graph}).json()
    cycles = [fault for fault in body["errors"] if fault["code"] == "cycle"]
    assert cycles
    assert "'a'" in cycles[0]["message"] or "a" in str(cycles[0]["received"])


# --- lists -------------------------------------------------------------------------------------


def test_a_list_takes_one_query_however_long_it_is(api, user, strategy, django_assert_num_queries):
    for n in range(5):
        strategy_create(owner_id=user.id, name=f"s{n}")
    with django_assert_num_queries(1):
        rows = api.get(URL).json()["results"]
    assert len(rows) == 6
    assert "graph" not in rows[0]


def test_a_list_is_paged_newest_first(api, user):
    for n in range(5):
        strategy_create(owner_id=user.id, name=f"s{n}")
    page = api.get(URL, {"limit": 2}).json()
    names = [row["name"] for row in page["results"]]
    while page["next"]:
        page = api.get(page["next"]).json()
        names += [row["name"] for row in page["results"]]
    assert names == ["s4", "s3", "s2", "s1", "s0"]


def test_a_list_is_filtered_and_ordered_by_what_is_allowed(api, user, strategy):
    api.post(URL, {"template": "rsi", "name": "Alpha"})
    api.post(URL, {"base_strategy": str(strategy.id), "name": "Beta"})

    def names(**query):
        return [row["name"] for row in api.get(URL, query).json()["results"]]

    assert names(ordering="name") == ["Alpha", "Beta", "EMA cross"]
    assert names(template="RSI") == ["Alpha"]
    assert names(base_strategy=str(strategy.id)) == ["Beta"]
    assert names(search="cross ema") == ["EMA cross"]
    assert names(created_before="2020-01-01T00:00:00Z") == []
    assert names(archived="true") == []
    refused = api.get(URL, {"ordering": "graph"})
    assert refused.status_code == 422
    assert "-updated_at" in refused.json()["message"]
    assert api.get(URL, {"base_strategy": "7"}).status_code == 422


# --- versions ----------------------------------------------------------------------------------


def test_versions_are_published_listed_shown_and_compared(api, strategy):
    url = f"{URL}/{strategy.id}"
    assert api.post(f"{url}/publish").status_code == 200
    api.patch(url, {"parameters": {"fast": 30}})
    draft = api.get(f"{url}/versions/diff").json()
    assert (draft["from"], draft["to"]) == (1, "draft")
    published = api.post(f"{url}/publish")
    assert published.status_code == 201
    assert published["Location"] == f"{url}/versions/2/"

    rows = api.get(f"{url}/versions").json()["results"]
    assert [row["number"] for row in rows] == [2, 1]
    assert "graph" not in rows[0]
    first = api.get(f"{url}/versions/1").json()
    assert first.keys() == {*examples.VERSION, "graph"}
    assert first["graph"] == strategy.graph
    diff = api.get(f"{url}/versions/diff", {"from": 1, "to": 2}).json()
    assert diff["parameters"]["changed"] == {"fast": {"default": {"from": 20, "to": 30}}}
    assert draft["parameters"] == diff["parameters"]
    assert diff.keys() == examples.DIFF.keys()
    assert api.get(f"{url}/versions/3").status_code == 404
    assert api.get(f"{url}/versions/diff", {"from": "x"}).status_code == 422


def test_a_fork_is_a_strategy_of_its_own(api, strategy):
    body = api.post(f"{URL}/{strategy.id}/fork", {"name": "Mine"}).json()
    assert body["name"] == "Mine"
    assert body["origin"]["forked_from"] == str(strategy.id)
    assert body["graph"] == strategy.graph
    assert body["version"] == 1
