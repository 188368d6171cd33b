from __future__ import annotations

import pytest

from core.accounts.models import AuditEvent
from tests.accounts.people import NEW_PASSWORD, PASSWORD, Session, client_new, log_in

pytestmark = pytest.mark.django_db


def test_the_profile_is_for_its_user_only(session, user):
    shown = session.get("me/").json()
    assert (shown["email"], shown["name"]) == (user.email, "Ada")
    assert "password" not in shown
    answer = client_new().get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_profile_changes_field_by_field(session):
    assert session.patch("me", {"time_zone": "America/New_York"}).status_code == 200
    assert session.patch("me", {"base_currency": "eur", "name": ""}).status_code == 200
    shown = session.get("me").json()
    assert (shown["time_zone"], shown["base_currency"], shown["name"]) == (
        "America/New_York",
        "EUR",
        "",
    )


def test_what_cannot_be_changed_is_refused_instead_of_ignored(session, user):
    body = {"name": "Eve", "email": "eve@example.com", "is_staff": True, "time_zone": "Nowhere"}
    paths = {detail["path"] for detail in session.patch("me", body).json()["details"]}
    assert paths == {"time_zone"}
    body["time_zone"] = "UTC"
    answer = session.patch("me", body)
    assert answer.status_code == 422
    assert {detail["path"] for detail in answer.json()["details"]} == {"email", "is_staff"}
    user.refresh_from_db()
    assert (user.name, user.is_staff) == ("Ada", False)


def test_a_new_password_ends_all_sessions_but_the_one_it_opens(login, user, mails):
    here, elsewhere = login(), login()
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = here.post("me/password", body)
    assert answer.status_code == 200
    assert here.get("me").status_code == elsewhere.get("me").status_code == 401
    assert Session(client_new(), **answer.json()).get("me").status_code == 200
    assert log_in(user.email).status_code == 401
    assert log_in(user.email, NEW_PASSWORD).status_code == 200
    assert AuditEvent.objects.filter(owner=user, action="password_changed").count() == 1
    assert [mail.subject for mail in mails()] == ["Your password was changed"]


@pytest.mark.parametrize(
    ("current", "new", "path"),
    [("not it", NEW_PASSWORD, "current_password"), (PASSWORD, "short", "new_password")],
)
def test_a_password_change_that_is_refused_changes_nothing(session, current, new, path):
    answer = session.post("me/password", {"current_password": current, "new_password": new})
    assert answer.status_code == 422
    assert {detail["path"] for detail in answer.json()["details"]} == {path}
    assert session.get("me").status_code == 200


def test_the_limits_are_those_of_the_settings(session, settings):
    rates = session.get("me/limits").json()["rates"]
    assert rates["read"] == {"limit": 1200, "period_s": 60}
    assert rates.keys() == settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].keys()
