"""A list is narrowed by what was asked for, or the question is refused."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
ACCOUNT = "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11"


@pytest.fixture
def client(django_user_model):
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("known@example.com", "x" * 12))
    return client


@pytest.mark.parametrize(
    ("asked", "path", "said", "expected"),
    [
        ("trades?symbl=GOOG", "symbl", "Did you mean 'symbol'?", None),
        ("broker-accounts?ordering=name", "ordering", "There is no parameter 'ordering'", None),
        ("backtests?orderin=sharpe", "orderin", "Did you mean 'ordering'?", None),
        ("strategies?serch=x", "serch", "Did you mean 'search'?", None),
        ("channels?kinds=email", "kinds", "Did you mean 'kind'?", None),
        ("me/tokens?page=2", "page", "There are: cursor, format, limit.", None),
        ("bars?symbol=GOOG&intervall=1h", "intervall", "Did you mean 'interval'?", None),
        ("quality?symbol=GOOG&provder=x", "provder", "Did you mean 'provider'?", None),
        ("deployments?status=runing", "status", "'runing' is not possible", "running"),
        ("trades?status=open", "status", "'open' is not possible", "accepted"),
        ("backtests?status=done", "status", "'done' is not possible", "completed"),
        ("channels?enabled=maybe", "enabled", "'maybe' is not possible", "true"),
        ("trades?since=yesterday", "since", "write 2026-01-31T14:30:00Z", None),
    ],
)
def test_what_a_list_cannot_be_asked_is_refused_with_what_can(client, asked, path, said, expected):
    answer = client.get(f"/api/v1/{asked}")
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert detail["path"] == path
    assert said in detail["message"]
    if expected:
        assert expected in detail["expected"]
        assert detail["received"] == asked.partition("=")[2]


@pytest.mark.parametrize(
    "asked",
    [
        "trades?status=filled&limit=1&symbol=GOOG&format=json",
        "broker-accounts?kind=paper&state=active&live=false",
        f"deployments?status=running&symbol=goog&account_id={ACCOUNT}&strategy_id={ACCOUNT}",
        "backtests?status=completed&status=failed&ordering=-sharpe",
        "strategies?archived=true&ordering=name",
        "channels?enabled=True",
    ],
)
def test_what_is_documented_may_be_asked(client, asked):
    answer = client.get(f"/api/v1/{asked}")
    assert answer.status_code == 200
    assert answer.json()["results"] == []


def test_a_cursor_that_cannot_be_read_says_what_to_do(client):
    answer = client.get("/api/v1/trades?cursor=xxx")
    assert answer.status_code == 404
    assert answer.json()["code"] == "invalid_cursor"
    assert "'next'" in answer.json()["message"]
