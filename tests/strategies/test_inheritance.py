"""A strategy on a base: pinned, with its own nodes and defaults, and told of newer versions."""

from __future__ import annotations

import copy

import pytest

from core.errors import InvalidInput
from strategies.drafts import GraphSource
from strategies.inheritance import nodes_replace
from strategies.services import strategy_create, strategy_fork, strategy_update, version_pin

URL = "/api/v1/strategies"
SLOW_SMA = {"type": "indicator", "params": {"name": "sma", "period": 200}}


def node_of(graph, name):
    return next(node for node in graph["nodes"] if node["id"] == name)


def base_publish(strategy, change):
    """Publish another version of the base."""
    graph = copy.deepcopy(strategy.graph)
    change(graph)
    changed = strategy_update(
        owner_id=strategy.owner_id, strategy_id=strategy.id, source=GraphSource(graph=graph)
    )
    return version_pin(strategy=changed)


def exit_short_too(graph):
    node_of(graph, "leave")["params"] = {"fraction": 0.5}


@pytest.fixture
def child(api, strategy):
    body = {"base_strategy": str(strategy.id), "parameters": {"fast": 12},
            "replace_nodes": {"slow_ema": SLOW_SMA}, "name": "Child"}  # fmt: skip
    answer = api.post(URL, body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_child_takes_the_graph_of_its_base_with_its_own_node_and_default(api, child, strategy):
    assert child["runnable"]
    assert node_of(child["graph"], "slow_ema")["params"] == {"name": "sma", "period": 200}
    assert child["graph"]["parameters"][0]["default"] == 12
    assert child["graph"]["edges"] == strategy.graph["edges"]
    others = [node for node in child["graph"]["nodes"] if node["id"] != "slow_ema"]
    assert others == [node for node in strategy.graph["nodes"] if node["id"] != "slow_ema"]
    assert child["origin"]["overrides"] == {
        "parameters": {"fast": 12},
        "nodes": {"slow_ema": SLOW_SMA},
    }
    origin = child["origin"]
    assert (origin["base_version"], origin["base_latest"], origin["base_outdated"]) == (1, 1, False)


def test_a_child_is_told_of_a_newer_base_and_stays_as_it_is(api, child, strategy):
    base_publish(strategy, exit_short_too)
    now = api.get(f"{URL}/{child['id']}").json()
    origin = now["origin"]
    assert (origin["base_version"], origin["base_latest"], origin["base_outdated"]) == (1, 2, True)
    assert now["graph"] == child["graph"]
    assert now["revision"] == child["revision"]


def test_the_changes_are_made_again_on_the_newer_base(api, child, strategy):
    base_publish(strategy, exit_short_too)
    answer = api.patch(f"{URL}/{child['id']}", {"base_version": 2})
    assert answer.status_code == 200, answer.json()
    now = answer.json()
    assert node_of(now["graph"], "leave")["params"]["fraction"] == 0.5
    assert node_of(now["graph"], "slow_ema")["params"]["name"] == "sma"
    assert now["graph"]["parameters"][0]["default"] == 12
    assert (now["origin"]["base_version"], now["origin"]["base_outdated"]) == (2, False)
    back = api.patch(f"{URL}/{child['id']}", {"base_version": 1}).json()
    assert back["graph"] == child["graph"]


def test_later_changes_are_remembered_too(api, child, strategy):
    url = f"{URL}/{child['id']}"
    assert api.patch(url, {"parameters": {"fast": 15}}).status_code == 200
    enter = {"type": "entry", "params": {"side": "short"}}
    changed = api.patch(url, {"replace_nodes": {"enter": enter}}).json()
    assert changed["origin"]["overrides"]["parameters"] == {"fast": 15}
    assert set(changed["origin"]["overrides"]["nodes"]) == {"slow_ema", "enter"}
    base_publish(strategy, exit_short_too)
    now = api.patch(url, {"base_version": 2}).json()
    assert node_of(now["graph"], "enter")["params"]["side"] == "short"
    assert now["graph"]["parameters"][0]["default"] == 15


def test_edits_by_hand_are_not_lost_below_a_newer_base(api, child, strategy):
    url = f"{URL}/{child['id']}"
    graph = copy.deepcopy(child["graph"])
    node_of(graph, "up")["params"] = {"operator": "gt"}
    assert api.patch(url, {"graph": graph}).status_code == 200
    base_publish(strategy, exit_short_too)
    refused = api.patch(url, {"base_version": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "edited")
    assert node_of(api.get(url).json()["graph"], "up")["params"]["operator"] == "gt"
    # Named again, the base begins anew, with the changes that are sent and no others.
    anew = api.patch(url, {"base_strategy": str(strategy.id), "parameters": {"fast": 9}}).json()
    assert anew["origin"]["overrides"] == {"parameters": {"fast": 9}, "nodes": {}}
    assert node_of(anew["graph"], "slow_ema")["params"]["name"] == "ema"


def test_moving_a_node_on_the_canvas_is_no_edit(api, child, strategy):
    url = f"{URL}/{child['id']}"
    graph = copy.deepcopy(child["graph"])
    graph["nodes"][0]["position"] = {"x": 1, "y": 2}
    assert api.patch(url, {"graph": graph}).status_code == 200
    base_publish(strategy, exit_short_too)
    assert api.patch(url, {"base_version": 2}).status_code == 200


def test_a_fork_of_a_child_is_a_child_with_the_same_changes(child, strategy, user):
    fork = strategy_fork(owner_id=user.id, strategy_id=child["id"])
    base_publish(strategy, exit_short_too)
    moved = strategy_update(
        owner_id=user.id, strategy_id=fork.id, source=GraphSource(base_version=2)
    )
    assert node_of(moved.graph, "slow_ema")["params"]["name"] == "sma"


def test_what_a_child_replaces_may_be_gone_from_a_newer_base(api, child, strategy):
    def rename(graph):
        for node in graph["nodes"]:
            node["id"] = node["id"].replace("slow_ema", "trend")
        for edge in graph["edges"]:
            edge["source"] = edge["source"].replace("slow_ema", "trend")
            edge["target"] = edge["target"].replace("slow_ema", "trend")
        node_of(graph, "trend")["params"]["period"] = 60

    base_publish(strategy, rename)
    answer = api.patch(f"{URL}/{child['id']}", {"base_version": 2})
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert (detail["path"], detail["code"]) == ("replace_nodes.slow_ema", "unknown_node")


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        ({"slow": SLOW_SMA}, "replace_nodes.slow"),
        ({"slow_ema": "sma"}, "replace_nodes.slow_ema"),
        ({"slow_ema": {"type": "smaa"}}, "replace_nodes.slow_ema.type"),
        ({"slow_ema": {**SLOW_SMA, "id": "x"}}, "replace_nodes.slow_ema.id"),
        ({"slow_ema": {}}, "replace_nodes.slow_ema.type"),
        ([SLOW_SMA], "replace_nodes"),
    ],
)
def test_a_replacement_that_makes_no_sense_is_told_where(api, strategy, nodes, path):
    answer = api.post(URL, {"base_strategy": str(strategy.id), "replace_nodes": nodes})
    assert answer.status_code == 422, answer.json()
    assert path in [detail["path"] for detail in answer.json()["details"]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"base_version": 1}, "base_version"),
        ({"replace_nodes": {"slow_ema": SLOW_SMA}}, "replace_nodes"),
        ({"template": "rsi", "replace_nodes": {"rsi": SLOW_SMA}}, "replace_nodes"),
    ],
)
def test_without_a_base_there_is_nothing_to_replace_or_to_move_to(api, strategy, body, path):
    answer = api.patch(f"{URL}/{strategy.id}", body)
    assert answer.status_code == 422
    assert [detail["path"] for detail in answer.json()["details"]] == [path]
    created = api.post(URL, {"name": "x", **body})
    assert created.status_code == 422, created.json()


