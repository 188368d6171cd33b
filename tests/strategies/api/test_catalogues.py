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
