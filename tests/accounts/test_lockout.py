from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from core.accounts.models import AuditEvent, User
from tests.accounts.people import PASSWORD, address_new, client_new, email_new, log_in

pytestmark = pytest.mark.django_db


def guess(client, email, password="not the password"):
    return client.post("/api/v1/auth/login", {"email": email, "password": password})


def test_the_fifth_wrong_password_locks_the_door_for_fifteen_minutes(client, user):
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        answers = [guess(client, user.email) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401] * 4 + [429]
        clock.shift(timedelta(minutes=5))
        # The right password does not help, and knocking does not make it longer.
        locked = guess(client, user.email, PASSWORD)
        assert locked.status_code == 429
        assert locked.headers["Retry-After"] == "600"
        body = locked.json()
        assert body.keys() == {"code", "message", "details", "request_id"}
        assert body["code"] == "rate_limited"
        clock.shift(timedelta(minutes=10, seconds=1))
        assert guess(client, user.email, PASSWORD).status_code == 200
    (event,) = AuditEvent.objects.filter(action="locked_out")
    assert (event.owner, event.data) == (user, {"email": user.email})


def test_a_lockout_is_for_one_email_at_one_address_however_it_is_written(client, user):
    for number in range(5):
        guess(client, user.email.upper() if number % 2 else user.email)
    assert guess(client, user.email.title(), PASSWORD).status_code == 429
    assert log_in(user.email).status_code == 200
    other = User.objects.create_user(email_new(), PASSWORD)
    assert guess(client, other.email, PASSWORD).status_code == 200


def test_a_log_in_forgets_the_failures_before_it(client, user):
    for _ in range(2):
        assert [guess(client, user.email).status_code for _ in range(4)] == [401] * 4
        assert guess(client, user.email, PASSWORD).status_code == 200


def test_an_unknown_email_is_locked_out_just_as_a_known_one(user):
    def told(email):
        client = client_new()
        answers = [guess(client, email) for _ in range(6)]
        return [(answer.status_code, answer.json()["message"]) for answer in answers]

    assert told(user.email) == told(email_new())


def test_the_address_of_the_client_cannot_be_made_up(client, user):
    for number in range(5):
        body = {"email": user.email, "password": "not the password"}
        headers = {"X-Forwarded-For": f"10.1.1.{number}"}
        answer = client.post("/api/v1/auth/login", body, headers=headers)
    assert answer.status_code == 429


def test_the_admin_is_locked_too(user):
    User.objects.filter(id=user.id).update(is_staff=True)
    client = client_new()
    body = {"username": user.email, "password": "not the password"}
    answers = [client.post("/admin/login/", body, format="multipart") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 890
    # One door: the API knows of it.
    assert guess(client, user.email, PASSWORD).status_code == 429


@pytest.mark.django_db(transaction=True)
async def test_the_answer_is_the_same_where_requests_are_coroutines():
    address = address_new()

    class Elsewhere(AsyncClient):
        def _base_scope(self, **request):
            return super()._base_scope(**request) | {"client": [address, 0]}

    client = Elsewhere()
    body = {"email": email_new(), "password": "not the password"}
    for _ in range(5):
        answer = await client.post("/api/v1/auth/login", body, content_type="application/json")
    assert answer.status_code == 429
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) > 890
    await sync_to_async(connections.close_all)()
