"""Nothing goes to an address before it is proven, and its reader can end it with one click."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from core.errors import NotFound
from core.outbox.models import OutboxMessage
from core.sealing import unsealed
from notifications import services
from notifications.choices import CODE_TASK
from notifications.codes import CodeNotSent, code_send
from notifications.models import Delivery, UserChannel
from notifications.pump import deliveries_pump

pytestmark = pytest.mark.django_db
API = "/api/v1/channels"


@pytest.fixture
def api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def email(user):
    channel, _ = services.channel_create(
        owner_id=user.id, kind="smtp_email", address="desk@example.com"
    )
    return channel


def code_of():
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def test_a_new_address_gets_a_code_and_no_alert_before_it_came_back(api, user, email):
    services.rule_create(owner_id=user.id, event="alert.manual", channels=[email])
    message = OutboxMessage.objects.get()
    assert (message.task, message.args) == (CODE_TASK, [str(email.id)]), "no code in the queue"
    code_send(channel_id=email.id)
    code = code_of()
    stored = UserChannel.objects.values().get(id=email.id)
    assert code not in str(stored)

    body = {"message": "x", "channels": ["smtp_email"]}
    refused = api.post("/api/v1/notifications/alerts", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_not_verified")
    assert api.post(f"{API}/{email.id}/test").json()["code"] == "channel_not_verified"
    assert not Delivery.objects.exclude(kind="in_app").exists()

    proven = api.post(f"{API}/{email.id}/verify", {"code": code})
    assert (proven.status_code, proven.json()["verified"]) == (200, True)
    assert api.post("/api/v1/notifications/alerts", body).status_code == 201
    deliveries_pump()
    assert len(mail.outbox) == 2


def test_a_code_can_be_tried_five_times_right_ones_included(api, email):
    code_send(channel_id=email.id)
    code = code_of()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1, 0):
        answer = api.post(f"{API}/{email.id}/verify", {"code": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "code_wrong")
        assert f"{left} more times" in answer.json()["message"]
    answer = api.post(f"{API}/{email.id}/verify", {"code": code})
    assert (answer.status_code, answer.json()["code"]) == (422, "code_expired")


def test_a_code_expires_and_a_new_one_voids_the_old(api, email):
    code_send(channel_id=email.id)
    old = code_of()
    UserChannel.objects.update(code_expires_at=timezone.now() - timedelta(seconds=1))
    assert api.post(f"{API}/{email.id}/verify", {"code": old}).json()["code"] == "code_expired"
    code_send(channel_id=email.id)
    new = code_of()
    if new != old:
        assert api.post(f"{API}/{email.id}/verify", {"code": old}).status_code == 422
    assert api.post(f"{API}/{email.id}/verify", {"code": new}).status_code == 200


def test_codes_are_asked_for_once_a_minute(api, email):
    answer = api.post(f"{API}/{email.id}/code")
    assert (answer.status_code, answer.json()["code"]) == (409, "code_sent")
    UserChannel.objects.update(code_sent_at=timezone.now() - timedelta(seconds=61))
    answer = api.post(f"{API}/{email.id}/code")
    assert answer.status_code == 202
    assert OutboxMessage.objects.filter(task=CODE_TASK).count() == 2


def test_a_phone_that_is_none_is_switched_off_and_said(user, service):
    channel, _ = services.channel_create(owner_id=user.id, kind="sms", address="+14155550123")
    service.status = 400
    service.body = b'{"code": 21211, "message": "not a phone number", "status": 400}'
    code_send(channel_id=channel.id)
    channel.refresh_from_db()
    assert not channel.enabled
    assert "21211" in channel.disabled_reason


def test_a_service_that_is_away_gets_the_code_later(user, service):
    channel, _ = services.channel_create(owner_id=user.id, kind="sms", address="+14155550123")
    service.status, service.body = 429, b'{"code": 1, "message": "slow", "status": 429}'
    with pytest.raises(CodeNotSent):
        code_send(channel_id=channel.id)


def test_the_confirmed_address_of_the_account_needs_no_code(user):
    user.email_verified_at = timezone.now()
    user.save()
    channel, _ = services.channel_create(
        owner_id=user.id, kind="smtp_email", address=user.email.title()
    )
    assert channel.verified_at is not None


def test_a_mail_program_ends_the_mails_with_one_click(user, channel_of):
    channel = channel_of(user, "smtp_email", "desk@example.com")
    services.channel_test(channel=channel)
    services.channel_test(channel=channel)
    first = Delivery.objects.exclude(kind="in_app").first()
    from notifications.dispatch import delivery_send

    delivery_send(delivery_id=first.id)
    headers = mail.outbox[0].message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url in mail.outbox[0].alternatives[0][0].replace("&amp;", "&")
    assert mail.outbox[0].body.endswith(url), "a mail program without HTML has the way out too"
    path = url.removeprefix("http://127.0.0.1:8000")
    client = Client(enforce_csrf_checks=True)

    page = client.get(path)
    assert page.status_code == 200
    assert "Stop sending alerts to desk@example.com" in page.content.decode()
    channel.refresh_from_db()
    assert channel.enabled, "opening the page changes nothing"
    posted = client.post(path, {"List-Unsubscribe": "One-Click"})
    assert posted.status_code == 200
    assert "No more alerts are sent to desk@example.com." in posted.content.decode()
    channel.refresh_from_db()
    assert (channel.enabled, channel.verified_at) == (False, None)
    assert "unsubscribed" in channel.disabled_reason
    deliveries_pump()
    assert len(mail.outbox) == 1, "what was queued stays"
    failed = Delivery.objects.get(status="failed")
    assert "unsubscribed" in failed.error


@pytest.mark.parametrize("token", ["", "nonsense", "a.b", "é"])
def test_a_link_that_is_not_ours_ends_nothing(token):
    page = Client().get(f"/api/v1/notifications/unsubscribe?token={token}")
    assert page.status_code == 404
    assert "<button" not in page.content.decode(), "there is nothing to press"
    assert Client().post(f"/api/v1/notifications/unsubscribe?token={token}").status_code == 404
    with pytest.raises(NotFound):
        services.channel_unsubscribe(token=token)


def test_the_secret_of_a_webhook_is_shown_once_and_rotated(api, user):
    body = {"kind": "webhook", "address": "https://hooks.acme.dev/x"}
    made = api.post(API, body, headers={"Idempotency-Key": "k"}).json()
    assert made["secret"].startswith("whsec_")
    again = api.post(API, body, headers={"Idempotency-Key": "k"})
    assert again.json()["code"] == "channel_exists", "no answer with a secret is kept"
    assert "secret" not in api.get(f"{API}/{made['id']}").json()
    channel = UserChannel.objects.get()
    assert made["secret"].encode() not in bytes(channel.secrets)

    rotated = api.post(f"{API}/{made['id']}/rotate-secret").json()["secret"]
    assert rotated != made["secret"]
    channel.refresh_from_db()
    kept = unsealed(bytes(channel.secrets), context=f"channel:{channel.id}")
    assert kept == {"current": rotated, "previous": made["secret"]}


def test_telegram_takes_a_token_and_never_shows_it(api):
    body = {"kind": "telegram", "address": "12345"}
    assert api.post(API, body).json()["details"][0]["path"] == "secret"
    token = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
    made = api.post(API, body | {"secret": token})
    assert made.status_code == 201
    assert token not in made.content.decode()