def test_a_version_that_the_base_does_not_have_is_told(api, child):
    answer = api.patch(f"{URL}/{child['id']}", {"base_version": 7})
    assert answer.status_code == 422
    assert "newest is 1" in answer.json()["message"]


def test_a_replaced_node_keeps_its_place_on_the_canvas(strategy):
    graph = copy.deepcopy(strategy.graph)
    node_of(graph, "slow_ema")["position"] = {"x": 7.0, "y": 8.0}
    replaced = nodes_replace(graph, {"slow_ema": SLOW_SMA})
    assert node_of(replaced, "slow_ema")["position"] == {"x": 7.0, "y": 8.0}
    assert node_of(graph, "slow_ema")["params"]["name"] == "ema", "the base's own stays"
    with pytest.raises(InvalidInput) as caught:
        nodes_replace(graph, {"a": SLOW_SMA, "b": SLOW_SMA})
    assert len(caught.value.details) == 2


def test_a_child_runs_its_own_version(child, strategy, user):
    both = [strategy_create(owner_id=user.id, source=GraphSource(base_strategy=strategy.id,
            nodes={"slow_ema": SLOW_SMA})) for _ in range(2)]  # fmt: skip
    assert both[0].graph_hash == both[1].graph_hash != strategy.graph_hash
    assert version_pin(strategy=both[0]).number == 1
