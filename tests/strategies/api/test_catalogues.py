from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from strategies.graph.catalogue import node_catalogue

API = "/api/v1"


def test_the_palette_is_the_whole_catalogue(api):
    body = api.get(f"{API}/nodes").json()
    assert body == {"results": node_catalogue(), "next": None, "previous": None}


def test_indicators_are_listed_searched_and_shown_by_any_name(api):
    everything = api.get(f"{API}/indicators/").json()["results"]
    assert len(everything) > 150
    found = api.get(f"{API}/indicators", {"search": "EMA", "group": "overlap"}).json()["results"]
    assert "ema" in [spec["name"] for spec in found]
    assert {spec["group"] for spec in found} == {"overlap"}
    ema = api.get(f"{API}/indicators/EMA").json()
    assert ema["parameters"][0]["name"] == "period"
    missing = api.get(f"{API}/indicators/emma")
    assert missing.status_code == 404
    assert "ema" in missing.json()["message"]


@pytest.mark.parametrize("path", ["nodes", "indicators", "indicators?group=momentum"])
def test_a_client_that_has_the_catalogue_is_not_sent_it_again(api, path):
    first = api.get(f"{API}/{path}")
    assert (first.status_code, first["Cache-Control"]) == (200, "private, max-age=300")
    again = api.get(f"{API}/{path}", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    weak = api.get(f"{API}/{path}", headers={"If-None-Match": f'"old", W/{first["ETag"]}'})
    assert weak.status_code == 304
    stale = api.get(f"{API}/{path}", headers={"If-None-Match": '"old"'})
    assert (stale.status_code, stale.content) == (200, first.content)


def test_another_question_has_another_tag(api):
    tags = {
        api.get(f"{API}/indicators", query)["ETag"]
        for query in ({}, {"group": "momentum"}, {"group": "overlap"}, {"search": "ema"})
    }
    assert len(tags) == 4
    upper = api.get(f"{API}/indicators", {"search": "EMA"})
    assert upper["ETag"] in tags


def test_the_catalogue_is_built_once_a_process(api, monkeypatch):
    api.get(f"{API}/nodes")

    def rebuilt():
        raise AssertionError("the palette was built again")

    monkeypatch.setattr("strategies.api.views.catalogue.node_catalogue", rebuilt)
    assert api.get(f"{API}/nodes").status_code == 200


def test_every_template_makes_a_strategy_that_runs(api):
    templates = api.get(f"{API}/templates").json()["results"]
    assert {"sma_cross", "ema_cross", "rsi", "macd", "buy_and_hold"} <= {
        template["name"] for template in templates
    }
    for template in templates:
        shown = api.get(f"{API}/templates/{template['name'].upper()}").json()
        body = api.post(f"{API}/strategies", {"name": "x", "graph": shown["graph"]}).json()
        assert body["runnable"], template["name"]
        assert body["graph"] == shown["graph"]
    assert api.get(f"{API}/templates/nope").status_code == 404


@pytest.mark.parametrize(
    "path", ["nodes", "indicators", "indicators/ema", "templates", "strategies"]
)
def test_nobody_gets_in_without_a_token(path, db):
    assert APIClient().get(f"{API}/{path}").status_code == 401
