"""The same POST sent twice is done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test.client import encode_multipart
from django.utils import timezone
from rest_framework.test import APIClient

from core.api.idempotency import ABANDONED_AFTER, keys_prune
from core.api.models import IdempotencyKey
from core.realtime.models import Ticket

pytestmark = pytest.mark.django_db
URL = "/api/v1/ws-ticket"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")


@pytest.fixture
def client(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(client, key="k1", body=None):
    return client.post(URL, body or {}, format="json", headers={"Idempotency-Key": key})


def test_the_first_answer_is_given_again_and_the_work_is_done_once(client):
    first, second = post(client), post(client)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Content-Type"] == "application/json"
    assert Ticket.objects.count() == 1


def test_without_a_key_each_post_is_new(client):
    assert client.post(URL).content != client.post(URL).content


def test_another_body_under_the_same_key_is_refused(client):
    post(client)
    response = post(client, body={"other": 1})
    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"


def test_while_the_first_is_running_the_second_is_told_to_wait(client):
    post(client)
    IdempotencyKey.objects.update(status_code=None)
    response = post(client)
    assert response.status_code == 409
    assert response.json()["code"] == "idempotency_key_in_use"


def test_a_first_request_that_died_gives_its_key_free(client):
    post(client)
    IdempotencyKey.objects.update(
        status_code=None, updated_at=timezone.now() - ABANDONED_AFTER - timedelta(seconds=1)
    )
    assert post(client).status_code == 201
    assert Ticket.objects.count() == 2


def test_a_key_belongs_to_its_user(client, django_user_model):
    post(client)
    other = APIClient()
    other.force_authenticate(django_user_model.objects.create_user("other@example.com", "x" * 12))
    assert "Idempotency-Replayed" not in post(other).headers


def test_keys_are_forgotten_after_a_day(client):
    post(client)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert keys_prune() == 1


def test_a_fault_of_ours_gives_the_key_free_at_once(client, monkeypatch):
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("core.realtime.api.views.ticket_create", None)
        assert post(client).status_code == 500
    assert post(client).status_code == 201


def upload(client, csv, boundary):
    form = {"symbol": "NONE SUCH", "interval": "1d", "file": ContentFile(csv, "bars.csv")}
    return client.post(
        "/api/v1/imports",
        encode_multipart(boundary, form),
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Idempotency-Key": "k1"},
    )


def test_a_form_is_the_same_by_what_is_in_it(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    first = upload(client, b"x" * 5000, "one")
    assert (first.status_code, first.json()["code"]) == (422, "invalid")
    assert upload(client, b"x" * 5000, "other").headers["Idempotency-Replayed"] == "true"
    assert upload(client, b"y" * 5000, "one").json()["code"] == "idempotency_key_reused"
