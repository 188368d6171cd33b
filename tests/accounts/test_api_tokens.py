from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.accounts.authentication import TokenAuthentication
from core.accounts.models import ApiToken, User
from core.api.models import IdempotencyKey
from tests.accounts.people import PASSWORD, Session, client_new, email_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(session):
    def token(*scopes, **more):
        answer = session.post("me/tokens", {"name": "notebook", "scopes": scopes, **more})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return token


def bearer(shown):
    return Session(client_new(), shown["token"], "")


def test_a_token_is_shown_once_and_only_its_hash_is_kept(session, make):
    shown = make("trade", "read")
    assert shown["token"].startswith("abt_")
    assert shown["scopes"] == ["read", "trade"]
    row = ApiToken.objects.get(id=shown["id"])
    assert row.token_hash == hashlib.sha256(shown["token"].encode()).hexdigest()
    (listed,) = session.get("me/tokens").json()["results"]
    assert listed == {key: value for key, value in shown.items() if key != "token"}


def test_a_token_reads_and_notes_when_it_was_used(make, session):
    shown = make("read")
    assert bearer(shown).get("me").status_code == 200
    assert session.get("me/tokens").json()["results"][0]["last_used_at"] is not None


def test_a_token_does_what_its_scopes_say(make):
    assert bearer(make("write")).get("me").json()["code"] == "scope_missing"
    assert bearer(make("read")).post("ws-ticket").status_code == 403
    assert bearer(make("write")).post("ws-ticket").status_code == 201


@pytest.mark.parametrize(
    ("method", "work", "scope"),
    [
        ("get", "trade", "read"),
        ("post", "run", "write"),
        ("post", "trade", "trade"),
        ("delete", {"DELETE": "trade"}, "trade"),
        ("post", {"DELETE": "trade"}, "write"),
    ],
)
def test_only_the_scope_that_a_request_needs_opens_the_door(user, make, method, work, scope):
    class View:
        pass

    View.work = work

    def attempt(*scopes):
        header = f"Bearer {make(*scopes)['token']}"
        http = getattr(APIRequestFactory(), method)("/", HTTP_AUTHORIZATION=header)
        request = Request(http, parser_context={"view": View()})
        return TokenAuthentication().authenticate(request)

    assert attempt(scope)[0] == user
    with pytest.raises(PermissionDenied, match=scope):
        attempt(*{"read", "write", "trade"} - {scope})


def test_a_token_cannot_manage_the_account_it_belongs_to(make):
    token = bearer(make("read", "write", "trade"))
    answers = [
        token.patch("me", {"name": "Eve"}),
        token.post("me/password", {"current_password": PASSWORD, "new_password": "x" * 20}),
        token.post("me/tokens", {"name": "more", "scopes": ["trade"]}),
        token.get("me/tokens"),
        token.post("auth/logout-all"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert token.get("auth/logout").status_code == 401


def test_a_token_ends_when_it_is_revoked_or_expires_or_its_owner_goes(make, session, user):
    revoked = make("read")
    assert session.delete(f"me/tokens/{revoked['id']}").status_code == 204
    assert bearer(revoked).get("me").status_code == 401
    assert session.delete(f"me/tokens/{revoked['id']}").status_code == 404
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    expiring = make("read", expires_at=tomorrow.isoformat())
    with time_machine.travel(tomorrow, tick=False):
        assert bearer(expiring).get("me").status_code == 401
    assert bearer(expiring).get("me").status_code == 200
    User.objects.filter(id=user.id).update(is_active=False)
    assert bearer(expiring).get("me").status_code == 401


def test_a_token_outlives_logout_all_because_programs_use_it(make, session):
    shown = make("read")
    session.post("auth/logout-all")
    assert bearer(shown).get("me").status_code == 200


def test_another_users_token_is_not_there(make):
    shown = make("read")
    email = email_new()
    User.objects.create_user(email, PASSWORD)
    body = {"email": email, "password": PASSWORD}
    answer = client_new().post("/api/v1/auth/login", body).json()
    other = Session(client_new(), answer["access"], answer["refresh"])
    assert other.get("me/tokens").json()["results"] == []
    assert other.delete(f"me/tokens/{shown['id']}").status_code == 404


def test_a_bad_request_for_a_token_says_what_is_wrong(session):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    body = {"name": "", "scopes": ["admin"], "expires_at": yesterday}
    details = session.post("me/tokens", body).json()["details"]
    assert {detail["path"] for detail in details} == {"name", "scopes", "expires_at"}
    empty = session.post("me/tokens", {"name": "x", "scopes": []}).json()
    assert {detail["path"] for detail in empty["details"]} == {"scopes"}


def test_no_answer_that_holds_a_secret_is_kept_for_an_idempotency_key(session, user):
    headers = {"Authorization": f"Bearer {session.access}", "Idempotency-Key": "once"}
    body = {"name": "x", "scopes": ["read"]}
    session.client.post("/api/v1/me/tokens", body, headers=headers)
    body = {"current_password": PASSWORD, "new_password": "another password"}
    session.client.post("/api/v1/me/password", body, headers=headers)
    assert not IdempotencyKey.objects.filter(owner=user).exists()
