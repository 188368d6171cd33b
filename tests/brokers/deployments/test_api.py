"""A deployment's life over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from brokers.deployments.services import deployment_begin
from brokers.deployments.stopping import deployment_finish
from brokers.models import Deployment, DriftReport, Order
from core.realtime.models import Event
from notifications.models import Alert
from strategies.selectors import template_graph
from strategies.services import strategy_create


@pytest.fixture
def body(user, venue):
    graph = template_graph("sma_cross")[0]
    strategy = strategy_create(owner_id=user.id, name="Cross", graph=graph)
    return {
        "strategy_id": str(strategy.id),
        "account_id": str(venue.account.id),
        "symbol": "replay",
        "interval": "1d",
        "capital": "10000",
        "parameters": {"fast": 3, "slow": 8},
    }


def post(client, path, data=None):
    return client.post(f"/api/v1/deployments{path}", data or {}, format="json")


def test_it_is_created_started_paused_resumed_and_stopped(client, body, venue):
    made = post(client, "/", body)
    assert (made.status_code, made.data["status"]) == (201, "inactive")
    assert made.data["capital"] == "10000"
    own = f"/{made.data['id']}"
    assert post(client, f"{own}/pause/").status_code == 409
    assert post(client, f"{own}/start/").data["status"] == "starting"
    deployment_begin(deployment=Deployment.objects.get(), now=venue.over(29))
    shown = client.get(f"/api/v1/deployments{own}/")
    assert shown.data["status"] == "running"
    assert shown.data["next_close_at"] == venue.over(30).isoformat().replace("+00:00", "Z")
    assert post(client, f"{own}/start/").status_code == 409
    assert post(client, f"{own}/pause/").data["status"] == "paused"
    assert post(client, f"{own}/resume/").data["status"] == "running"
    assert post(client, f"{own}/stop/").data["status"] == "stopping"
    deployment_finish(deployment_id=Deployment.objects.get().id)
    assert client.get(f"/api/v1/deployments{own}/").data["status"] == "stopped"
    kinds = Event.objects.filter(topic=f"deployment:{made.data['id']}").values_list("data__status")
    assert [kind for (kind,) in kinds.order_by("seq")] == [
        "starting", "running", "paused", "running", "stopping", "stopped",
    ]  # fmt: skip
    assert Alert.objects.filter(event="deployment.changed").count() == 6


def warned(shown):
    return {warning["code"]: warning["message"] for warning in shown.data["warnings"]}


def test_it_is_told_what_it_will_miss_before_it_is_started(client, user, venue, body):
    made = post(client, "/", body | {"capital": "1000000.01", "interval": "5m"})
    told = warned(made)
    assert list(told) == ["no_bars", "not_watched", "above_account"]
    assert "no bars of REPLAY that make 5m bars" in told["no_bars"]
    assert "trades with 1000000.01, and Replay has 1000000.00 to buy" in told["above_account"]

    fitting = post(client, "/", body | {"capital": "1000000"})
    assert list(warned(fitting)) == ["not_watched"]

    own = f"/api/v1/deployments/{fitting.data['id']}/"
    watch = {"provider": "yfinance", "symbol": "REPLAY", "interval": "1h"}
    assert client.post("/api/v1/watches/", watch, format="json").status_code == 201
    assert warned(client.get(own)) == {}  # bars of hours make those of days

    assert client.post("/api/v1/kill-switch/", {}, format="json").status_code < 300
    account = f"/api/v1/broker-accounts/{venue.account.id}"
    halted = warned(client.get(own))["account_not_active"]
    assert f"sends nothing: POST {account}/resume" in halted


def test_bad_bodies_are_refused_with_what_is_wrong(client, body):
    assert post(client, "/", body | {"config": {"cash": 3}}).status_code == 422
    assert post(client, "/", body | {"parameters": {"fast": -1}}).status_code == 422
    assert post(client, "/", body | {"symbol": "NOPE"}).status_code == 422
    assert post(client, "/", body | {"capital": "0"}).status_code in (400, 422)
    assert not Deployment.objects.exists()


def test_another_user_sees_nothing_of_it(client, body, django_user_model):
    made = post(client, "/", body).data
    stranger = APIClient()
    stranger.force_authenticate(
        django_user_model.objects.create_user("other@example.com", "correct horse battery")
    )
    assert stranger.get("/api/v1/deployments/").data["results"] == []
    for path in ("", "signals/", "drift/"):
        assert stranger.get(f"/api/v1/deployments/{made['id']}/{path}").status_code == 404
    for path in ("start/", "stop/", "liquidate/"):
        assert post(stranger, f"/{made['id']}/{path}").status_code == 404


def test_too_few_bars_fail_it_with_the_number_it_takes(client, body, venue):
    made = post(client, "/", body | {"parameters": {"fast": 3, "slow": 100}}).data
    post(client, f"/{made['id']}/start/")
    deployment_begin(deployment=Deployment.objects.get(), now=venue.over(29))
    failed = Deployment.objects.get()
    assert failed.state == "failed"
    assert "bars before its first decision; 30" in failed.state_reason
    assert Alert.objects.filter(event="deployment.failed").exists()


def test_signals_and_drift_are_listed(client, body, venue):
    made = post(client, "/", body).data
    post(client, f"/{made['id']}/start/")
    deployment_begin(deployment=Deployment.objects.get(), now=venue.over(29))
    venue.bar(Deployment.objects.get(), 30)
    DriftReport.objects.create(
        deployment=Deployment.objects.get(),
        session=timezone.now().date() - timedelta(days=1),
        live_pnl=1.0,
        backtest_pnl=2.0,
        difference=-1.0,
        signal=0.0,
        data=0.0,
        timing=0.0,
        slippage=-1.0,
        fees=0.0,
    )
    (signal,) = client.get(f"/api/v1/deployments/{made['id']}/signals/").data["results"]
    assert signal["status"] == "decided"
    assert signal["bar_ts"].startswith("2024-01-31")
    (drift,) = client.get(f"/api/v1/deployments/{made['id']}/drift/").data["results"]
    assert drift["slippage"] == -1.0


def test_a_strategy_with_options_is_deployed_and_shows_its_contracts(client, user, venue, body):
    graph = template_graph("cash_secured_put")[0]
    strategy = strategy_create(owner_id=user.id, name="Puts", graph=graph)
    body |= {
        "strategy_id": str(strategy.id),
        "capital": "50000",
        "parameters": {"trend": 2, "days": 14},
        "config": {"options": {"spread": 0.04}},
    }
    made = post(client, "/", body)
    assert made.status_code == 201, made.data
    own = f"/{made.data['id']}"
    post(client, f"{own}/start/")
    deployment = Deployment.objects.get()
    deployment_begin(deployment=deployment, now=venue.over(29))
    deployment.refresh_from_db()
    for at in range(30, 38):
        venue.bar(deployment, at)
    rows = client.get(f"/api/v1/deployments{own}/signals/").data["results"]
    told = [row["decision"]["options"] for row in rows]
    assert {options["prices"] for options in told} == {"synthetic"}
    (opened, *_) = [one for options in told for one in options["orders"] if one["role"] == "open"]
    assert (opened["node_id"], opened["side"], opened["right"]) == ("sell_put", "sell", "put")
    day = opened["expiry"][2:].replace("-", "")
    assert opened["symbol"] == f"REPLAY{day}P{round(opened['strike'] * 1000):08d}"
    (held, *_) = [one for options in told for one in options["held"]]
    assert (held["node_id"], held["right"], held["quantity"]) == ("sell_put", "put", -1.0)
    worth = [options["value"] for options in told if options["held"]]
    assert all(value < 0 for value in worth)


def test_terms_of_options_are_checked_where_a_deployment_is_made(client, body):
    faulty = post(client, "/", body | {"config": {"options": {"spread": -1, "smile": True}}})
    assert faulty.status_code == 422
    paths = {one["path"] for one in faulty.data["details"]}
    assert paths == {"config.options.spread", "config.options.smile"}
    assert post(client, "/", body | {"config": {"options": None}}).status_code == 422


def test_an_account_is_not_removed_under_its_deployments(client, body, venue):
    made = post(client, "/", body).data
    path = f"/api/v1/broker-accounts/{venue.account.id}"
    told = client.delete(path)
    assert (told.status_code, told.json()["code"]) == (409, "has_deployments")
    assert made["name"] in told.json()["message"]
    assert client.delete(f"/api/v1/deployments/{made['id']}/").status_code == 204
    assert client.delete(path).status_code == 204


@pytest.mark.parametrize(("state", "status"), [("running", 409), ("stopped", 204)])
def test_an_account_with_a_history_is_removed_once_nothing_trades_on_it(
    client, body, venue, state, status
):
    post(client, "/", body)
    Deployment.objects.update(state=state)
    Order.objects.create(
        owner=venue.account.owner, account=venue.account, client_order_id="one", symbol="REPLAY",
        asset_type="stock", side="buy", quantity=1, status="filled",
    )  # fmt: skip
    assert client.delete(f"/api/v1/broker-accounts/{venue.account.id}").status_code == status
    venue.account.refresh_from_db()
    assert venue.account.state == ("halted" if status == 204 else "active")
