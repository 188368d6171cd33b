"""Limits are told before they are hit, and counted by class of work."""

from __future__ import annotations

import pytest
import redis
from django.core.cache import cache
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(django_user_model, monkeypatch):
    cache.clear()
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "write", "3/hour")
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("t@example.com", "x" * 12))
    return client


def test_the_fourth_of_three_allowed_requests_is_429_and_says_when_to_come_back(client):
    answers = [client.post("/api/v1/ws-ticket") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    left = [answer.headers["RateLimit-Remaining"] for answer in answers]
    assert left == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3600


def test_without_redis_requests_pass(client, monkeypatch):
    def away(*args, **kwargs):
        raise redis.ConnectionError

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCacheClient.add", away)
    monkeypatch.setattr("django.core.cache.backends.redis.RedisCacheClient.incr", away)
    assert [client.post("/api/v1/ws-ticket").status_code for _ in range(5)] == [201] * 5


def test_a_cache_wiped_between_two_commands_counts_from_nothing(client, monkeypatch):
    monkeypatch.setattr("django.core.cache.backends.redis.RedisCacheClient.add", lambda *_: False)
    assert client.post("/api/v1/ws-ticket").status_code == 201
