from __future__ import annotations

import re

import pytest
from rest_framework.test import APIClient

from strategies.api.urls import urlpatterns
from strategies.models import Strategy

# Every operation on a strategy, taken from the routes: a new one cannot be forgotten here.
OPERATIONS = [
    (method, pattern.pattern.regex.pattern)
    for pattern in urlpatterns
    if "strategy_id" in pattern.pattern.regex.groupindex
    for method in ("get", "put", "patch", "post", "delete")
    if hasattr(pattern.callback.cls, method)
]


def url_of(pattern: str, strategy_id: str) -> str:
    path = re.sub(r"\(\?P<strategy_id>.*?\{12\}\)", strategy_id, pattern)
    path = path.replace("(?P<node_id>[^/]{1,200})", "close")
    path = path.replace("(?P<number>[0-9]{1,9})", "1")
    return "/api/v1/" + path.removeprefix("^").removesuffix("/?$")


def test_the_routes_were_found():
    assert len(OPERATIONS) >= 15


@pytest.mark.parametrize(("method", "pattern"), OPERATIONS)
def test_another_users_strategy_is_not_there(strategy, stranger, method, pattern):
    client = APIClient()
    client.force_authenticate(stranger)
    body = {"name": "mine", "graph": {}} if method == "put" else {}
    answer = getattr(client, method)(url_of(pattern, str(strategy.id)), body)
    assert answer.status_code == 404, answer.content
    assert answer.json()["code"] == "not_found"
    now = Strategy.objects.get()
    assert (now.revision, now.owner_id) == (strategy.revision, strategy.owner_id)
