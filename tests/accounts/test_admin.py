from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core.accounts.choices import Action
from core.accounts.models import ApiToken, AuditEvent, User
from core.accounts.origin import Origin
from core.accounts.services.sessions import sessions_end_all
from tests.accounts.people import PASSWORD, email_new

pytestmark = pytest.mark.django_db

HERE = Origin(ip="127.0.0.1", user_agent="test")


@pytest.fixture
def staff():
    return User.objects.create_superuser(email_new(), PASSWORD)


@pytest.fixture
def browser(staff):
    client = Client()
    body = {"username": staff.email.upper(), "password": PASSWORD}
    assert client.post("/admin/login/?next=/admin/", body).status_code == 302
    return client


def test_staff_log_in_by_email_however_it_is_written_and_see_no_hash(browser, user):
    page = browser.get(reverse("admin:accounts_user_change", args=[user.id])).content.decode()
    assert user.email in page
    assert "argon2" not in page
    assert user.password.rsplit("$", 1)[1] not in page


def test_a_user_is_added_and_changed_by_email(browser, email):
    body = {
        "email": email.upper(),
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert browser.post(reverse("admin:accounts_user_add"), body).status_code == 302
    added = User.objects.get(email=email)
    assert added.check_password(PASSWORD)


@pytest.mark.parametrize("model", ["user", "auditevent", "apitoken"])
def test_the_lists_are_searched_in_a_fixed_number_of_queries(
    browser, staff, model, django_assert_max_num_queries
):
    for number in range(5):
        AuditEvent.objects.create(owner=staff, action=Action.LOGGED_IN)
        ApiToken.objects.create(
            owner=staff, name="x", prefix="abt_", token_hash=str(number), scopes=["read"]
        )
    url = reverse(f"admin:accounts_{model}_changelist")
    with django_assert_max_num_queries(9):
        assert browser.get(url, {"q": staff.email}).status_code == 200


def test_the_audit_log_can_only_be_read(browser, staff):
    event = AuditEvent.objects.create(owner=staff, action=Action.LOGGED_IN)
    change = reverse("admin:accounts_auditevent_change", args=[event.id])
    assert browser.get(change).status_code == 200
    assert browser.post(change, {"action": "registered"}).status_code == 403
    delete = reverse("admin:accounts_auditevent_delete", args=[event.id])
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    assert browser.get(reverse("admin:accounts_auditevent_add")).status_code == 403
    event.refresh_from_db()
    assert event.action == Action.LOGGED_IN


def test_the_audit_log_outlives_its_user(user):
    event = AuditEvent.objects.create(owner=user, action=Action.LOGGED_IN)
    user.delete()
    event.refresh_from_db()
    assert event.owner is None


def test_logout_all_ends_sessions_of_the_admin_too(browser, staff):
    assert browser.get("/admin/").status_code == 200
    sessions_end_all(owner=staff, origin=HERE)
    assert browser.get("/admin/").status_code == 302
