"""Connecting accounts, going live, limits and the kill switch, over the API."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from rest_framework.test import APIClient

from brokers.access import access_of
from brokers.choices import AccountState, OrderStatus
from brokers.models import BrokerAccount, Order, RiskDecision
from brokers.services.accounts import credentials_reseal
from core.accounts.models import AuditEvent
from tests.venue.alpaca import AlpacaVenue

pytestmark = pytest.mark.django_db
API = "/api/v1"
ALPACA = {
    "kind": "alpaca", "name": "Practice", "credentials": {"key_id": "key", "secret": "secret"},
}  # fmt: skip


@pytest.fixture
def venue(settings):
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        settings.BROKER_TIMEOUT_S = 1.0
        settings.BROKER_RATES = {}
        venue.exchange.prices["GOOG"] = 100
        yield venue


@pytest.fixture
def account_path(client):
    answer = client.post(f"{API}/broker-accounts", ALPACA, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.headers["Location"].rstrip("/")


def test_credentials_are_encrypted_and_never_told(client, account_path):
    account = BrokerAccount.objects.get()
    assert b"secret" not in bytes(account.sealed).replace(b'"secret', b"")
    shown = client.get(account_path)
    assert shown.json()["has_credentials"] is True
    assert "credentials" not in shown.json()
    assert access_of(account).credentials == ALPACA["credentials"]
    assert "secret" not in repr(access_of(account))


def test_credentials_of_another_account_open_nothing(client, account_path):
    first = BrokerAccount.objects.get()
    second = BrokerAccount.objects.create(
        owner_id=first.owner_id, kind="alpaca", name="Stolen", sealed=first.sealed
    )
    assert client.post(f"{API}/broker-accounts/{second.id}/test").status_code == 422


def test_a_new_master_key_rewraps_credentials_and_the_old_one_is_not_needed(
    client, account_path, settings
):
    settings.CREDENTIALS_KEYS = [Fernet.generate_key().decode()]
    old, new = settings.CREDENTIALS_KEYS[0], Fernet.generate_key().decode()
    client.put(f"{account_path}/credentials", {"credentials": ALPACA["credentials"]}, format="json")
    settings.CREDENTIALS_KEYS = [new, old]
    assert credentials_reseal() == 1
    settings.CREDENTIALS_KEYS = [new]
    assert access_of(BrokerAccount.objects.get()).credentials == ALPACA["credentials"]


@pytest.mark.parametrize(
    ("credentials", "path"),
    [
        ({"key_id": "key"}, "credentials.secret"),
        ({"key_id": "key", "secret": "s", "pin": "1"}, "credentials.pin"),
    ],
)
def test_credentials_the_broker_does_not_want_are_named(client, credentials, path):
    body = ALPACA | {"credentials": credentials}
    answer = client.post(f"{API}/broker-accounts", body, format="json")
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == path


def test_the_connection_is_tested(client, account_path, venue):
    found = client.post(f"{account_path}/test").json()
    assert (found["connected"], found["balance"]["equity"]) == (True, "1000000")
    venue.faults.token_expired = True
    found = client.post(f"{account_path}/test").json()
    assert (found["connected"], found["balance"]) == (False, None)


def test_going_live_needs_the_password_again_and_is_in_the_audit_log(client, account_path):
    wrong = client.post(f"{account_path}/live", {"password": "guess"}, format="json")
    assert wrong.status_code == 422
    assert not BrokerAccount.objects.get().live
    right = {"password": "correct horse battery"}
    assert client.post(f"{account_path}/live", right, format="json").json()["live"] is True
    actions = AuditEvent.objects.order_by("created_at").values_list("action", flat=True)
    assert list(actions) == [
        "broker_account_connected", "broker_live_refused", "broker_live_enabled",
    ]  # fmt: skip


def test_a_paper_account_never_becomes_live(client):
    body = {"kind": "paper", "name": "Mine", "initial_cash": "5000"}
    path = client.post(f"{API}/broker-accounts", body, format="json").headers["Location"]
    right = {"password": "correct horse battery"}
    assert client.post(f"{path}live", right, format="json").status_code == 422


def test_the_kill_switch_halts_blocks_and_cancels(client, stored_bars):
    body = {
        "symbol": "GOOG", "trade_type": "buy", "quantity": "1", "order_type": "limit",
        "limit_price": "10",
    }  # fmt: skip
    assert client.post(f"{API}/trades/execute", body, format="json").status_code == 202
    stopped = client.post(f"{API}/kill-switch", {"reason": "panic"}, format="json").json()
    assert stopped == {"accounts": 1, "canceled": 1, "pending": 0}
    assert Order.objects.get().status == OrderStatus.CANCELED
    assert BrokerAccount.objects.get().state == AccountState.HALTED
    assert client.post(f"{API}/trades/execute", body, format="json").status_code == 409
    assert AuditEvent.objects.get().action == "kill_switch"
    path = f"{API}/broker-accounts/{BrokerAccount.objects.get().id}"
    assert client.patch(path, {"state": "active"}, format="json").json()["state"] == "active"
    assert client.post(f"{API}/trades/execute", body, format="json").status_code == 202


def test_an_order_beyond_a_limit_is_kept_as_denied_with_its_reason(client, stored_bars):
    limits = {"symbol": "goog", "max_order_value": "1000"}
    assert client.put(f"{API}/risk-limits", limits, format="json").status_code == 200
    body = {"symbol": "GOOG", "trade_type": "buy", "quantity": "2"}
    trade = client.post(f"{API}/trades/execute", body, format="json").json()
    assert (trade["status"], trade["reason_code"]) == ("denied", "order_value")
    assert "1612.38" in trade["reason"]
    decision = RiskDecision.objects.get()
    assert (decision.admitted, decision.code) == (False, "order_value")
    body["quantity"] = "1"
    assert client.post(f"{API}/trades/execute", body, format="json").json()["status"] == "created"
    (limit,) = client.get(f"{API}/risk-limits").json()["results"]
    assert client.delete(f"{API}/risk-limits/{limit['id']}").status_code == 204


def test_accounts_are_listed_by_kind_after_their_brokers_were_asked_too(
    client, venue, account_path
):
    assert client.post(f"{account_path}/test").status_code == 200
    for kind, count in (("alpaca", 1), ("paper", 0)):
        listed = client.get(f"{API}/broker-accounts?kind={kind}")
        assert listed.status_code == 200
        assert len(listed.json()["results"]) == count


def test_limits_of_what_is_not_yours_are_not_set(client, other, stored_bars):
    stranger = APIClient()
    stranger.force_authenticate(other)
    graph = stranger.post(f"{API}/strategies", {"template": "buy_and_hold"}, format="json").json()
    wanted = {"strategy_id": graph["id"], "symbol": "GOOG", "capital": "1000"}
    theirs = stranger.post(f"{API}/deployments", wanted, format="json").json()["id"]
    for deployment_id in (theirs, graph["id"]):
        limits = {"deployment_id": deployment_id, "max_order_value": "1000"}
        assert client.put(f"{API}/risk-limits", limits, format="json").status_code == 404
    assert client.get(f"{API}/risk-limits").json()["results"] == []


def test_open_orders_are_listed_apart_from_those_that_have_ended(client, stored_bars):
    client.put(f"{API}/risk-limits", {"symbol": "AAPL", "max_order_value": "1"}, format="json")
    for symbol in ("GOOG", "AAPL"):
        body = {"symbol": symbol, "trade_type": "buy", "quantity": "1"}
        client.post(f"{API}/trades/execute", body, format="json")
    for asked, symbol in (("true", "GOOG"), ("false", "AAPL")):
        (order,) = client.get(f"{API}/trades?open={asked}").json()["results"]
        assert order["symbol"] == symbol


def test_symbols_that_are_allowed_are_written_as_orders_write_them(client, stored_bars):
    limits = {"allowed_symbols": [" goog "]}
    answer = client.put(f"{API}/risk-limits", limits, format="json")
    assert answer.json()["allowed_symbols"] == ["GOOG"]
    body = {"symbol": "GOOG", "trade_type": "buy", "quantity": "1"}
    assert client.post(f"{API}/trades/execute", body, format="json").json()["status"] == "created"


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("get", "", {}), ("patch", "", {"state": "halted"}), ("delete", "", {}),
        ("put", "/credentials", {"credentials": {"key_id": "k", "secret": "s"}}),
        ("post", "/test", {}), ("post", "/live", {"password": "x"}),
        ("post", "/sync", {"adopt": True}),
    ],
)  # fmt: skip
def test_anothers_account_is_not_there(account_path, other, method, rest, body):
    stranger = APIClient()
    stranger.force_authenticate(other)
    answer = getattr(stranger, method)(f"{account_path}{rest}", body, format="json")
    assert answer.status_code == 404
    body = {"account_id": account_path.rsplit("/", 1)[1]}
    assert stranger.post(f"{API}/kill-switch", body, format="json").status_code == 404


def test_a_paper_account_has_terms_of_its_own_which_are_checked_as_numbers(client):
    def connect(**terms):
        body = {"kind": "paper", "name": "Costs", "initial_cash": "5000", "paper_terms": terms}
        return client.post(f"{API}/broker-accounts", body, format="json")

    for name, value in (("borrow_rate", "-1"), ("spread", "1.5"), ("per_unit", "NaN")):
        answer = connect(**{name: value})
        assert answer.status_code == 422, answer.json()
        assert answer.json()["details"][0]["path"] == f"paper_terms.{name}"
    terms = {"slippage_bps": 5, "borrow_rate": "0.030", "financing_rate": "0.05"}
    shown = connect(**terms, preset="alpaca").json()
    assert shown["paper_terms"] == {
        "fill": "quote", "slippage_bps": "5", "borrow_rate": "0.03", "financing_rate": "0.05",
        "preset": "alpaca",
    }  # fmt: skip
