from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connections
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from core.accounts.models import AuditEvent, User
from core.accounts.tasks import prune
from core.accounts.tokens import SessionToken
from core.realtime.push import SESSIONS_ENDED
from tests.accounts.people import PASSWORD, Session, client_new, log_in

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_of_eight_refreshes_at_once_of_one_token_exactly_one_wins(email):
    user = User.objects.create_user(email, PASSWORD)
    refresh = str(SessionToken.issue(user))
    start = threading.Barrier(8)
    answers = []

    def attempt() -> None:
        client = client_new()
        start.wait()
        try:
            answers.append(client.post("/api/v1/auth/refresh", {"refresh": refresh}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert OutstandingToken.objects.filter(user=user).count() == 2
    # The seven others were near enough in time to be windows of one browser: nobody is logged out.
    assert Session(client_new(), **winner).get("me").status_code == 200


def test_a_refresh_token_is_good_once_and_the_next_pair_goes_on(session):
    following = session.rotate()
    assert following.refresh != session.refresh
    again = session.client.post("/api/v1/auth/refresh", {"refresh": session.refresh})
    assert again.status_code == 401
    assert again.json()["code"] == "token_not_valid"
    assert again.headers["WWW-Authenticate"].startswith("Bearer")
    assert following.get("me").status_code == 200
    # An access token of the session lives on through a rotation.
    assert session.get("me").status_code == 200


def test_a_refresh_token_that_comes_back_much_later_ends_its_session(session, user):
    following = session.rotate()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31), tick=False):
        assert following.get("me").status_code == 200
        session.client.post("/api/v1/auth/refresh", {"refresh": session.refresh})
        assert following.get("me").status_code == 401
        answer = session.client.post("/api/v1/auth/refresh", {"refresh": following.refresh})
        assert answer.status_code == 401
    assert AuditEvent.objects.filter(owner=user, action="refresh_reused").count() == 1


@pytest.mark.parametrize("fate", ["deleted", "inactive"])
def test_a_user_who_is_gone_gets_a_401_for_every_token(session, user, fate):
    if fate == "deleted":
        user.delete()
    else:
        User.objects.filter(id=user.id).update(is_active=False)
    answer = session.client.post("/api/v1/auth/refresh", {"refresh": session.refresh})
    assert answer.status_code == 401
    assert session.get("me").status_code == 401


def test_logging_out_ends_one_session_with_all_its_tokens(login):
    first, second = login(), login()
    later = first.rotate()
    answer = first.client.post("/api/v1/auth/logout", {"refresh": later.refresh})
    assert answer.status_code == 204
    assert first.get("me").status_code == later.get("me").status_code == 401
    refreshed = first.client.post("/api/v1/auth/refresh", {"refresh": later.refresh})
    assert refreshed.status_code == 401
    assert second.get("me").status_code == 200
    # To do it again changes nothing.
    again = first.client.post("/api/v1/auth/logout", {"refresh": later.refresh})
    assert again.status_code == 204


@pytest.mark.parametrize("method", ["get", "post"])
def test_logging_out_by_the_access_token_ends_its_session_too(session, method):
    assert getattr(session, method)("auth/logout").status_code == 204
    assert session.get("me").status_code == 401
    answer = session.client.post("/api/v1/auth/refresh", {"refresh": session.refresh})
    assert answer.status_code == 401


def test_logging_out_works_with_an_expired_access_token_in_the_header(session):
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        assert session.get("me").status_code == 401
        assert session.post("auth/logout", {"refresh": session.refresh}).status_code == 204


def test_logging_out_without_any_token_is_a_401(client):
    assert client.post("/api/v1/auth/logout").status_code == 401
    answer = client.post("/api/v1/auth/logout", {"refresh": "münchhausen"})
    assert answer.status_code == 401


def test_logout_all_ends_every_session_within_the_same_second(
    login, user, monkeypatch, django_capture_on_commit_callbacks
):
    pushed = []
    monkeypatch.setattr("core.realtime.services.push", lambda **frame: pushed.append(frame))
    sessions = [login(), login()]
    with django_capture_on_commit_callbacks(execute=True):
        assert sessions[0].post("auth/logout-all").status_code == 204
    for session in sessions:
        assert session.get("me").status_code == 401
        answer = session.client.post("/api/v1/auth/refresh", {"refresh": session.refresh})
        assert answer.status_code == 401
    assert pushed == [{"user_id": user.id, "frame": SESSIONS_ENDED}]
    # A new log-in is good at once, whatever the clock's grain.
    assert login().get("me").status_code == 200


def test_a_refresh_that_races_with_logout_all_brings_nobody_back(session, user):
    stale = User.objects.get(id=user.id)
    session.post("auth/logout-all")
    minted = SessionToken.issue(stale).pair
    assert Session(client_new(), minted.access, minted.refresh).get("me").status_code == 401


def test_an_access_token_names_issuer_and_audience_and_lives_ten_minutes(session):
    claims = jwt.decode(session.access, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("algobacktester", "algobacktester-api")
    assert claims["exp"] - claims["iat"] == 600


@pytest.mark.parametrize("change", [{"aud": "another"}, {"iss": "another"}, {"exp": 1}])
def test_a_token_for_somebody_else_or_of_the_past_is_refused(session, change):
    claims = jwt.decode(session.access, options={"verify_signature": False}) | change
    session.access = jwt.encode(claims, settings.JWT_SIGNING_KEY, "HS256")
    answer = session.get("me")
    assert answer.status_code == 401
    assert answer.json()["code"] == "token_not_valid"


def test_a_token_without_session_or_of_the_wrong_kind_is_refused(session, user):
    bare = AccessToken.for_user(user)
    for token in (str(bare), session.refresh, "abc", "a.b.c"):
        session.access = token
        assert session.get("me").status_code == 401
    for refresh in (str(bare), session.access, str(RefreshToken.for_user(user))):
        for path in ("refresh", "logout"):
            answer = session.client.post(f"/api/v1/auth/{path}", {"refresh": refresh})
            assert answer.status_code == 401


def test_the_database_holds_no_token_that_could_be_used(session):
    session.rotate()
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_a_request_with_a_token_costs_one_query(session, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert session.get("me").status_code == 200


def test_pruning_forgets_expired_tokens_only(session):
    session.rotate()
    prune()
    assert OutstandingToken.objects.count() == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, seconds=1), tick=False):
        prune()
    assert OutstandingToken.objects.count() == BlacklistedToken.objects.count() == 0


def test_logging_in_is_in_the_audit_log_and_notes_the_time(user):
    log_in(user.email.upper())
    assert AuditEvent.objects.get(owner=user).action == "logged_in"
    user.refresh_from_db()
    assert user.last_login is not None
