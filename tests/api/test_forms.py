"""A misspelt name is told: what is not read might have been a limit, an account, an expiry."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from brokers.models import Order, RiskLimit
from core.accounts.models import ApiToken

pytestmark = pytest.mark.django_db
ORDER = {"symbol": "GOOG", "trade_type": "buy", "quantity": "1"}


@pytest.fixture
def client(django_user_model):
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("known@example.com", "x" * 12))
    return client


@pytest.mark.parametrize(
    ("method", "path", "body", "misspelt", "meant"),
    [
        ("post", "trades/execute", ORDER, "limit_prce", "limit_price"),
        ("put", "risk-limits", {"max_order_value": "5"}, "max_daily_los", "max_daily_loss"),
        ("post", "me/tokens", {"name": "n", "scopes": ["read"]}, "expire_at", "expires_at"),
        ("post", "broker-accounts", {"kind": "paper", "name": "p"}, "paper_term", "paper_terms"),
        ("post", "universes", {"name": "u", "symbols": ["GOOG"]}, "descripton", "description"),
        ("post", "watches", {"symbol": "GOOG"}, "evry_s", "every_s"),
        ("post", "fetches", {"symbol": "GOOG"}, "intervall", "interval"),
        ("post", "deployments", {"symbol": "GOOG"}, "acount_id", "account_id"),
    ],
)
def test_a_misspelt_name_is_refused_and_the_right_one_named(
    client, method, path, body, misspelt, meant
):
    answer = getattr(client, method)(f"/api/v1/{path}", body | {misspelt: 1}, format="json")
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert (detail["path"], detail["code"]) == (misspelt, "unknown_field")
    assert f"Did you mean {meant!r}?" in detail["message"]
    for model in (Order, RiskLimit, ApiToken):
        assert not model.objects.exists()


def test_the_kill_switch_stops_whatever_else_is_said(client):
    answer = client.post("/api/v1/kill-switch", {"note": "now!"}, format="json")
    assert answer.status_code == 200
