from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from time import thread_time

import pytest
import time_machine
from celery.exceptions import Retry
from django.core.cache import cache

from core.accounts.models import AuditEvent, User
from core.accounts.tasks import mail_send
from core.outbox.models import OutboxMessage
from tests.accounts.people import NEW_PASSWORD, PASSWORD, client_new, email_new, log_in

pytestmark = pytest.mark.django_db

RESET = "/api/v1/auth/password-reset"
VERIFY = "/api/v1/auth/verify-email"


def token_in(mail):
    return mail.body.partition("token=")[2].split()[0]


@pytest.fixture
def reset_token(user, mails):
    client_new().post(RESET, {"email": user.email})
    return token_in(mails()[0])


def test_a_reset_by_mail_sets_the_password_and_ends_all_sessions(session, user, reset_token, mails):
    body = {"token": reset_token, "password": NEW_PASSWORD}
    assert client_new().post(f"{RESET}/confirm", body).status_code == 204
    assert session.get("me").status_code == 401
    assert log_in(user.email).status_code == 401
    assert log_in(user.email, NEW_PASSWORD).status_code == 200
    assert [mail.subject for mail in mails()] == ["Your password was changed"]
    user.refresh_from_db()
    # Whoever got the mail has the address.
    assert user.email_verified_at is not None
    assert AuditEvent.objects.filter(owner=user, action="password_reset").count() == 1


def test_a_reset_token_is_good_once_and_for_an_hour(user, reset_token):
    late = datetime.now(UTC) + timedelta(hours=1, seconds=2)
    with time_machine.travel(late, tick=False):
        answer = client_new().post(
            f"{RESET}/confirm", {"token": reset_token, "password": NEW_PASSWORD}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "token_not_valid")
    statuses = [
        client_new()
        .post(f"{RESET}/confirm", {"token": reset_token, "password": password})
        .status_code
        for password in ("short", NEW_PASSWORD, "yet another password")
    ]
    assert statuses == [422, 204, 422]
    assert log_in(user.email, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize("token", ["x", "x.y", f"{0:032}.c0-ffee", "\u00fc.-", "." * 4096])
def test_a_made_up_token_is_refused(user, token):
    body = {"token": token, "password": NEW_PASSWORD}
    assert client_new().post(f"{RESET}/confirm", body).status_code == 422
    assert client_new().post(VERIFY, {"token": token}).status_code == 422


def test_a_reset_lets_in_who_was_locked_out(client, user, reset_token):
    for _ in range(5):
        client.post("/api/v1/auth/login", {"email": user.email, "password": "wrong password"})
    client.post(f"{RESET}/confirm", {"token": reset_token, "password": NEW_PASSWORD})
    body = {"email": user.email, "password": NEW_PASSWORD}
    assert client.post("/api/v1/auth/login", body).status_code == 200


@pytest.mark.parametrize("path", [RESET, f"{VERIFY}/resend"])
def test_known_and_unknown_addresses_get_one_answer_and_cause_the_same_work(
    user, path, mails, django_assert_num_queries
):
    with django_assert_num_queries(4):
        known = client_new().post(path, {"email": user.email})
    with django_assert_num_queries(4):
        unknown = client_new().post(path, {"email": email_new()})
    assert known.status_code == unknown.status_code == 202
    assert known.json() == unknown.json()
    assert OutboxMessage.objects.count() == 2
    assert [mail.to for mail in mails()] == [[user.email]]


def test_a_known_and_an_unknown_email_take_as_long_to_refuse(user):
    def seconds(email):
        """Measure this thread's own work: other tests share the processor."""
        body = {"email": email, "password": "not the password"}
        client = client_new()
        started = thread_time()
        assert client.post("/api/v1/auth/login", body).status_code == 401
        return thread_time() - started

    seconds(user.email)
    pairs = [(seconds(user.email), seconds(email_new())) for _ in range(9)]
    known, unknown = zip(*pairs, strict=True)
    assert 0.7 < min(known) / min(unknown) < 1.4


def test_an_address_is_confirmed_by_its_mail_once_and_for_all(session, user, mails):
    session.client.post(f"{VERIFY}/resend", {"email": user.email})
    token = token_in(mails()[0])
    assert session.get("me").json()["email_verified"] is False
    assert [client_new().post(VERIFY, {"token": token}).status_code for _ in range(2)] == [204] * 2
    assert session.get("me").json()["email_verified"] is True
    assert AuditEvent.objects.filter(owner=user, action="email_verified").count() == 1
    # Once it is confirmed there is nothing to send.
    cache.clear()
    session.client.post(f"{VERIFY}/resend", {"email": user.email})
    assert mails() == []


def test_a_confirmation_is_too_old_after_three_days(user, mails):
    client_new().post(f"{VERIFY}/resend", {"email": user.email})
    token = token_in(mails()[0])
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3, seconds=2), tick=False):
        assert client_new().post(VERIFY, {"token": token}).status_code == 422


def test_asking_again_at_once_sends_no_second_mail(user, mails):
    for _ in range(3):
        client_new().post(RESET, {"email": user.email.upper()})
    assert len(mails()) == 1


def test_a_mail_repeats_nothing_that_a_stranger_wrote(mails, email):
    body = {"email": email, "password": PASSWORD, "name": "Win now at evil.example"}
    client_new().post("/api/v1/auth/register", body)
    (mail,) = mails()
    assert "evil" not in mail.subject + mail.body


def test_a_mail_server_that_is_away_is_tried_again_later(user, settings, monkeypatch):
    def away(*args, **kwargs):
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr("core.accounts.mails.send_mail", away)
    monkeypatch.setattr(mail_send, "retry", lambda **kwargs: Retry(exc=kwargs["exc"]))
    with pytest.raises(Retry):
        mail_send.run("password_reset", str(user.id))


def test_the_pages_behind_the_links_change_nothing_until_their_button_is_pressed(
    user, reset_token, mails
):
    client = client_new()
    page = client.get(f"{RESET}/page", {"token": reset_token})
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert reset_token in page.content.decode()
    body = {"token": reset_token, "password": "short"}
    refused = client.post(f"{RESET}/page", body, format="multipart")
    assert "too short" in refused.content.decode()
    body["password"] = NEW_PASSWORD
    done = client.post(f"{RESET}/page", body, format="multipart")
    assert "password was changed" in done.content.decode()
    assert log_in(user.email, NEW_PASSWORD).status_code == 200


def test_the_page_confirms_an_address(user, mails):
    client = client_new()
    client.post(f"{VERIFY}/resend", {"email": user.email})
    link = mails()[0].body.split("http://127.0.0.1:8000")[1].split()[0]
    assert client.get(link).status_code == 200
    user.refresh_from_db()
    assert user.email_verified_at is None
    client.post(f"{VERIFY}/page", {"token": link.partition("token=")[2]}, format="multipart")
    assert User.objects.get(id=user.id).email_verified_at is not None
