from __future__ import annotations

import pytest

from core.accounts.models import AuditEvent, User
from core.outbox.models import OutboxMessage
from tests.accounts.people import PASSWORD, client_new, log_in

pytestmark = pytest.mark.django_db

URL = "/api/v1/auth/register"


def test_registering_opens_a_session_and_keeps_the_profile(client, email):
    body = {
        "email": email.upper(),
        "password": PASSWORD,
        "name": " Ada ",
        "time_zone": "Asia/Kolkata",
        "base_currency": "inr",
    }
    answer = client.post(URL, body)
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["user"] == {
        "id": str(User.objects.get(email=email).id),
        "email": email,
        "name": "Ada",
        "time_zone": "Asia/Kolkata",
        "base_currency": "INR",
        "email_verified": False,
        "created_at": shown["user"]["created_at"],
    }
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {shown['access']}"})
    assert me.json() == shown["user"]
    assert client.post("/api/v1/auth/refresh", {"refresh": shown["refresh"]}).status_code == 200


def test_a_password_is_kept_as_argon2id_with_its_spaces(client, email):
    assert client.post(URL, {"email": email, "password": f"  {PASSWORD} "}).status_code == 201
    stored = User.objects.get(email=email).password
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert log_in(email, PASSWORD).status_code == 401
    assert log_in(email, f"  {PASSWORD} ").status_code == 200


def test_all_faults_are_told_at_once_with_how_to_fix_them(client):
    body = {"email": "ada", "password": "x" * 1001, "time_zone": "Mars", "base_currency": "ZZZ"}
    answer = client.post(URL, body)
    assert answer.status_code == 422
    faults = {detail["path"]: detail["message"] for detail in answer.json()["details"]}
    assert faults.keys() == {"email", "password", "time_zone", "base_currency"}
    assert "Europe/Berlin" in faults["time_zone"]
    assert "ISO 4217" in faults["base_currency"]


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password_too_short"), ("1234567890123", "password_entirely_numeric")],
)
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(client, email, password, code):
    answer = client.post(URL, {"email": email, "password": password})
    assert answer.status_code == 422
    assert code in {detail["code"] for detail in answer.json()["details"]}
    assert {detail["path"] for detail in answer.json()["details"]} == {"password"}


def test_a_password_like_the_email_is_refused(client):
    body = {"email": "lovelace-ada@example.com", "password": "lovelace-ada"}
    details = client.post(URL, body).json()["details"]
    assert [detail["code"] for detail in details] == ["password_too_similar"]


def test_a_taken_address_is_refused_without_a_reason_and_its_owner_is_told(client, user, mails):
    answer = client.post(URL, {"email": user.email, "password": "another long password"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "registration_refused"
    (mail,) = mails()
    assert mail.to == [user.email]
    assert mail.subject == "You already have an account"
    assert log_in(user.email).status_code == 200
    assert AuditEvent.objects.filter(owner=user, action="registration_refused").count() == 1


def test_where_addresses_are_confirmed_first_known_and_new_ones_get_the_same_answer(
    settings, user, email, mails
):
    settings.REGISTRATION_CONFIRM = True
    new = f"new-{email}"
    answers = [
        client_new().post(URL, {"email": address, "password": PASSWORD}) for address in (email, new)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    # Neither can log in: an unconfirmed address is not told from a wrong password.
    refused = [log_in(new), log_in(email, "not the password")]
    assert [answer.status_code for answer in refused] == [401, 401]
    assert refused[0].json()["message"] == refused[1].json()["message"]
    token = mails()[1].body.partition("token=")[2].split()[0]
    assert client_new().post("/api/v1/auth/verify-email", {"token": token}).status_code == 204
    assert log_in(new).status_code == 200


def test_a_registration_is_in_the_audit_log_and_queues_one_mail(client, email):
    client.post(URL, {"email": email, "password": PASSWORD}, headers={"User-Agent": "curl/8"})
    user = User.objects.get(email=email)
    event = AuditEvent.objects.get(owner=user)
    assert (event.action, event.user_agent) == ("registered", "curl/8")
    (message,) = OutboxMessage.objects.filter(task="core.accounts.mail_send")
    # Ids only: no address, no token, no password.
    assert message.args == ["email_verify", str(user.id)]
